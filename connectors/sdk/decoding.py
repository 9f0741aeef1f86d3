"""JSON as vendors send it: numbers with a fraction are Decimal, and a broken text costs one value, not a page."""

import re
from decimal import Decimal
from typing import Any, Final

import msgspec

DECODER: Final = msgspec.json.Decoder(float_hook=Decimal)
ENCODER: Final = msgspec.json.Encoder(decimal_format="number")

# Half of a letter beyond U+FFFF, as a text has it that was cut after so many UTF-16 units.
_HALF_LETTER: Final = re.compile(
    rb"(?<!\\)((?:\\\\)*)(\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
)


def decoded(decoder: "msgspec.json.Decoder[Any]", content: bytes) -> Any:
    """Decode; where a text in it is broken, with a mark in place of what is broken: it is one value of one record."""
    try:
        return decoder.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        broken = bytes(content)
        mended = broken.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace").encode()
        mended = _HALF_LETTER.sub(_whole_letter, mended)
        if mended == broken:
            raise
        return decoder.decode(mended)


def _whole_letter(match: "re.Match[bytes]") -> bytes:
    return match[0] if len(match[2]) > 6 else match[1] + b"\\ufffd"
