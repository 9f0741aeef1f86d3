"""Typeform, simulated: forms, responses, and its OAuth door."""
