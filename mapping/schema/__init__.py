"""The common customer schema: kinds, their fields, and the targets that a mapping may write."""

from mapping.schema.associations import ASSOCIATIONS
from mapping.schema.field import Field, Kind
from mapping.schema.kinds import KINDS
from mapping.schema.targets import Target, UnknownField, names, target

__all__ = ["ASSOCIATIONS", "KINDS", "Field", "Kind", "Target", "UnknownField", "names", "target"]
