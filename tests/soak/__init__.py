"""A daemon left alone with simulated vendors, people who edit, and faults: `make soak MINUTES=60`."""
