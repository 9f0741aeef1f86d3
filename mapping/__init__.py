"""The common customer schema and what happens to values: mapping, normalising, matching, merging. No I/O."""
