"""The vendors' APIs, simulated over HTTP. Imports nothing of the other packages."""
