"""Salesforce: people, companies, deals, activities, cases and campaigns of one org, read and written."""
