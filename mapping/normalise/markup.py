"""HTML made fit for display, and the text in it.

Nothing is trusted: the output is written anew from a short list of tags, so what the parser misunderstands can only
come out as text.
"""

import re
from html import escape
from html.parser import HTMLParser
from typing import Final

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
_COLLAPSIBLE: Final = re.compile(r"[ \t\n\r\f]+")


def sanitised(source: str) -> str:
    """Well-formed HTML of harmless tags; only links keep an attribute. Its own output passes through unchanged."""
    writer = _Writer()
    writer.feed(source)
    writer.close()
    return writer.written()


def text_of(source: str) -> str:
    """What a reader sees of sanitised HTML, with line ends where it has lines and blank lines between paragraphs."""
    reader = _Reader()
    reader.feed(source)
    reader.close()
    return reader.read()


def escaped(text: str) -> str:
    """Plain text as HTML. Blanks that HTML would fold are kept as no-break spaces."""
    lines = []
    for line in text.split("\n"):
        told = escape(line, quote=False).replace("\t", " ")
        told = re.sub(r"(?<= ) |^ | $", "\u00a0", told)
        lines.append(told)
    return "<br>".join(lines)


class _Writer(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._out: list[str] = []
        self._text: list[str] = []
        self._open: list[str] = []
        self._mute: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _MUTE:
            self._mute.append(tag)
            return
        if self._mute:
            return
        if tag == "img":
            self._text.append(next((value for name, value in attrs if name == "alt" and value), ""))
            return
        if tag not in _KEPT:
            return
        self._flush()
        if tag in _VOID:
            self._out.append(f"<{tag}>")
            return
        link = next((value.strip() for name, value in attrs if name == "href" and value), "") if tag == "a" else ""
        harmless = escape(link, quote=True) if _LINKS.match(link) else ""
        self._out.append(f'<a href="{harmless}">' if harmless else f"<{tag}>")
        self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._mute:
            if tag in self._mute:
                while self._mute.pop() != tag:
                    pass
            return
        if tag not in self._open:
            return
        self._flush()
        while True:
            inner = self._open.pop()
            self._out.append(f"</{inner}>")
            if inner == tag:
                return

    def handle_data(self, data: str) -> None:
        if not self._mute:
            self._text.append(data)

    def _flush(self) -> None:
        if self._text:
            self._out.append(escape("".join(self._text), quote=False))
            self._text.clear()

    def written(self) -> str:
        self._flush()
        while self._open:
            self._out.append(f"</{self._open.pop()}>")
        return "".join(self._out)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._out: list[str] = []
        self._due = 0  # line ends that the next text is to stand behind
        self._blank = False  # a blank is due before the next word
        self._fresh = True  # nothing stands on this line yet
        self._pre = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
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

    def handle_endtag(self, tag: str) -> None:
        self._break(tag)
        if tag == "pre":
            self._pre = max(0, self._pre - 1)

    def _break(self, tag: str) -> None:
        wanted = 2 if tag in _PARAGRAPHS else 1 if tag in _LINES else 0
        if wanted:
            self._due = max(self._due, wanted)
            self._blank = False

    def handle_data(self, data: str) -> None:
        if self._pre:
            if data:
                self._say(data)
            return
        for at, word in enumerate(_COLLAPSIBLE.split(data)):
            if at:
                self._blank = True
            if word:
                self._say(word)

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
            for piece in reversed(self._out):
                if piece != "\n":
                    break
                standing += 1
            if self._out and standing < len(self._out):
                self._out += ["\n"] * (self._due - standing)
            self._due, self._fresh = 0, True

    def read(self) -> str:
        return "".join(self._out).replace("\u00a0", " ")
