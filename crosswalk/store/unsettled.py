"""Conditions that hold for the few rows of a table that somebody still has to deal with. What is settled stays for
years; each of these has an index of its own (tables.py), so that no run reads past all of it.

SQLite uses such an index where a statement says the same in the same words, so statements take them from here.
"""

from typing import Final

ACTION: Final = "state IN ('planned','held','leased','sent','unknown','later')"
CONFLICT: Final = "state IN ('open', 'decided')"
LETTER: Final = "state <> 'closed'"
PLAN: Final = "state = 'open'"
REMOVAL: Final = "state <> 'closed'"
RUN: Final = "state = 'running'"
