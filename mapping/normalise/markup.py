"""HTML made fit for display, and the text in it.

Nothing is trusted: the output is written anew from a short list of tags, so what is misunderstood here can only come
out as text. Read by patterns of our own and not by `html.parser`: that one needs time that grows with the square of
the input and worse (a note of 60 kB that repeats "<a " took it 49 s), and anybody may send us a note.
"""

import re
import unicodedata
from collections.abc import Iterator
from html import escape, unescape
from typing import Final, NamedTuple

_WORDS: Final = {
    "kept": "a b blockquote br code dd del div dl dt em h1 h2 h3 h4 h5 h6 hr i ins li ol p pre s span strong sub sup "
    "table tbody td tfoot th thead tr u ul",
    # Their content is no text that a person reads.
    "mute": "applet audio canvas head iframe math noembed noframes noscript object script style svg template title "
    "video",
    # Blank lines around, or a line of its own.
    "paragraphs": "blockquote dl h1 h2 h3 h4 h5 h6 ol p pre table ul",
    "lines": "dd div dt hr li tbody tfoot thead tr",
}
_KEPT, _MUTE, _PARAGRAPHS, _LINES = (frozenset(told.split()) for told in _WORDS.values())
_VOID: Final = frozenset({"br", "hr"})
_LINKS: Final = re.compile(r"(?:https?|mailto|tel):[^\s]", re.I)
_DEEPEST: Final = 64  # tags within tags; what lies deeper shows its text

# A tag, its quotes closed; else up to the next >, whatever the quotes say. A tag longer than _LONGEST is text.
_TAG: Final = re.compile(
    r"<(?P<end>/?)(?P<name>[a-zA-Z][a-zA-Z0-9:-]*+)(?P<attributes>(?:[^<>\"']++|\"[^\"]*+\"|'[^']*+')*+)>"
    r"|<(?P<end_>/?)(?P<name_>[a-zA-Z][a-zA-Z0-9:-]*+)(?P<attributes_>[^<>]*+)>"
)
_LONGEST: Final = 8192
_ATTRIBUTE: Final = re.compile(r"(?:^|[\s/\"'])(href|alt)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'<>]+))", re.I)
_RAW_ENDS: Final = {name: re.compile(rf"</{name}(?![a-z0-9:-])[^>]*>", re.I) for name in ("script", "style")}
# More digits than any character has: Python refuses to read thousands of them.
_ENDLESS: Final = re.compile(r"&#(?:[0-9]{9,}|[xX][0-9a-fA-F]{9,});?")
_LINE_ENDS: Final = re.compile(r"\r\n|[\r\x85\u2028\u2029]")
_UNPRINTED: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_COLLAPSIBLE: Final = re.compile(r"[ \t\n\r\f]+")


class _Token(NamedTuple):
    """A piece of text (`tag` is empty) or a tag."""

    text: str
    tag: str = ""
    end: bool = False


def sanitised(source: str) -> str:
    """Well-formed HTML of harmless tags; only links keep an attribute. Its own output passes through unchanged."""
    out: list[str] = []
    run: list[str] = []  # pieces of text between two tags that are kept: normalised as one
    opened: list[str] = []
    muted: list[str] = []

    def flush() -> None:
        if run:
            out.append(escape(_tidy("".join(run)), quote=False))
            run.clear()

    for token in _tokens(source):
        tag = token.tag
        if muted:
            if tag in _MUTE:
                if not token.end:
                    if len(muted) < _DEEPEST:
                        muted.append(tag)
                elif tag in muted:
                    while muted.pop() != tag:
                        pass
        elif not tag:
            run.append(token.text)
        elif tag in _MUTE:
            if not token.end:
                muted.append(tag)
        elif tag == "img":
            run.append(_attribute(token.text, "alt"))
        elif tag not in _KEPT or (token.end and tag not in opened):
            continue
        elif token.end:
            flush()
            while True:
                out.append(f"</{(inner := opened.pop())}>")
                if inner == tag:
                    break
        elif tag in _VOID:
            flush()
            out.append(f"<{tag}>")
        elif len(opened) < _DEEPEST:
            flush()
            link = _attribute(token.text, "href").strip() if tag == "a" else ""
            out.append(f'<a href="{escape(link)}">' if _LINKS.match(link) else f"<{tag}>")
            opened.append(tag)
    flush()
    out += [f"</{inner}>" for inner in reversed(opened)]
    return "".join(out)


def text_of(source: str) -> str:
    """What a reader sees of sanitised HTML, with line ends where it has lines and blank lines between paragraphs."""
    reader = _Reader()
    for token in _tokens(source):
        if not token.tag:
            reader.text(token.text)
        elif token.end:
            reader.end(token.tag)
        else:
            reader.start(token.tag)
    return reader.read()


def escaped(text: str) -> str:
    """Plain text as HTML. Blanks that HTML would fold are kept as no-break spaces."""
    lines = []
    for line in text.split("\n"):
        told = escape(line, quote=False).replace("\t", " ")
        lines.append(re.sub(r"(?<= ) |^ | $", "\u00a0", told))
    return "<br>".join(lines)


def _tokens(source: str) -> Iterator[_Token]:
    """Text with its references resolved, and tags. In one pass: what a `<` opens is looked at once, and not far."""
    last = source.rfind(">")
    at = begin = 0
    while (at := source.find("<", at)) >= 0 and at < last:
        if source.startswith("<!--", at):
            closed = source.find("-->", at + 4)
            after = len(source) if closed < 0 else closed + 3
            token = None
        elif source.startswith(("<!", "<?"), at):
            after, token = source.index(">", at) + 1, None
        elif found := _TAG.match(source, at, at + _LONGEST):
            after = found.end()
            tag = (found["name"] or found["name_"]).lower()
            token = _Token(found["attributes"] or found["attributes_"] or "", tag, bool(found["end"] or found["end_"]))
        else:
            at += 1
            continue
        if at > begin:
            yield _Token(_resolved(source[begin:at]))
        if token is not None:
            yield token
            if not token.end and (raw := _RAW_ENDS.get(token.tag)) is not None:
                # Up to its end it holds no tags.
                closing = raw.search(source, after)
                yield _Token("", token.tag, True)
                after = len(source) if closing is None else closing.end()
        at = begin = after
    if begin < len(source):
        yield _Token(_resolved(source[begin:]))


def _attribute(attributes: str, name: str) -> str:
    for found in _ATTRIBUTE.finditer(attributes):
        if found[1].lower() == name:
            return _tidy(_resolved(found[2] or found[3] or found[4] or ""))
    return ""


def _resolved(text: str) -> str:
    return unescape(_ENDLESS.sub("\ufffd", text)) if "&" in text else text


def _tidy(text: str) -> str:
    return unicodedata.normalize("NFC", _UNPRINTED.sub("", _LINE_ENDS.sub("\n", text)))


class _Reader:
    """Lays text out in lines, as a browser would."""

    def __init__(self) -> None:
        self._out: list[str] = []
        self._due = 0  # line ends that the next text is to stand behind
        self._blank = False  # a blank is due before the next word
        self._fresh = True  # nothing stands on this line yet
        self._pre = 0

    def start(self, tag: str) -> None:
        if tag == "br":
            self._end_line()
            self._out.append("\n")
            self._fresh, self._blank = True, False
            return
        self._break(tag)
        if tag == "pre":
            self._pre += 1
        elif tag == "li":
            self._say("- ")
            self._blank = False
        elif tag in ("td", "th"):
            self._blank = not self._fresh

    def end(self, tag: str) -> None:
        self._break(tag)
        if tag == "pre":
            self._pre = max(0, self._pre - 1)

    def text(self, data: str) -> None:
        if self._pre:
            self._say(data)
            return
        for at, word in enumerate(_COLLAPSIBLE.split(data)):
            if at:
                self._blank = True
            if word:
                self._say(word)

    def read(self) -> str:
        return "".join(self._out).replace("\u00a0", " ")

    def _break(self, tag: str) -> None:
        wanted = 2 if tag in _PARAGRAPHS else 1 if tag in _LINES else 0
        if wanted:
            self._due = max(self._due, wanted)
            self._blank = False

    def _say(self, text: str) -> None:
        self._end_line()
        if self._blank and not self._fresh:
            self._out.append(" ")
        self._out.append(text)
        self._blank, self._fresh = False, False

    def _end_line(self) -> None:
        """Settle the line ends that are due. They do not add to those that stand there."""
        if self._due:
            standing = 0
            while standing < min(self._due, len(self._out)) and self._out[-1 - standing] == "\n":
                standing += 1
            if standing < len(self._out):
                self._out += ["\n"] * (self._due - standing)
            self._due, self._fresh = 0, True
