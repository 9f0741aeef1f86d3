"""When and where work runs. Knows jobs by name, not what is in them."""
