"""Read one node as what it has to be: a word, a whole number, a duration. After a fault the answer is None."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Final

from crosswalk.settings import grammar
from crosswalk.settings.faults import Faults, Mark, Spot, offer, suggest
from crosswalk.settings.grammar import Section
from crosswalk.settings.hidden import safe
from crosswalk.settings.source import Entry, Node, Row, Scalar, Table

_UNITS: Final[Mapping[str, timedelta]] = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_LONGEST: Final = timedelta(days=36500)
_DURATION: Final = re.compile(grammar.DURATION)
_SHARE: Final = re.compile(grammar.SHARE)
_WHOLE: Final = re.compile(r"^[0-9]{1,15}$")

Keys = dict[str, Entry]


class Forms:
    """The readers of one file. Each takes the node, its name for the message, and its spot for the address."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults

    def keys(
        self,
        node: Node,
        section: Section,
        spot: Spot,
        *,
        noun: str = "",
        mark: Mark | None = None,
        also: Sequence[str] = (),
        open_: bool = False,
    ) -> Keys:
        """The entries of a section; nothing at all stands for an empty one. Unknown keys are faults, missing ones too.

        `mark`: where a missing key is told, else where the section begins. `also`: further keys, such as a
        connector's own. `open_`: what else may stand here cannot be known.
        """
        noun = noun or section.noun
        table = self.table(node, spot, noun)
        if table is None:
            return {}
        allowed = [*section.names, *also]
        found: Keys = {}
        for name, entry in table:
            if name in allowed:
                found[name] = entry
            elif not open_:
                self.unknown(entry, allowed, spot, noun)
        for key in section.keys:
            if key.required and key.name not in found and not self._meant(key.name, table, allowed):
                self.faults.add("CW102", mark or _head(node), f"{key.name} is missing in {noun}", key.about, at=spot)
        return found

    def _meant(self, name: str, table: Table, allowed: Sequence[str]) -> bool:
        """Is it there, but misspelt? Then that has been told."""
        written = [one for one, _ in table if one not in allowed]
        return any(suggest(one, allowed) == f"did you mean '{name}'?" for one in written)

    def unknown(self, entry: Entry, allowed: Sequence[str], spot: Spot, noun: str) -> None:
        name = entry.key.written
        self.faults.add("CW101", entry.key.mark, f"{noun} has no key '{name}'", offer(name, allowed), at=spot / name)

    def table(self, node: Node, spot: Spot, noun: str) -> Table | None:
        """A mapping; nothing stands for an empty one. None: it is something else, and that has been told."""
        if isinstance(node, Table):
            self._mend(node, spot)
            return node
        if isinstance(node, Scalar):
            if node.value is None:
                return Table(node.mark)
            head, colon, _ = node.written.partition(":")
            if colon and not node.quoted and " " not in head:
                self.faults.add(
                    "CW100", node.mark, f"'{head}:...' is one word here", f"a blank follows {head}:", at=spot
                )
                return None
        self.faults.add(
            "CW102", _head(node), f"{noun} is {said(node)}", "keys with values, such as name: value", at=spot
        )
        return None

    def _mend(self, table: Table, spot: Spot) -> None:
        """`{csat: QID1 | scale(1, 5)}` is csat: "QID1 | scale(1" and a key `5)` to YAML: one fault, not two."""
        if not table.flow:
            return
        whole: list[Entry] = []
        broken: Scalar | None = None
        for entry in table.entries:
            value = entry.value
            if broken is not None and isinstance(value, Scalar) and value.written == "" and not entry.key.quoted:
                if ")" in entry.key.written:
                    broken = None
                continue
            whole.append(entry)
            plain = (
                isinstance(value, Scalar) and not value.quoted and value.written.count("(") > value.written.count(")")
            )
            broken = value if plain and isinstance(value, Scalar) else None
            if broken is not None:
                broken.broken = True
                word = Mark(broken.mark.line, broken.mark.column, len(broken.written.split()[0]))
                self.faults.add(
                    "CW110",
                    word,
                    "'(' is not closed",
                    "quote it: in { } a comma ends a value",
                    at=spot / entry.key.written,
                )
        table.entries[:] = whole

    def text(self, node: Node, name: str, spot: Spot, *, expected: str = "text") -> str | None:
        if isinstance(node, Scalar) and isinstance(node.value, str) and node.value.strip():
            return node.value
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.written
        self.wrong(node, name, spot, expected)
        return None

    def whole(self, node: Node, name: str, spot: Spot, *, least: int = 0, such_as: int = 100) -> int | None:
        text = node.value if isinstance(node, Scalar) else None
        if isinstance(text, str) and _WHOLE.match(text) and int(text) >= least:
            return int(text)
        bound = f" from {least} up" if least and isinstance(text, str) and _WHOLE.match(text) else ""
        self.wrong(node, name, spot, f"a whole number{bound}, such as {such_as}")
        return None

    def duration(self, node: Node, name: str, spot: Spot, *, such_as: str = "15m") -> timedelta | None:
        text = node.value if isinstance(node, Scalar) else None
        if isinstance(text, str) and _DURATION.match(text):
            number = int(text[:-1]) if len(text) < 13 else 0
            if number > 0 and number * (_UNITS[text[-1]] / timedelta(seconds=1)) <= _LONGEST.total_seconds():
                return number * _UNITS[text[-1]]
            self.wrong(node, name, spot, f"longer than nothing and shorter than a century, such as {such_as}")
            return None
        self.wrong(node, name, spot, f"a whole number and one of s m h d w, such as {such_as}")
        return None

    def share(self, node: Node, name: str, spot: Spot, *, such_as: str = "5%") -> Decimal | None:
        """0 to 1."""
        text = node.value if isinstance(node, Scalar) else None
        if isinstance(text, str) and len(text) < 20 and _SHARE.match(text) and Decimal(text[:-1]) <= 100:
            return Decimal(text[:-1]) / 100
        self.wrong(node, name, spot, f"a share from 0% to 100%, such as {such_as}")
        return None

    def word(self, node: Node, name: str, spot: Spot, allowed: Sequence[str]) -> str | None:
        text = node.value if isinstance(node, Scalar) else None
        if isinstance(text, str) and text in allowed:
            return text
        hint = suggest(text, allowed) if isinstance(text, str) else ""
        one = f"one of: {', '.join(allowed)}"
        self.wrong(node, name, spot, f"{hint}  {one}" if hint.startswith("did") else one)
        return None

    def words(self, node: Node, name: str, spot: Spot, allowed: Sequence[str]) -> tuple[str, ...] | None:
        """A list of these words, each once; a fault of one leaves the others."""
        items = self.items(node, name, spot, f"a list, such as [{allowed[0]}]")
        if items is None:
            return None
        found = [self.word(item, name, spot / at, allowed) for at, item in enumerate(items)]
        return tuple(dict.fromkeys(one for one in found if one is not None))

    def texts(self, node: Node, name: str, spot: Spot, *, such_as: str) -> tuple[tuple[str, Mark], ...] | None:
        """A list of texts, each with its place."""
        items = self.items(node, name, spot, f"a list, such as [{such_as}]")
        if items is None:
            return None
        found = [(self.text(item, name, spot / at), item.mark) for at, item in enumerate(items)]
        return tuple((text, mark) for text, mark in found if text is not None)

    def named(
        self, node: Node, name: str, spot: Spot, allowed: Iterable[str], *, such_as: str
    ) -> tuple[str, ...] | None:
        """A list of connections: CW105 for who is none."""
        known = list(allowed)
        texts = self.texts(node, name, spot, such_as=such_as)
        if texts is None:
            return None
        good: dict[str, None] = {}
        for at, (text, mark) in enumerate(texts):
            if text in known:
                good[text] = None
                continue
            self.faults.add("CW105", mark, f"there is no connection '{text}'", suggest(text, known), at=spot / at)
        return tuple(good)

    def items(self, node: Node, name: str, spot: Spot, expected: str) -> list[Node] | None:
        if isinstance(node, Row):
            return node.items
        self.wrong(node, name, spot, expected)
        return None

    def wrong(self, node: Node, name: str, spot: Spot, expected: str) -> None:
        self.faults.add("CW102", _head(node), f"{name} is {said(node)}", expected, at=spot)


def said(node: Node) -> str:
    """What stands there, in a few words, passwords in addresses masked."""
    if isinstance(node, Table):
        return "a mapping"
    if isinstance(node, Row):
        return "a list"
    if node.value is None:
        return "empty"
    text = safe(node.text)
    return f"'{text if len(text) <= 60 else text[:59] + '…'}'"


def _head(node: Node) -> Mark:
    """Where the caret goes: a mapping or list is named by where it begins."""
    return node.mark if isinstance(node, Scalar) else Mark(node.mark.line, node.mark.column, 1)
