"""Zoho CRM, API v8, with its accounts server."""
