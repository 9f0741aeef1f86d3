"""init, sandbox, demo."""

from crosswalk.cli.options import app

commands = app()
