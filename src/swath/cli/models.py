"""`swath models` and `swath convert`: which models there are, and making one from a foreign checkpoint."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from swath.cli.output import JsonOption, note, print_fields, print_json, print_table


class ActivationName(StrEnum):
    """What a transformer was trained with; it cannot be seen from the weights."""

    quickgelu = "quickgelu"
    gelu = "gelu"


def models(as_json: JsonOption = False) -> None:
    """List the models that have a name: packaged ones, and known ones on the hub or elsewhere."""
    from dataclasses import asdict

    from swath.models import hub, zoo

    packaged = hub.packaged_names()
    rows = [{**asdict(entry), "packaged": entry.name in packaged} for entry in zoo.ENTRIES]
    listed = {entry.name for entry in zoo.ENTRIES}
    rows += [{"name": name, "packaged": True} for name in packaged if name not in listed]
    if as_json:
        print_json({"models": rows})
        return
    print_table(
        ["name", "architecture", "activation", ">context", "license", "*where"],
        [
            [
                str(row["name"]),
                str(row.get("architecture", "")),
                str(row.get("activation") or ""),
                str(row.get("context", "")),
                str(row.get("license", "")),
                "in the package" if row["packaged"] else str(row.get("repo") or f"from its authors: {row.get('file')}"),
            ]
            for row in rows
        ],
    )
    note("a model is also a directory, a hub id (org/name), or open_clip:ARCH[/pretrained] (extra: adapters)")


def convert(
    file: Annotated[Path, typer.Argument(help="An OpenCLIP checkpoint: .pt, .bin or .safetensors.")],
    to: Annotated[
        Path | None, typer.Option("--to", help="The model directory to write; by default beside the file.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", "--model", help="The model's name; a zoo name (swath models) brings its facts along."),
    ] = None,
    activation: Annotated[
        ActivationName | None, typer.Option(help="What the weights were trained with, where the zoo does not know it.")
    ] = None,
    license_: Annotated[str | None, typer.Option("--license", help="Licence of the weights.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Check a foreign checkpoint (nothing in it is run) and write it as a model directory.

    Example: swath convert RemoteCLIP-ViT-B-32.pt --to models/remoteclip
    """
    from swath.models.convert import convert_checkpoint

    target = to or file.with_suffix("")
    config = convert_checkpoint(
        file, target, name=name, activation=activation.value if activation else None, license=license_
    )
    if as_json:
        print_json({"directory": target, "config": config.model_dump(mode="json")})
        return
    print_fields(
        {
            "model": f"{config.name}@{config.digest}",
            "directory": target,
            "activation": config.provenance.get("activation", ""),
            "context": config.text.context_length,
            "license": config.license,
        }
    )
    note(f"use it with: swath index SOURCE --to ARCHIVE --model {target}")
