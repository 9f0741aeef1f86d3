"""One folder for each simulated vendor."""
