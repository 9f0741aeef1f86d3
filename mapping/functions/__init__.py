"""The functions of the mapping language; see `registry`. Importing this package declares them all."""

from mapping.functions import answers, lists, scalars, units
from mapping.functions.registry import (
    FUNCTIONS,
    SKIP,
    ArgumentFault,
    Around,
    Function,
    Made,
    Partly,
    Spot,
    taking,
    word,
)

__all__ = [
    "FUNCTIONS",
    "SKIP",
    "ArgumentFault",
    "Around",
    "Function",
    "Made",
    "Partly",
    "Spot",
    "answers",
    "lists",
    "scalars",
    "taking",
    "units",
    "word",
]
