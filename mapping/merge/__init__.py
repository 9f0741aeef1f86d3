"""Many sides into one golden value: `merge` where every side has a base, `survive` where some side has none."""

from mapping.merge.policy import NEVER, RULES, Base, Decision, FieldPolicy, Side
from mapping.merge.survive import survive
from mapping.merge.threeway import merge

__all__ = ["NEVER", "RULES", "Base", "Decision", "FieldPolicy", "Side", "merge", "survive"]
