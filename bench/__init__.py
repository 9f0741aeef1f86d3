"""What the hub costs: CPU a record, memory, waiting. `python -m bench` prints the table.

The vendor is a server in a process of its own that sends prepared pages; the hub runs as anybody runs it,
from its command line in a process of its own, start-up included.
"""
