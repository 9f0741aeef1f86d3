"""The table of the merge, row by row."""

from collections.abc import Callable
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapping.merge import NEVER, Base, FieldPolicy, Side, merge, survive
from mapping.merge.consent import severity
from mapping.merge.policy import RULES
from mapping.merge.rows import RowMerger, RowSide
from mapping.values import ABSENT

MASTERS = ("crm", "cem", "shop")
RECORDS = {"crm": 1, "cem": 2, "shop": 3}


def side(system: str, observed: Any, agreed: Any = "old", hub: Any = "old", **more: Any) -> Side:
    return Side(record=RECORDS[system], system=system, observed=observed, base=Base(agreed, hub), **more)


def newcomer(system: str, observed: Any, **more: Any) -> Side:
    return Side(record=RECORDS[system], system=system, observed=observed, **more)


def policy(*chain: Any, **more: Any) -> FieldPolicy:
    return FieldPolicy(masters=more.pop("masters", MASTERS), on_conflict=chain or ("review",), **more)


def first(length: int) -> Callable[[Any], Any]:
    return lambda value: value[:length] if isinstance(value, str) else value


REST, WRITE, HELD = "rest", "write", "held"


@pytest.mark.parametrize(
    ("sides", "golden", "rules", "expected"),
    [
        pytest.param(
            [side("crm", "old"), side("cem", "old")], "old", policy(), ("old", "rest", [REST, REST]), id="rest"
        ),
        pytest.param(
            [side("crm", "new"), side("cem", "old")], "old", policy(), ("new", "taken", [REST, WRITE]), id="one-edit"
        ),
        pytest.param(
            [side("crm", "old"), side("cem", "old")], "new", policy(), ("new", "rest", [WRITE, WRITE]), id="hub-moved"
        ),
        pytest.param(
            [side("crm", "new"), side("cem", "old", writable=False)],
            "old",
            policy(),
            ("new", "taken", [REST, REST]),
            id="read-only-is-not-written",
        ),
        pytest.param(
            [side("crm", "new"), side("cem", "old", live=False)],
            "old",
            policy(),
            ("new", "taken", [REST, HELD]),
            id="archived-waits",
        ),
        pytest.param(
            [side("crm", "new", represents=False), side("cem", "old")],
            "old",
            policy(),
            ("old", "rest", [REST, REST]),
            id="a-duplicate-edits-nothing",
        ),
        pytest.param(
            [side("crm", ABSENT), side("cem", "old")],
            "old",
            policy(),
            ("old", "rest", [REST, REST]),
            id="absent-is-no-change",
        ),
        pytest.param(
            [side("crm", "new"), side("cem", "new")], "old", policy(), ("new", "agreed", [REST, REST]), id="alike"
        ),
        pytest.param(
            [side("crm", "a"), side("cem", "b")], "old", policy(), ("old", "conflict", [HELD, HELD]), id="review"
        ),
        pytest.param(
            [side("crm", "a"), side("cem", "b")], "old", policy("masters"), ("a", "taken", [REST, WRITE]), id="masters"
        ),
        pytest.param(
            [side("cem", "b", hub="old")],
            "new",
            policy("masters"),
            ("new", "conflict", [HELD]),
            id="unseen-hub-value-nobody-backs",
        ),
        pytest.param(
            [side("crm", "new", "new", "new"), side("cem", "b")],
            "new",
            policy("masters"),
            ("new", "taken", [REST, WRITE]),
            id="unseen-hub-value-of-a-master",
        ),
        pytest.param(
            [side("cem", "abc", shown=first(3)), side("crm", "abcdef", "abcdef", "abcdef")],
            "abcdef",
            policy(),
            ("abcdef", "rest", [REST, REST]),
            id="a-stub-agrees",
        ),
        pytest.param(
            [side("crm", None), side("cem", "old")],
            "old",
            policy(),
            ("old", "held", [REST, REST]),
            id="a-clear-is-held",
        ),
        pytest.param(
            [side("crm", None), side("cem", "old")],
            "old",
            policy(allow_clear=("crm",)),
            (None, "taken", [REST, WRITE]),
            id="a-clear-spreads",
        ),
        pytest.param(
            [side("crm", None)],
            "old",
            policy(allow_clear=("crm",), required=True),
            ("old", "held", [REST]),
            id="required-is-never-cleared",
        ),
        pytest.param(
            [side("crm", None, None, "old"), side("cem", "new")],
            "old",
            policy(),
            ("new", "taken", [WRITE, REST]),
            id="a-held-clear-is-filled-by-the-next-value",
        ),
        pytest.param(
            [side("cem", "x")],
            "old",
            policy(masters=("crm",), on_foreign_edit="revert"),
            ("old", "reverted", [WRITE]),
            id="revert",
        ),
        pytest.param(
            [side("cem", "x")],
            "old",
            policy(masters=("crm",), on_foreign_edit="keep"),
            ("old", "held", [REST]),
            id="keep",
        ),
        pytest.param([side("cem", "x")], "old", policy(masters=("crm",)), ("old", "conflict", [HELD]), id="ask"),
        pytest.param(
            [side("cem", "x")],
            "old",
            policy(masters=("crm",), on_foreign_edit="adopt"),
            ("x", "taken", [REST]),
            id="adopt",
        ),
        pytest.param(
            [side("cem", 9, 8, 8)],
            8,
            policy(code="derived", on_foreign_edit="revert"),
            (8, "reverted", [WRITE]),
            id="computed",
        ),
        pytest.param(
            [side("cem", 8, 8, 8)],
            None,
            policy(code="derived", on_foreign_edit="revert"),
            (None, "rest", [WRITE]),
            id="a-hub-clear-spreads",
        ),
    ],
)
def test_every_row_of_the_table_in_every_order(
    sides: list[Side], golden: Any, rules: FieldPolicy, expected: tuple[Any, str, list[str]]
) -> None:
    value, verdict, stands = expected
    for order in permutations(range(len(sides))):
        decision = merge([sides[n] for n in order], golden=golden, policy=rules)

        assert (decision.golden, decision.verdict) == (value, verdict), decision.reason
        assert list(decision.stands) == [stands[n] for n in order]
        assert decision.reason
        assert decision.rule in RULES


def test_newest_needs_trusted_times_further_apart_than_the_tolerance() -> None:
    def at(minute: int, *, trusted: bool = True) -> Any:
        sides = [
            side("crm", "a", modified="2026-11-24T08:00:00.000Z", trusted=True),
            side("cem", "b", modified=f"2026-11-24T08:{minute:02d}:00.000Z", trusted=trusted),
        ]
        return merge(sides, golden="old", policy=policy("newest", "review")).golden

    assert (at(6), at(4), at(6, trusted=False)) == ("b", "old", "old")


def test_first_contact_fills_gaps_and_goes_by_the_masters() -> None:
    gap = survive([newcomer("crm", None), newcomer("cem", "x")], policy=policy())
    differ = survive([newcomer("crm", "a"), newcomer("cem", "b")], policy=policy())
    stub = survive([newcomer("crm", "abc", shown=first(3)), newcomer("cem", "abcdef")], policy=policy())
    stranger = survive([newcomer("cem", "x")], policy=policy(masters=("crm",)))

    assert (gap.golden, gap.stands) == ("x", ["write", "rest"])
    assert (differ.golden, differ.stands, differ.bases[1]) == ("a", ["rest", "write"], Base("b", NEVER))
    assert (stub.golden, stub.stands) == ("abcdef", ["rest", "rest"])
    assert (stranger.golden, stranger.stands) == (None, ["rest"])


def test_a_newcomer_with_an_old_value_does_not_undo_a_pending_edit() -> None:
    sides = [side("cem", "new"), side("crm", "old"), newcomer("shop", "old")]

    decision = survive(sides, policy=policy(), golden="old")

    assert (decision.golden, decision.stands) == ("new", ["rest", "write", "write"])


def emails(*addresses: str) -> list[dict[str, str]]:
    return [{"address": one} for one in sorted(addresses)]


def test_of_a_set_additions_and_removals_go_by_element() -> None:
    rules = policy("union", shape="set", key=("address",), code="union")
    old = emails("a", "b")
    sides = [side("crm", emails("a", "c", "b"), old, old), side("cem", emails("a"), old, old)]

    decision = merge(sides, golden=old, policy=rules)

    assert decision.golden == emails("a", "c")
    assert decision.stands == ["write", "write"]
    cleared = merge([side("crm", None, old, old)], golden=old, policy=rules)
    assert (cleared.golden, cleared.stands) == (old, ["rest"])


def test_of_an_element_two_edits_are_a_conflict_that_holds_its_sides_alone() -> None:
    rules = policy(shape="set", key=("type",))
    old = [{"type": "home", "city": "A"}]
    sides = [
        side("crm", [{"type": "home", "city": "B"}], old, old),
        side("cem", [{"type": "home", "city": "C"}], old, old),
        side("shop", [*old, {"type": "work", "city": "W"}], old, old),
    ]

    decision = merge(sides, golden=old, policy=rules)

    assert (decision.golden, decision.verdict) == ([*old, {"type": "work", "city": "W"}], "conflict")
    assert decision.stands == ["held", "held", "rest"]


CONSENT = FieldPolicy(
    masters=MASTERS,
    on_conflict=("restrictive",),
    shape="set",
    key=("channel", "purpose", "scope"),
    code="strict",
    authoritative=("cem",),
)


def consent(status: str, at: str | None = None, *, evidence: str | None = None, channel: str = "email") -> list[Any]:
    told = {"channel": channel, "purpose": "marketing", "status": status, "captured_at": at, "evidence": evidence}
    return [{name: value for name, value in told.items() if value is not None}]


@pytest.mark.parametrize(
    ("system", "word", "status"),
    [
        pytest.param("crm", consent("granted", "2026-05-01", evidence="form"), "denied", id="no-authority"),
        pytest.param("cem", consent("granted", "2026-05-01"), "denied", id="no-evidence"),
        pytest.param("cem", consent("granted", "2026-01-01", evidence="form"), "denied", id="earlier"),
        pytest.param("cem", consent("unknown", "2026-05-01", evidence="form"), "denied", id="unknown-says-nothing"),
        pytest.param("cem", None, "denied", id="a-clear-says-nothing"),
        pytest.param("cem", consent("granted", "2026-05-01", evidence="form"), "granted", id="later-with-evidence"),
    ],
)
def test_a_denial_is_reopened_only_by_later_evidence_of_an_authority(system: str, word: Any, status: str) -> None:
    denied = consent("denied", "2026-03-01")

    decision = merge([side(system, word, denied, denied)], golden=denied, policy=CONSENT)

    assert decision.golden[0]["status"] == status


@pytest.mark.parametrize("golden", [None, consent("granted", "2026-05-01"), consent("denied", channel="phone")])
def test_a_box_that_is_never_unticked_denies_when_somebody_ticks_it(golden: Any) -> None:
    ticked = consent("denied")

    def shown(value: Any) -> Any:
        return ticked  # whatever is written but a denial leaves it as it is

    decision = merge([side("crm", ticked, None, golden, shown=shown)], golden=golden, policy=CONSENT)

    assert decision.winner == RECORDS["crm"]
    assert consent("denied")[0] in decision.golden


def test_a_denial_of_any_channel_denies_what_lies_under_it() -> None:
    granted = consent("granted", "2026-01-01")
    both = [*consent("denied", "2026-02-01", channel="any"), *granted]

    decision = merge([side("crm", both, granted, granted)], golden=granted, policy=CONSENT)

    assert [one["status"] for one in decision.golden] == ["denied", "denied"]


words = st.builds(
    consent,
    st.sampled_from(["granted", "pending", "denied", "withdrawn", "unknown"]),
    st.sampled_from([None, "2026-01-01", "2026-02-01", "2026-03-01"]),
    evidence=st.sampled_from([None, "form"]),
)


@settings(max_examples=200, deadline=None)
@given(words, st.lists(st.one_of(st.none(), words), min_size=3, max_size=3), st.permutations(range(3)))
def test_consent_never_loosens_without_evidence_whatever_the_order(golden: Any, said: Any, order: Any) -> None:
    sides = [side(name, word, golden, golden) for name, word in zip(MASTERS, said, strict=True)]

    decision = merge(sides, golden=golden, policy=CONSENT)

    assert merge([sides[n] for n in order], golden=golden, policy=CONSENT).golden == decision.golden
    after, before = decision.golden[0], golden[0]
    if severity(after) < severity(before):
        assert after["evidence"]
        assert after["captured_at"] > before["captured_at"]
        assert [after] == said[1]


def test_who_clears_where_the_hub_holds_nothing_agrees_with_it_and_may_say_the_same_again() -> None:
    """Each side kept its own while the hub held nothing: one of them takes its own away, and brings it back."""
    cem = side("cem", "other", "other", ABSENT)

    cleared = merge([side("crm", None, "old", ABSENT), cem], golden=ABSENT, policy=policy())
    again = merge([side("crm", "old", None, ABSENT), cem], golden=ABSENT, policy=policy())

    assert (cleared.golden, cleared.stands) == (ABSENT, [REST, REST])
    assert cleared.bases == [Base(None, ABSENT), Base("other", ABSENT)]
    assert (again.golden, again.winner) == ("old", RECORDS["crm"])


columns = st.lists(st.sampled_from([ABSENT, None, "a", "ab", "b"]), min_size=3, max_size=3)


@settings(max_examples=1000, deadline=None)
@given(
    st.lists(columns, min_size=1, max_size=6),
    st.sampled_from(["crm", "newest", "union"]),
    st.lists(st.sampled_from([*MASTERS, "elsewhere"]), max_size=3, unique=True),
    st.lists(st.tuples(st.booleans(), st.booleans(), st.booleans()), min_size=3, max_size=3),
)
def test_whole_rows_say_what_single_fields_say(
    fields: list[list[Any]], code: Any, masters: list[str], told: list[tuple[bool, bool, bool]]
) -> None:
    shape = "set" if code == "union" else "unit"
    rules = policy("union" if code == "union" else "masters", masters=tuple(masters), shape=shape, code=code)
    if code == "union":
        fields = [[[one] if isinstance(one, str) else one for one in column] for column in fields]
    rows = [
        RowSide(
            RECORDS[name],
            name,
            [column[n] for column in fields],
            live=live,
            represents=represents,
            shown=(lambda _, value: first(1)(value)) if cuts else None,
        )
        for n, (name, (live, represents, cuts)) in enumerate(zip(MASTERS, told, strict=True))
    ]

    decided = RowMerger([rules] * len(fields)).survive(rows)

    for at, column in enumerate(fields):
        one = survive(
            [
                newcomer(
                    row.system,
                    value,
                    live=row.live,
                    represents=row.represents,
                    **({"shown": first(1)} if row.shown else {}),
                )
                for row, value in zip(rows, column, strict=True)
            ],
            policy=rules,
        )
        winner = None if decided.winners[at] < 0 else rows[decided.winners[at]].record
        assert (decided.values[at], winner, RULES[decided.rules[at]]) == (one.golden, one.winner, one.rule)
        assert (at in decided.contested) == (one.verdict == "conflict")
