"""Connectors: everything that talks to a vendor. Knows nothing of the store, the schema or the hub."""
