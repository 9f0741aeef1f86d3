"""Compiling a mapping: from lines to functions that read a stream's rows into the common form and write them back."""

from mapping.compile.mapping import CompiledMapping, compile_mapping
from mapping.compile.model import (
    Catalogued,
    Context,
    Described,
    MappingError,
    MappingFault,
    State,
    ValueFault,
    Values,
)
from mapping.surveys import SurveyRoles

__all__ = [
    "Catalogued",
    "CompiledMapping",
    "Context",
    "Described",
    "MappingError",
    "MappingFault",
    "State",
    "SurveyRoles",
    "ValueFault",
    "Values",
    "compile_mapping",
]
