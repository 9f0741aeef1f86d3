"""One invented world: who there is, which system knows whom, who answered what, and when.

Everything follows from seed, size and anchor (the moment at which the story stands still), so two worlds made of the
same three are equal byte for byte. The world knows its people as they are; how a system has misspelled them is that
system's own affair (`draw` gives each its own stream of chance).
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

from sandbox.people import Company, Person, companies, people

ANCHOR: Final = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MARA, SHARMILA, RAHIM = 0, 1, 2

Survey = Literal["relationship", "support", "study"]
SURVEYS: Final[Sequence[Survey]] = ("relationship", "support", "study")


@dataclass(frozen=True, slots=True, kw_only=True)
class CrmEntry:
    """A person's record in the CRM. `second`: the same person once more, entered by somebody who did not look."""

    id: int
    person: Person
    second: bool
    added: datetime
    changed: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One person answers one survey. `person` is None for a passer-by whom no system knows.

    `state`: completed, or given up half-way (partial), or only opened (started).
    """

    survey: Survey
    person: Person | None
    landed: datetime
    submitted: datetime | None
    state: Literal["completed", "partial", "started"]
    score: int  # 0 to 10
    comment: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """See the module. `fates`: the person who was merged, deleted, has unsubscribed, by that word."""

    seed: int
    size: int
    anchor: datetime
    companies: Sequence[Company]
    people: Sequence[Person]
    crm: Sequence[CrmEntry]
    organizations: Mapping[int, int]  # company number -> its id in the CRM
    members: Mapping[int, int]  # person number -> member number of the shop
    answers: Sequence[Answer]
    fates: Mapping[str, int]
    _crm_ids: Mapping[int, int]  # person number -> id of the first record in the CRM

    def draw(self, *labels: str | int) -> random.Random:
        """A stream of chance of one's own, the same in every equal world."""
        return random.Random("/".join(map(str, (self.seed, self.size, *labels))))

    def crm_id(self, person: Person) -> int | None:
        """The person's first record in the CRM."""
        return self._crm_ids.get(person.number)

    def entries(self, system: str, *, share: float) -> Sequence[CrmEntry]:
        """Who has a record in a further CRM, since when: this share of the people, and always the named and the fated.

        Ids count from 101 in the order of entry. Another `system`, other records, times and duplicates.
        """
        return _crm(self.seed, self.size, self.anchor, self.people, self.fates, system=system, share=share)


def make(seed: int, size: int, anchor: datetime = ANCHOR) -> World:
    """The world of a seed. `size` is the number of people; at least the three named ones live in it."""
    size = max(3, size)
    firms = companies(seed, size)
    folk = people(seed, size, firms)
    fates = _fates(folk)
    crm = _crm(seed, size, anchor, folk, fates)
    employers = {number for entry in crm for number in (entry.person.company, entry.person.former)}
    organizations = {firm.number: nth for nth, firm in enumerate((f for f in firms if f.number in employers), start=1)}
    return World(
        seed=seed, size=size, anchor=anchor, companies=firms, people=folk, crm=crm, organizations=organizations,
        members=_members(seed, size, folk), answers=_answers(seed, size, anchor, folk), fates=fates,
        _crm_ids={entry.person.number: entry.id for entry in crm if not entry.second},
    )  # fmt: skip


def _fates(folk: Sequence[Person]) -> Mapping[str, int]:
    words = ("merged", "deleted", "unsubscribed")
    ordinary = [person.number for person in folk[3:] if person.work_email]
    return dict(zip(words, ordinary, strict=False))


def _crm(
    seed: int,
    size: int,
    anchor: datetime,
    folk: Sequence[Person],
    fates: Mapping[str, int],
    *,
    system: str = "crm",
    share: float = 0.86,
) -> Sequence[CrmEntry]:
    rng = random.Random(f"{seed}/{size}/{system}")
    # One evening somebody ran a bulk edit: more records share its second than fit on a page.
    bulk = anchor - timedelta(days=39, hours=13, seconds=17)
    drafts: list[tuple[datetime, int, bool, datetime]] = []
    for person in folk:
        chosen = person.number <= RAHIM or person.number in fates.values()
        known, twice = rng.random() < share, rng.random() < 0.03
        for second in (False, True):
            added = anchor - timedelta(seconds=rng.randrange(3 * 86400, 5 * 365 * 86400))
            later = added + (anchor - added) * rng.random() ** 0.5
            changed = bulk if rng.random() < 0.12 and added < bulk else later
            if (chosen or known) and (not second or twice or person.number == fates.get("merged")):
                drafts.append((added, person.number, second, changed.replace(microsecond=0)))
    drafts.sort()
    return [
        CrmEntry(id=nth, person=folk[number], second=second, added=added, changed=changed)
        for nth, (added, number, second, changed) in enumerate(drafts, start=101)
    ]


def _members(seed: int, size: int, folk: Sequence[Person]) -> Mapping[int, int]:
    rng = random.Random(f"{seed}/{size}/shop")
    buyers = [person.number for person in folk if rng.random() < 0.42 or person.number == MARA]
    rng.shuffle(buyers)
    return {number: 20000 + nth * 7 for nth, number in enumerate(buyers)}


def _answers(seed: int, size: int, anchor: datetime, folk: Sequence[Person]) -> Sequence[Answer]:
    rng = random.Random(f"{seed}/{size}/answers")
    made = []
    shares: Mapping[Survey, float] = {"relationship": 0.34, "support": 0.22, "study": 0.06}
    for survey, share in shares.items():
        for person in folk:
            if person.number in (MARA, RAHIM) and survey == "relationship":
                continue
            rounds = 2 if rng.random() < 0.2 else 1
            made += [_answer(rng, survey, person, anchor) for _ in range(rounds if rng.random() < share else 0)]
        passers_by = max(1, int(size * share * 0.04))
        made += [_answer(rng, survey, None, anchor) for _ in range(passers_by)]
        # Some are quite fresh: a tool that shows responses late does not show these yet when the story stands still.
        made += [_answer(rng, survey, rng.choice(folk), anchor, fresh=True) for _ in range(max(2, size // 400))]
    made.append(_said(folk[MARA], anchor - timedelta(hours=11, minutes=53), 3, MARA_SAYS))
    made.append(_said(folk[RAHIM], anchor - timedelta(days=4, hours=2), 9, "দ্রুত উত্তর, ধন্যবাদ। Fast answer, thank you."))
    made.sort(key=lambda answer: (answer.landed, answer.survey, answer.score))
    return made


MARA_SAYS: Final = "Third late delivery this quarter, and nobody calls back. The panels themselves are fine."


def _said(person: Person, at: datetime, score: int, comment: str) -> Answer:
    return Answer(
        survey="relationship", person=person, landed=at - timedelta(minutes=3), submitted=at, state="completed",
        score=score, comment=comment,
    )  # fmt: skip


def _answer(
    rng: random.Random, survey: Survey, person: Person | None, anchor: datetime, *, fresh: bool = False
) -> Answer:
    age = rng.randrange(60, 25 * 60) if fresh else rng.randrange(3600, 400 * 86400)
    submitted = anchor - timedelta(seconds=age)
    likes = person.likes if person else rng.random()
    score = min(10, max(0, round(likes * 10 + rng.gauss(0, 1.3))))
    state: Literal["completed", "partial", "started"] = "completed"
    if not fresh and rng.random() < 0.07:
        state = rng.choice(("partial", "started"))
    kind = "gladly" if score >= 9 else "so so" if score >= 7 else "not"
    return Answer(
        survey=survey, person=person, landed=submitted - timedelta(seconds=rng.randrange(20, 900)),
        submitted=submitted if state == "completed" else None, state=state, score=score,
        comment=rng.choice(COMMENTS[kind]) if rng.random() < 0.7 else None,
    )  # fmt: skip


COMMENTS: Final[Mapping[str, Sequence[str]]] = {
    "gladly": (
        "Great people, quick answers 🙌", "Schnell, freundlich, zuverlässig.", "対応がとても早くて助かりました。",
        "অসাধারণ সেবা!",
        "خدمة ممتازة", "Rất hài lòng với dịch vụ.", "Toujours à l'écoute, merci !", "Все чудово, дякую.", "质量很好",
    ),
    "so so": (
        "Good product, the invoice portal is slow.", "Im Großen und Ganzen gut.\nNur die Lieferzeiten …", "Ça va.",
        "まあまあです",
        "ঠিক আছে, তবে দাম বেশি", "Bien, pero el soporte tarda.", "Jest w porządku.", "OK 👍",
    ),
    "not": (
        "Nobody called me back in three weeks.", "Viel zu teuer & der Support antwortet nie!", "Trop de retards.",
        "納期が守られない。",
        "খুব দেরি হয়", "الأسعار مرتفعة جدا", "Пів року чекаємо на відповідь",
        "<b>Never</b> again; \"sorry\" is not a fix",
    ),
}  # fmt: skip
