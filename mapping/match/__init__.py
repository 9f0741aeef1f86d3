"""Who is the same: identifiers of a row, rules about them, records into groups, names for the groups."""
