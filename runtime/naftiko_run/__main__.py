"""``python -m naftiko_run`` is the command."""

from naftiko_run.cli.main import run_main

run_main()
