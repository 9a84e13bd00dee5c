"""The command `swath`: arguments in, values out; everything else lives in the rooms it calls."""

from __future__ import annotations

from swath.cli.app import app, main

__all__ = ["app", "main"]
