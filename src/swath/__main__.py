"""`python -m swath`: the command line, for launchers that start a module."""

from __future__ import annotations

from swath.cli import main

main()
