"""From what a vendor sends to the common form, one module a type; each is imported by whoever needs it.

`normalise(raw)` answers the common form or None (cleared), and raises Misfit where it cannot be understood. It is
idempotent: its own answer passes through unchanged. `raw` is any JSON, with Decimal for numbers.
"""

from mapping.normalise.misfit import Misfit

__all__ = ["Misfit"]
