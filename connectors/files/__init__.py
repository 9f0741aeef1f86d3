"""Folders of CSV, JSON and Excel exports, as if they were an account."""
