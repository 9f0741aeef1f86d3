"""Pipedrive, simulated: API v2, what is left of v1, and its OAuth door."""
