"""Arguments and options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

ModelArgument = Annotated[str, typer.Argument(help="A name of `swath models`, a model directory, or a hub id.")]
DeviceOption = Annotated[str, typer.Option(help="cpu, cuda, ...; auto takes a GPU where there is one.")]
BatchOption = Annotated[int, typer.Option(min=1, help="Images encoded at once.")]
RoundsOption = Annotated[int, typer.Option(min=0, help="Bootstrap resamples for the 95 % intervals.")]
SplitOption = Annotated[
    str | None, typer.Option(help="The split to report on; `all` takes everything.", show_default="test, if any")
]
