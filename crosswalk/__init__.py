"""Crosswalk, the hub: composes connectors, mapping and scheduler over one store."""

__version__ = "0.1.0"
