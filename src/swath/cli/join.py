"""`swath join`: several models as one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from swath.cli.output import JsonOption, note, print_fields, print_json
from swath.cli.progress import progress


def join(
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help="Models with the same sensors and input.")],
    to: Annotated[Path, typer.Option("--to", help="The model directory to write.")],
    name: Annotated[str | None, typer.Option(help="The ensemble's name; by default that of the directory.")] = None,
    centre: Annotated[
        Path | None,
        typer.Option("--centre", help="Take off the mean vectors of this data set's images and captions."),
    ] = None,
    split: Annotated[str, typer.Option(help="The split to take means of; never the one to be tested on.")] = "train",
    as_json: JsonOption = False,
) -> None:
    """Join models into one whose similarity is the mean of theirs; one member may be joined alone, to centre it.

    Captioners stay with the members: a decoder reads the towers of one model.

    Example: swath join runs/a/best runs/b/best --to models/ab --centre data/rsicd
    """
    from swath.models import DualEncoder
    from swath.models import ensemble as parts

    read = [DualEncoder.from_pretrained(model, dtype="float32", device="cpu") for model in models]
    joined = parts.join(read, name or to.name)
    if centre is not None:
        from swath.data import read_dataset
        from swath.evaluation.encoding import encode_split

        with progress("images") as advance:
            found = encode_split(
                joined,
                read_dataset(centre),
                split,
                tokens=False,
                progress=advance,
            )
        parts.centre(joined, found.images, joined.encode_texts(found.texts, tokens=False))
    directory = joined.save_pretrained(to)
    writers = [name for name, model in zip(models, read, strict=True) if model.config.captioner is not None]
    if as_json:
        document = {"directory": directory, "model": joined.model_id, "dim": joined.dim, "members": models}
        print_json(document | {"captioners_left": writers})
        return
    print_fields({"model": joined.model_id, "directory": directory, "dim": joined.dim})
    if writers:
        note(f"it writes no captions; use the captioner of {' or '.join(writers)} itself")
    note(f"use it with: swath index SOURCE --to ARCHIVE --model {directory}")
