"""The parts of the file that are not about one connection: match, merge, figures, guards, schedules, store."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from crosswalk.problems import ProblemsError
from crosswalk.settings import grammar
from crosswalk.settings.faults import Mark, Spot, nearest, offer
from crosswalk.settings.forms import Forms, said
from crosswalk.settings.hidden import is_reference, passwords
from crosswalk.settings.model import (
    DEFAULT_GUARDS,
    Alert,
    CxSetting,
    Guard,
    MatchSettings,
    MergeSettings,
    Policy,
    ReviewSettings,
    Schedule,
    StoreSettings,
)
from crosswalk.settings.source import Entry, Node, Scalar, Table
from crosswalk.settings.store import store_url
from crosswalk.spark import missing as missing_for_spark
from mapping.language import Place
from mapping.match.rules import SCORED, WORDS, MatchRule

# In rules the words for what belongs to another record or to a part: the company worked for, the country of an address.
_RULE_WORDS: Final = ("company", "country", *WORDS)
_ANY_DAY: Final = datetime(2000, 1, 1, tzinfo=UTC)


class Rules:
    """Reads those parts. `connections`: the names that stand in the file, whatever else is wrong with them."""

    def __init__(self, forms: Forms, connections: Sequence[str]) -> None:
        self._forms = forms
        self._faults = forms.faults
        self._connections = list(connections)

    def store(self, node: Node, folder: Path, spot: Spot) -> StoreSettings:
        given = self._forms.keys(node, grammar.STORE, spot)
        url, key = None, None
        if "url" in given:
            value = given["url"].value
            url = self._forms.text(value, "store.url", spot / "url", expected=_URL_HINT)
            if url is not None and isinstance(value, Scalar):
                self._check_url(url, value, spot / "url")
        if "encryption_key" in given:
            value = given["encryption_key"].value
            key = self._forms.text(value, "encryption_key", spot / "encryption_key", expected="env:NAME or file:PATH")
            if key is not None and isinstance(value, Scalar) and value.shown is None:
                self._faults.add(
                    "CW103", value.mark, "a secret stands in the file", _SECRET_HINT, at=spot / "encryption_key"
                )
        kept = {
            name: self._forms.duration(given[name].value, name, spot / name, such_as="400d")
            for name in ("keep_history", "keep_journal", "keep_removed")
            if name in given
        }
        return StoreSettings(
            url=store_url(url, folder),
            encryption_key=key,
            key_file=None if "encryption_key" in given else folder / "crosswalk.key",
            **{name: length for name, length in kept.items() if length is not None},
        )

    def _check_url(self, url: str, node: Scalar, spot: Spot) -> None:
        if not re.match(r"^(sqlite(\+pysqlite)?:///?|postgresql(\+\w+)?://)", url):
            self._faults.add("CW102", node.mark, f"store.url is {said(node)}", _URL_HINT, at=spot)
        elif node.shown is None and passwords(url):
            self._faults.add("CW103", node.mark, "a secret stands in the file", _SECRET_HINT, at=spot)

    def match(self, node: Node, folder: Path, spot: Spot) -> dict[str, MatchSettings]:
        """`folder`: where a model file is looked for."""
        found: dict[str, MatchSettings] = {}
        for kind, entry in self._kinds(node, spot, "match"):
            given = self._forms.keys(entry.value, grammar.MATCH, spot / kind, noun=f"match.{kind}")
            at = spot / kind
            rules = self._rules(kind, given["rules"].value, at / "rules") if "rules" in given else None
            limits = self._limits(kind, given["limits"].value, at / "limits") if "limits" in given else {}
            block: tuple[str, ...] = ()
            if "block" in given:
                texts = self._forms.texts(given["block"].value, "block", at / "block", such_as='"info@*"')
                block = tuple(text for text, _ in texts or ())
            model = given["model"].value if "model" in given else None
            scored, path = self._model(kind, model, folder, at / "model")
            master = self._spark(kind, given["spark"].value, at / "spark") if "spark" in given else None
            found[kind] = MatchSettings(
                rules=rules, limits=limits, block=block, scored=scored, model=path, spark=master
            )
        return found

    def _model(self, kind: str, node: Node | None, folder: Path, spot: Spot) -> tuple[bool, Path | None]:
        """Are records of this kind scored, and by which file; None: by the model that ships."""
        if node is None:
            return kind in SCORED, None
        text = self._forms.text(node, "model", spot, expected=_MODEL_HINT)
        if text is None or text == NO_MODEL:
            return False, None
        if kind not in SCORED:
            there = " and ".join(SCORED)
            self._faults.add("CW102", node.mark, f"model is {said(node)}", f"only {there} have a model", at=spot)
        elif text != SHIPPED and (wrong := _wrong_model(folder / text, kind)):
            self._faults.add("CW102", node.mark, f"model is {said(node)}: {wrong}", _MODEL_HINT, at=spot)
        return kind in SCORED, None if text == SHIPPED else folder / text

    def _spark(self, kind: str, node: Node, spot: Spot) -> str | None:
        text = self._forms.text(node, "spark", spot, expected="spark://host:7077 or local[4]")
        if text is not None and kind not in SCORED:
            there = " and ".join(SCORED)
            self._faults.add("CW102", node.mark, f"spark is {said(node)}", f"only {there} are scored", at=spot)
        elif text is not None and (missing := missing_for_spark()):
            self._faults.add("CW132", node.mark, *missing, at=spot)
        return text

    def _rules(self, kind: str, node: Node, spot: Spot) -> tuple[MatchRule, ...] | None:
        items = self._forms.items(node, "rules", spot, "a list, such as [{same: [emails]}]")
        if items is None:
            return None
        found = []
        for number, item in enumerate(items):
            at = spot / number
            given = self._forms.keys(item, grammar.RULE, at)
            names: tuple[str, ...] = ()
            if "same" in given:
                texts = self._forms.texts(given["same"].value, "same", at / "same", such_as="emails") or ()
                names = tuple(text for text, mark in texts if self._rule_field(kind, text, mark, at / "same"))
                if not texts and not isinstance(given["same"].value, Scalar):
                    self._forms.wrong(given["same"].value, "same", at, "hub fields, such as [emails]")
            then = "same"
            if "then" in given:
                then = self._forms.word(given["then"].value, "then", at / "then", grammar.THEN) or "same"
            found.append(MatchRule(names, "review" if then == "review" else "same"))
        return tuple(found)

    def _rule_field(self, kind: str, name: str, mark: Mark, spot: Spot) -> bool:
        return name in _RULE_WORDS or self._field(kind, name, mark, spot)

    def _limits(self, kind: str, node: Node, spot: Spot) -> dict[str, int]:
        table = self._forms.table(node, spot, "limits")
        found: dict[str, int] = {}
        for name, entry in table or ():
            number = self._forms.whole(entry.value, name, spot / name, least=1, such_as=3)
            if self._rule_field(kind, name, entry.key.mark, spot / name) and number is not None:
                found[name] = number
        return found

    def merge(self, node: Node, spot: Spot, masters: Sequence[str]) -> MergeSettings:
        """`masters`: who they are where the file does not say."""
        defaults = Policy()
        kinds: dict[str, dict[str, Policy]] = {}
        table = self._forms.table(node, spot, "merge")
        known = ("defaults", *_kinds())
        for name, entry in table or ():
            at = spot / name
            if name == "defaults":
                defaults = self._policy(entry, "merge.defaults", at)
            elif name in known:
                fields = self._forms.table(entry.value, at, f"merge.{name}")
                kinds[name] = {}
                for field, one in fields or ():
                    if self._field(name, field, one.key.mark, at / field):
                        kinds[name][field] = self._policy(one, f"{name}.{field}", at / field)
                        self._allowed(name, field, one, kinds[name][field], at / field)
            else:
                self._faults.add("CW101", entry.key.mark, f"merge has no key '{name}'", offer(name, known), at=at)
        if defaults.masters is None:
            defaults = Policy(**{**defaults.told(), "masters": tuple(masters), "place": defaults.place})  # type: ignore[arg-type] # its own keys
        return MergeSettings(defaults=defaults, kinds=kinds)

    def _policy(self, entry: Entry, noun: str, spot: Spot) -> Policy:
        forms = self._forms
        given = forms.keys(entry.value, grammar.POLICY, spot, noun=noun)

        def named(key: str) -> tuple[str, ...] | None:
            if key not in given:
                return None
            such_as = self._connections[0] if self._connections else "crm"
            return forms.named(given[key].value, key, spot / key, self._connections, such_as=such_as)

        on_conflict = None
        if "on_conflict" in given:
            node = given["on_conflict"].value
            on_conflict = forms.words(node, "on_conflict", spot / "on_conflict", grammar.ON_CONFLICT)
            if on_conflict and "review" in on_conflict[:-1]:
                after = on_conflict[on_conflict.index("review") + 1]
                self._faults.add(
                    "CW113", given["on_conflict"].key.mark, f"{noun}: nothing follows review, here {after} does",
                    "review asks a person and ends the list", at=spot / "on_conflict",
                )  # fmt: skip
        edit = None
        if "on_foreign_edit" in given:
            node = given["on_foreign_edit"].value
            edit = forms.word(node, "on_foreign_edit", spot / "on_foreign_edit", grammar.ON_FOREIGN_EDIT)
        tolerance = None
        if "tolerance" in given:
            tolerance = forms.duration(given["tolerance"].value, "tolerance", spot / "tolerance", such_as="5m")
        return Policy(
            masters=named("masters"),
            on_conflict=on_conflict,
            on_foreign_edit=edit,
            allow_clear=named("allow_clear"),
            tolerance=tolerance,
            place=Place(self._faults.file, entry.key.mark.line, entry.key.mark.column),
        )

    def _allowed(self, kind: str, name: str, entry: Entry, policy: Policy, spot: Spot) -> None:
        """What no policy may do: loosen consent, empty what is required, choose a value for what the hub computes."""
        from mapping.schema import target

        field = target(kind, name).field
        table = entry.value if isinstance(entry.value, Table) else Table(entry.key.mark)

        def tell(key: str, text: str, hint: str) -> None:
            found = table.get(key)
            mark = entry.key.mark if found is None else _first_mark(found)
            self._faults.add("CW113", mark, text, hint, at=spot / key)

        if field.merge == "strict":
            wrong = [one for one in policy.on_conflict or () if one != "restrictive"]
            if wrong:
                tell("on_conflict", f"{name} cannot be '{wrong[0]}'", _CONSENT_HINT)
            if policy.allow_clear:
                tell("allow_clear", f"{name} is never emptied", "consent only tightens: leave allow_clear out")
        elif field.required and policy.allow_clear:
            tell("allow_clear", f"{name} is never emptied: a {kind} needs it", "leave allow_clear out")
        elif field.merge == "derived" and (policy.masters or policy.on_conflict):
            key = "masters" if policy.masters else "on_conflict"
            tell(key, f"{name} is computed by the hub and has no {key}", "only on_foreign_edit has a say here")
        if policy.on_conflict and "restrictive" in policy.on_conflict and field.merge != "strict":
            tell("on_conflict", f"{name} cannot be 'restrictive'", "only consent has a stricter value")
        if policy.on_conflict and "union" in policy.on_conflict and field.shape != "set":
            tell("on_conflict", f"{name} cannot be 'union'", "it holds one value: masters, newest or review")

    def cx(self, node: Node, spot: Spot) -> dict[str, CxSetting]:
        """Every metric, those that the file leaves out with their defaults."""
        found = {metric: CxSetting() for metric in grammar.METRICS}
        table = self._forms.table(node, spot, "cx")
        for name, entry in table or ():
            at = spot / name
            if name not in grammar.METRICS:
                self._faults.add(
                    "CW101", entry.key.mark, f"cx has no key '{name}'", offer(name, grammar.METRICS), at=at
                )
                continue
            given = self._forms.keys(entry.value, grammar.CX, at, noun=f"cx.{name}")
            window, least = None, None
            if "window" in given:
                window = self._forms.duration(given["window"].value, "window", at / "window", such_as="365d")
            if "minimum_responses" in given:
                node_ = given["minimum_responses"].value
                least = self._forms.whole(node_, "minimum_responses", at / "minimum_responses", least=1, such_as=3)
            found[name] = CxSetting(window=window or CxSetting().window, minimum_responses=least or 1)
        return found

    def guards(self, node: Node, spot: Spot, *, under: Mapping[str, Guard], noun: str = "guards") -> dict[str, Guard]:
        """The classes that are named; what a class leaves out it takes from `under`."""
        found: dict[str, Guard] = {}
        table = self._forms.table(node, spot, noun)
        for name, entry in table or ():
            at = spot / name
            if name not in grammar.GUARDED:
                self._faults.add(
                    "CW101", entry.key.mark, f"{noun} has no key '{name}'", offer(name, grammar.GUARDED), at=at
                )
                continue
            given = self._forms.keys(entry.value, grammar.GUARD, at, noun=f"{noun}.{name}")
            base = under.get(name, DEFAULT_GUARDS[name])
            at_most, share = base.at_most, base.share
            if "at_most" in given:
                at_most = self._forms.whole(given["at_most"].value, "at_most", at / "at_most", such_as=200)
            if "share" in given:
                share = self._forms.share(given["share"].value, "share", at / "share")
            place = Place(self._faults.file, entry.key.mark.line, entry.key.mark.column)
            found[name] = Guard(at_most=at_most, share=share, place=place)
        return found

    def review(self, node: Node, spot: Spot) -> ReviewSettings:
        given = self._forms.keys(node, grammar.REVIEW, spot)
        after, take = None, None
        if "after" in given:
            after = self._forms.duration(given["after"].value, "after", spot / "after", such_as="14d")
        if "take" in given:
            take = self._forms.word(given["take"].value, "take", spot / "take", grammar.TAKEN)
        return ReviewSettings(after=after, take=take or "keep")

    def schedule(self, node: Node, spot: Spot, *, under: Schedule, zone: str, noun: str = "schedule") -> Schedule:
        given = self._forms.keys(node, grammar.SCHEDULE, spot, noun=noun)
        every, cron, audit = None, None, under.audit
        if "every" in given:
            every = self._forms.duration(given["every"].value, "every", spot / "every")
        if "cron" in given:
            cron = self._cron(given["cron"].value, "cron", spot / "cron", zone)
        if "audit" in given:
            audit = self._cron(given["audit"].value, "audit", spot / "audit", zone)
        if "every" in given and "cron" in given:
            second = max((given["every"].key.mark, given["cron"].key.mark))
            self._faults.add("CW112", second, f"{noun} has both every and cron", "keep one of them", at=spot)
        if every is None and cron is None:
            every, cron = under.every, under.cron
        return Schedule(every=every, cron=cron, audit=audit)

    def alerts(self, node: Node, spot: Spot) -> tuple[Alert, ...]:
        items = self._forms.items(node, "alerts", spot, "a list, such as [{to: env:OPS_WEBHOOK_URL}]")
        found = []
        for at, item in enumerate(items or ()):
            given = self._forms.keys(item, grammar.ALERT, spot / at)
            when: tuple[str, ...] | None = grammar.ALERTS
            if "when" in given:
                when = self._forms.words(given["when"].value, "when", spot / at / "when", grammar.ALERTS)
            to = self._target(given["to"].value, spot / at / "to") if "to" in given else None
            if to is not None:
                found.append(Alert(to=to, when=when or ()))
        return tuple(found)

    def _target(self, node: Node, spot: Spot) -> str | None:
        from crosswalk.alerts import TargetError, target_of

        text = self._forms.text(node, "to", spot, expected="env:NAME or file:PATH of an address")
        if text is None or not isinstance(node, Scalar) or is_reference(text):
            return None  # one that leads nowhere has been told
        if node.shown is None and not text.startswith("mailto:"):
            # Whoever knows the address of a webhook can post there.
            self._faults.add("CW103", node.mark, "a secret stands in the file", _SECRET_HINT, at=spot)
            return None
        try:
            target_of(text)
        except TargetError as error:
            self._faults.add("CW102", node.mark, f"to {error.text}", error.hint, at=spot)
            return None
        return text

    def _cron(self, node: Node, name: str, spot: Spot, zone: str) -> str | None:
        from scheduler.triggers import Cron, TriggerError

        text = self._forms.text(node, name, spot, expected="a cron line, such as '0 3 * * sun'")
        if text is None:
            return None
        try:
            trigger = Cron(text, zone=zone, name=name)
        except TriggerError as error:
            self._faults.add("CW112", node.mark, error.text, error.hint, at=spot)
            return None
        if trigger.next(_ANY_DAY) is None:
            hint = "no month that it names has such a day"
            self._faults.add("CW112", node.mark, f"'{text}' never comes", hint, at=spot)
            return None
        return text

    def _kinds(self, node: Node, spot: Spot, noun: str) -> list[tuple[str, Entry]]:
        table = self._forms.table(node, spot, noun)
        known = _kinds()
        found = []
        for name, entry in table or ():
            if name in known:
                found.append((name, entry))
            else:
                self._faults.add(
                    "CW101", entry.key.mark, f"{noun} has no key '{name}'", offer(name, known), at=spot / name
                )
        return found

    def _field(self, kind: str, name: str, mark: Mark, spot: Spot) -> bool:
        """Is it a hub field of this kind? CW107 with the nearest names where it is none."""
        from mapping.schema import UnknownField, target

        try:
            target(kind, name)
        except UnknownField as unknown:
            near = unknown.near or tuple(nearest(name, [f"custom.{name}"]))
            hint = f"did you mean '{near[0]}'?" if near else "one of the hub's fields, or custom.NAME"
            self._faults.add("CW107", mark, f"{kind} has no field '{name}'", hint, at=spot)
            return False
        return True


def _kinds() -> tuple[str, ...]:
    from mapping.schema import KINDS

    return tuple(KINDS)


def _first_mark(entry: Entry) -> Mark:
    node = entry.value
    while not isinstance(node, Scalar):
        if isinstance(node, Table) or not node.items:
            return entry.key.mark
        node = node.items[0]
    return node.mark


_SECRET_HINT: Final = "write env:NAME or file:PATH; renew it: it may be in the history"
_URL_HINT: Final = "sqlite:///crosswalk.db, postgresql://HOST/DATABASE, or env:NAME of it"
_CONSENT_HINT: Final = "consent only tightens: leave it out or write restrictive"


def region(node: Node, forms: Forms, spot: Spot) -> str | None:
    """ISO 3166-1 alpha-2, as the time zone database lists them; a country's English name is a hint."""
    text = forms.text(node, "phone_region", spot, expected="an ISO country, such as DE")
    if text is None:
        return None
    known = countries()
    if text in known:
        return text
    names = {name: code for code, name in known.items()}
    near = nearest(text, names)
    hint = f"did you mean '{text.upper()}'?" if text.upper() in known else ""
    if not hint and near:
        hint = f"did you mean '{names[near[0]]}'?"
    forms.faults.add("CW102", node.mark, f"phone_region is {said(node)}", hint or "an ISO country, such as DE", at=spot)
    return None


SHIPPED: Final = "shipped"
NO_MODEL: Final = "none"
_MODEL_HINT: Final = f"{SHIPPED}, {NO_MODEL} (exact rules alone) or a file made by  crosswalk match train"


def _wrong_model(path: Path, kind: str) -> str:
    """What is wrong with a model file; "" nothing."""
    from crosswalk.labelled import model_of  # with numpy: not for those who have no file

    try:
        model = model_of(path)
    except ProblemsError as found:
        return found.problems[0].text
    return "" if model.kind == kind else f"it is a model of a {model.kind}"


def countries() -> dict[str, str]:
    """Code -> English name."""
    from importlib.resources import files

    text = files("tzdata").joinpath("zoneinfo", "iso3166.tab").read_text(encoding="utf-8")
    found: dict[str, str] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            code, _, name = line.partition("\t")
            found[code] = name
    return found


def zone(node: Node, forms: Forms, spot: Spot) -> str | None:
    """An IANA name."""
    from zoneinfo import ZoneInfo, available_timezones

    text = forms.text(node, "time_zone", spot, expected="an IANA name, such as Europe/Berlin")
    if text is None:
        return None
    try:
        ZoneInfo(text)
    except (ValueError, OSError, LookupError):
        known = sorted(available_timezones())
        by_city = {name.rpartition("/")[2]: name for name in known}
        near = nearest(text, known) or [by_city[one] for one in nearest(text, by_city)]
        hint = f"did you mean '{near[0]}'?" if near else "an IANA name, such as Europe/Berlin"
        forms.faults.add("CW102", node.mark, f"time_zone is {said(node)}", hint, at=spot)
        return None
    return text
