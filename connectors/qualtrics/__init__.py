"""Qualtrics. Vendor facts: README.md in this folder."""
