"""Zoho CRM. Vendor facts: README.md in this folder."""
