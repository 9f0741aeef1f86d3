"""Qualtrics, simulated: surveys, response exports, the XM Directory, distributions, and its two doors."""
