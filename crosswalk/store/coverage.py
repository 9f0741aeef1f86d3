"""What is covered of a stream, as its last sweep has found: the row of `part` with this name.

`total` is how many records the vendor listed; `position` holds how many of those are held.
"""

from typing import Final

SWEEP: Final = "~sweep"
