"""Values in the common form: plain JSON, plus one mark for what was not read.

absent (`ABSENT`)  not read, not carried: says nothing, changes nothing
cleared (`None`)   carried and empty
value              anything else

In the common form a decimal is its canonical text ("12000", "8.5": no exponent, no trailing zeros), a time
is ISO 8601 in UTC with `Z`, a list is never empty (empty reads as cleared) and no text is "". So "" is free
to stand for `ABSENT` where a row is stored as a JSON array.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Any, Final, TypeAlias


class Mark(Enum):
    """An Enum, since it is its own identity in every process and encodes as its value."""

    ABSENT = ""

    __hash__ = object.__hash__  # of the one member; what an Enum has instead takes four times as long

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final = Mark.ABSENT

# JSON or a mark. `Any`, since a recursive alias turns every access into a cast.
Value: TypeAlias = Any
Row: TypeAlias = Sequence[Value]  # values by position of the mapping's fields
