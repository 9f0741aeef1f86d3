"""Bluebird, a small CRM that does not exist."""
