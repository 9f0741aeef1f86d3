"""The text of a YAML file as a tree of nodes with marks, read so that YAML 1.1 and 1.2 say the same.

PyYAML's composer gives the tree; this module walks it itself: a plain scalar stays the text that stands there (`NO`,
`012`, `16:30` and `2026-11-23` are words), only `true false null ~` and nothing are more than text; a key that stands
twice is a fault (CW114), not the last one; and what the parser cannot read is told in our words, with the cure for
the place (CW100).
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

import yaml
from msgspec import Struct, field
from yaml.nodes import MappingNode, ScalarNode, SequenceNode

from crosswalk.settings.faults import Faults, Mark
from crosswalk.settings.hidden import telling

# libyaml where it is built in: it is ten times as fast. Both count columns in characters.
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVED: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None, "~": None, "": None}
_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")  # what the parser counts as the end of a line
_CONTROL: Final = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MOST_NODES: Final = 100_000  # aliases can make a small file stand for a huge one
_DEEPEST: Final = 60
_LARGEST: Final = 16 * 1024 * 1024


class Scalar(Struct):
    """Text, or what `true false null ~` and nothing stand for. `shown`: what a message says instead of the value."""

    mark: Mark
    value: str | bool | None
    written: str
    quoted: bool = False
    flow: bool = False
    shown: str | None = None
    broken: bool = False  # only a piece of what was meant; told already

    @property
    def text(self) -> str:
        return self.written if self.shown is None else self.shown


class Entry(NamedTuple):
    key: Scalar
    value: "Node"


class Table(Struct):
    """A mapping, in the order of the file; a key that stands twice is here once, the first time."""

    mark: Mark
    entries: list[Entry] = field(default_factory=list)
    flow: bool = False

    def __iter__(self) -> Iterator[tuple[str, Entry]]:
        for entry in self.entries:
            yield entry.key.written, entry

    def get(self, name: str) -> Entry | None:
        return next((entry for entry in self.entries if entry.key.written == name), None)


class Row(Struct):
    """A list."""

    mark: Mark
    items: "list[Node]" = field(default_factory=list)


Node: TypeAlias = Scalar | Table | Row


def lines_of(text: str) -> list[str]:
    """Lines as the parser counts them."""
    return _BREAK.split(text)


def decode(raw: bytes, faults: Faults) -> str | None:
    """The text of a file, a byte order mark left out; None with a CW100 where it is no text."""
    if len(raw) > _LARGEST:
        faults.add("CW100", None, f"the file has {len(raw):,} bytes", f"a configuration has at most {_LARGEST:,}")
        return None
    try:
        return raw.decode("utf-16" if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8-sig", errors="replace")
        at = lines_of(before)
        mark = Mark(len(at), len(at[-1]) + 1)
        faults.add("CW100", mark, f"the file is not UTF-8 here: byte 0x{raw[error.start]:02x}", "save it as UTF-8")
        return None


def parse(text: str, faults: Faults) -> Node | None:
    """The tree of one document; None for an empty file or, with a CW100, one that cannot be parsed."""
    strange = _CONTROL.search(text)
    if strange:
        before = lines_of(text[: strange.start()])
        mark = Mark(len(before), len(before[-1]) + 1)
        faults.add("CW100", mark, f"the file is not YAML here: found the control character U+{ord(strange[0]):04X}",
                   "take it out")  # fmt: skip
        return None
    lines = lines_of(text)
    try:
        root = yaml.compose(text, _LOADER)
    except yaml.MarkedYAMLError as error:
        _explain(error, lines, faults)
        return None
    except (yaml.YAMLError, RecursionError) as error:
        faults.add("CW100", None, f"the file is not YAML: {type(error).__name__}", "compare it with a sample")
        return None
    if root is None or (isinstance(root, ScalarNode) and root.value == "" and root.style not in ("'", '"')):
        return None
    walk = _Walk(lines, faults)
    try:
        return walk.node(root, flow=False)
    except _TooLargeError:
        return None


class _TooLargeError(Exception):
    """The walk has said why and stops."""


class _Walk:
    def __init__(self, lines: list[str], faults: Faults) -> None:
        self._lines = lines
        self._faults = faults
        self._count = 0
        self._above: list[int] = []

    def node(self, node: yaml.Node, *, flow: bool, named: str = "") -> Node:
        """`named`: the key whose value it is."""
        self._count += 1
        mark = self._mark(node)
        if self._count > _MOST_NODES:
            self._stop(mark, "aliases make this file too large", "write out what they stand for")
        if id(node) in self._above or len(self._above) > _DEEPEST:
            self._stop(mark, "this part contains itself or is nested too deeply", "write out what the alias stands for")
        if node.tag.startswith("!") and node.tag != "!":
            # The parser takes `!name: x` for a tag on x.
            self._faults.add(
                "CW100", mark, f"the file is not YAML here: '{node.tag}' begins a tag", 'put it in quotes: "!name"'
            )
        if isinstance(node, ScalarNode):
            return self._scalar(node, mark, flow=flow, named=named)
        self._above.append(id(node))
        try:
            if isinstance(node, MappingNode):
                return self._table(node, mark)
            flow = isinstance(node, SequenceNode) and bool(node.flow_style)
            return Row(mark, [self.node(item, flow=flow) for item in node.value])
        finally:
            self._above.pop()

    def _table(self, node: MappingNode, mark: Mark) -> Table:
        table = Table(mark, flow=bool(node.flow_style))
        first: dict[str, Scalar] = {}
        for key_node, value_node in node.value:
            key = self.node(key_node, flow=table.flow)
            named = key.written if isinstance(key, Scalar) else ""
            value = self.node(value_node, flow=table.flow, named=named)
            if not isinstance(key, Scalar):
                self._faults.add(
                    "CW100", key.mark, "a list or mapping cannot be a key", "write a word before the colon"
                )
                continue
            earlier = first.setdefault(key.written, key)
            if earlier is not key:
                self._faults.add(
                    "CW114",
                    key.mark,
                    f"'{key.written}' stands twice, in line {earlier.mark.line} and in line {key.mark.line}",
                    "keep one of them: most readers of YAML take the last and say nothing",
                )
                continue
            if table.flow and isinstance(value, Scalar) and value.written == "" and not (value.quoted or key.quoted):
                key, value = self._parted(key, value)
            if key.written == "<<" and not key.quoted:
                self._faults.add(
                    "CW100",
                    key.mark,
                    "'<<' merges mappings in YAML 1.1 only",
                    "write the keys out, or use mapping_file",
                )
                continue
            table.entries.append(Entry(key, value))
        return table

    def _parted(self, key: Scalar, value: Scalar) -> tuple[Scalar, Scalar]:
        """`{token:env:X}` is one long key without a value: told, and then read as it was meant."""
        found = re.match(r"([A-Za-z_][\w-]*):(\S.*)$", key.written)
        if found is None:
            return key, value
        hint = f"a blank follows the colon of {found[1]}:"
        self._faults.add("CW100", key.mark, f"'{found[1]}:...' is one word here", hint)
        line, column, _ = key.mark
        meant = Scalar(Mark(line, column + found.start(2), len(found[2])), found[2], found[2], flow=True)
        return Scalar(Mark(line, column, len(found[1])), found[1], found[1], flow=True), meant

    def _scalar(self, node: ScalarNode, mark: Mark, *, flow: bool, named: str) -> Scalar:
        written: str = node.value
        quoted = node.style in ("'", '"', "|", ">")
        if not quoted:
            self._comment(node, named)
        value = written if quoted else _RESOLVED.get(written, written)
        return Scalar(mark, value, written, quoted=quoted, flow=flow)

    def _comment(self, node: ScalarNode, named: str) -> None:
        """`Phone #1 | phone` maps Phone: the rest is a comment."""
        end = node.end_mark
        if not node.value or end.line >= len(self._lines):
            return
        rest = self._lines[end.line][end.column :]
        found = re.match(r"[ \t]+(#[^\s#].*)", rest)
        if found:
            mark = Mark(end.line + 1, end.column + found.start(1) + 1, len(found[1].rstrip()))
            self._faults.add(
                "CW111", mark, "what follows the # is a comment"
                if telling(named)
                else f"'{_short(found[1].rstrip())}' is a comment: the value is '{_short(node.value)}'",
                "quote the whole value in single quotes, or write a blank behind the #",
            )  # fmt: skip

    def _mark(self, node: yaml.Node) -> Mark:
        start, end = node.start_mark, node.end_mark
        if end.line == start.line:
            width = end.column - start.column
        else:
            width = len(self._lines[start.line].rstrip()) - start.column if start.line < len(self._lines) else 1
        return Mark(start.line + 1, start.column + 1, max(width, 1))

    def _stop(self, mark: Mark, text: str, hint: str) -> None:
        self._faults.add("CW100", mark, text, hint)
        raise _TooLargeError


def _short(text: str, most: int = 30) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


_QUOTE_WHOLE: Final = "put the whole value in single quotes"
_INDENT: Final = "compare the indentation with the line above"


def _explain(error: yaml.MarkedYAMLError, lines: list[str], faults: Faults) -> None:
    """The parser's place, our words."""
    problem = error.problem_mark or error.context_mark
    if problem is None:
        faults.add("CW100", None, "the file is not YAML", _INDENT)
        return
    opened = error.context_mark or problem
    at, cure = _cure(_At(problem.line, problem.column), _At(opened.line, opened.column), error, lines)
    mark = Mark(at.line + 1, at.column + 1, 1)
    faults.add("CW100", mark, f"the file is not YAML here: found {_found(lines, at)}", cure)


class _At(NamedTuple):
    """A place as the parser counts it, from 0."""

    line: int
    column: int


def _cure(problem: _At, opened: _At, error: yaml.MarkedYAMLError, lines: list[str]) -> tuple[_At, str]:
    """Where it is told, and what to do: by the parser's two texts, `while ...` and what it did not find there."""
    context, what = error.context or "", error.problem or ""
    if _char(lines, problem) == "\t" or "\t" in _indent(_line(lines, problem)):
        return problem, "indent with blanks: YAML takes no tab"
    if "block scalar" in context:
        return opened, _quoted(lines, opened.line)
    if "scanning an alias" in context or "undefined alias" in what:
        at = opened if "alias" in context else problem
        return at, f"a * begins an alias: {_quoted(lines, at.line)}"
    if "anchor" in context or "duplicate anchor" in what:
        return opened, f"a & begins an anchor: {_quoted(lines, opened.line)}"
    if "quoted scalar" in context:
        if "end of stream" in what or "document indicator" in what:
            return opened, "this quote is not closed"
        back = _line(lines, problem).rfind("\\", 0, problem.column + 1)
        return _At(problem.line, max(back, 0)), "a \\ begins an escape between double quotes: use single ones"
    if "another document" in what:
        return problem, "one file is one document: take out the line ---"
    if "simple key" in context:
        return opened, _no_key(lines, opened)
    if "cannot start any token" in what or "node content" in what:
        return problem, f"{_found(lines, problem)} begins no value in YAML: put the value in single quotes"
    if "mapping values are not allowed" in what:
        return _second_colon(lines, problem)
    if "block sequence entries" in what:
        return problem, "begin the list on a line of its own, or write it as [a, b]"
    if "flow" in context:
        return problem, _in_brackets(lines, opened, problem)
    if "did not find expected key" in what and _line(lines, problem)[: problem.column].strip():
        return problem, _behind_quote(lines, problem)
    return problem, _INDENT


def _line(lines: list[str], at: _At) -> str:
    return lines[at.line] if at.line < len(lines) else ""


def _char(lines: list[str], at: _At) -> str:
    return _line(lines, at)[at.column : at.column + 1]


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _found(lines: list[str], at: _At) -> str:
    character = _char(lines, at)
    if character:
        return "a tab" if character == "\t" else f"'{character}'"
    return "the end of the file" if at.line >= len(lines) - 1 else "the end of the line"


def _quoted(lines: list[str], line: int) -> str:
    """The cure for a value that has to be quoted whole, written out where it is short."""
    found = re.search(r"^\s*(?:- )?(?:[^:]|:(?!\s))*:\s+([^{\[].*?)\s*$", _line(lines, _At(line, 0)))
    if found and len(found[1]) <= 40 and "'" not in found[1]:
        return f"{_QUOTE_WHOLE}: '{found[1]}'"
    return _QUOTE_WHOLE


def _no_key(lines: list[str], at: _At) -> str:
    """A line that begins like a key and is none."""
    text = _line(lines, at)[at.column :].strip()
    if text.startswith("!"):
        return "a ! begins a tag: put the key in quotes"
    joined = re.match(r"([\w.-]+):\S", text)
    if joined:
        return f"a blank follows the colon of {joined[1]}:"
    return f"a colon is missing behind '{_short(text)}'"


def _second_colon(lines: list[str], at: _At) -> tuple[_At, str]:
    before = _line(lines, at)[: at.column]
    reference = re.search(r"(?:^|\s)(env|file)$", before)
    if reference:
        return at, f"no blank belongs behind {reference[1]}: , as in {reference[1]}:NAME"
    if before.lstrip().startswith("!"):
        return _At(at.line, len(_indent(before))), "a ! begins a tag: put the key in quotes"
    if re.search(r":\s+\S", before):
        return at, f"a second ': ' in one value: {_quoted(lines, at.line)}"
    above = next((number for number in range(at.line - 1, -1, -1) if lines[number].strip()), None)
    if above is not None and len(_indent(lines[above])) == len(_indent(before)):
        text = lines[above].strip()
        if not re.search(r":(\s|$)", text) and not text.startswith(("#", "-", "'", '"', "{", "[")):
            place = _At(above, len(_indent(lines[above])))
            return place, _no_key(lines, place)
    return at, _INDENT


def _in_brackets(lines: list[str], opened: _At, problem: _At) -> str:
    line = _line(lines, problem)
    reference = re.search(r"\$\{((?:env|file):[^}\s]*)\}?", line)
    if reference and reference.start() <= problem.column <= reference.end():
        return f"a reference has no braces: {reference[1]}"
    if problem.line > opened.line or problem.column >= len(line):
        return f"the {_char(lines, opened) or '{'} in line {opened.line + 1} is not closed"
    return "in { } and [ ] a word that holds , : { } [ ] stands in single quotes"


def _behind_quote(lines: list[str], at: _At) -> str:
    """A value goes on where its quote had closed."""
    before = _line(lines, at)[: at.column]
    quote = before[-1:]
    if quote in ("'", '"'):
        if before.count(quote) == 1:
            return "a quote in a line above is not closed"
        return "within single quotes a ' is written twice: ''" if quote == "'" else "put the value in single quotes"
    return _quoted(lines, at.line)
