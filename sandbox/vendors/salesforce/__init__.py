"""Salesforce, simulated: REST with SOQL, collections, Bulk API 2.0, a little SOAP, and its OAuth door."""
