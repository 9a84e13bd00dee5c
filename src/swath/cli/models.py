"""`swath models` and `swath convert`: which models there are, and one form of a model from another."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swath.cli.output import JsonOption, note, print_fields, print_json, print_table

if TYPE_CHECKING:
    from swath.models.config import ModelConfig


class ActivationName(StrEnum):
    """What a transformer was trained with; it cannot be seen from the weights."""

    quickgelu = "quickgelu"
    gelu = "gelu"


class LayoutName(StrEnum):
    """What a checkpoint file looks like; see `swath.models.export.CheckpointLayout`."""

    open_clip = "open-clip"
    long_clip = "long-clip"
    closp = "closp"


class PositionsName(StrEnum):
    """How the text positions are stored; see `swath.models.stretch`."""

    joined = "joined"
    two_tables = "two-tables"


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
                str(row.get("context") or ""),
                str(row.get("license", "")),
                "in the package" if row["packaged"] else str(row.get("repo") or f"from its authors: {row.get('file')}"),
            ]
            for row in rows
        ],
    )
    note("a model is also a directory, a hub id (org/name), or open_clip:ARCH[/pretrained] (extra: adapters)")


def convert(
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|DIR|MODEL",
            help="An OpenCLIP or Long-CLIP checkpoint (.pt, .safetensors), or a CLOSP directory; or a model.",
        ),
    ],
    to: Annotated[
        Path | None, typer.Option("--to", help="The model directory to write; with --layout, the file.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", "--model", help="The model's name; a zoo name (swath models) brings its facts along."),
    ] = None,
    activation: Annotated[
        ActivationName | None, typer.Option(help="What the weights were trained with, where the zoo does not know it.")
    ] = None,
    license_: Annotated[str | None, typer.Option("--license", help="Licence of the weights.")] = None,
    context: Annotated[int | None, typer.Option(min=3, help="Stretch the text positions to this many.")] = None,
    ratio: Annotated[float | None, typer.Option(help="Stretch them by this factor instead; Long-CLIP's is 4.")] = None,
    keep: Annotated[int, typer.Option(min=0, help="First positions that are kept as they are.")] = 20,
    positions: Annotated[
        PositionsName | None,
        typer.Option(help="One table of positions, or Long-CLIP's two: kept ones, which training leaves, and others."),
    ] = None,
    layout: Annotated[
        LayoutName | None, typer.Option(help="Write a checkpoint FILE of this layout; for closp, a directory.")
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(
            metavar="DIR|ID", help="Where a CLOSP directory's text encoder has its configuration and tokenizer."
        ),
    ] = None,
    captioner: Annotated[
        Path | None, typer.Option(help="A model trained on this one's frozen towers, whose captioner it is given.")
    ] = None,
    towers: Annotated[
        str | None,
        typer.Option(metavar="MODEL:NAME,...", help="Vision towers that the model is given; of the same text tower."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Turn a foreign checkpoint into a model directory (nothing in it is run), stretch a model, or write a checkpoint.

    Examples: swath convert RemoteCLIP-ViT-B-32.pt --to models/remoteclip

    swath convert clip-vit-b-32-openai --context 248 --to models/clip-248

    swath convert models/dgtrs --layout long-clip --to dgtrs.pt
    """
    from swath.models.attach import attach_captioner, attach_towers
    from swath.models.closp import is_closp
    from swath.models.convert import convert_checkpoint

    is_file, from_closp = Path(source).is_file(), is_closp(Path(source))
    reshapes = context is not None or ratio is not None or positions is not None
    if layout is not None:
        if is_file or from_closp or reshapes or name or activation or license_ or text or captioner or towers:
            raise typer.BadParameter("--layout takes a model and --to alone; convert or stretch it first")
        _export(source, to, layout, as_json)
        return
    if captioner is not None or towers is not None:
        alone = captioner is None or towers is None
        if is_file or from_closp or reshapes or name or activation or license_ or text or to is None or not alone:
            raise typer.BadParameter("--captioner and --towers take a model and --to alone, one at a time")
        if captioner is not None:
            _report(attach_captioner(source, captioner, to), to, as_json)
            return
        trained, sign, names = (towers or "").rpartition(":")
        if not sign:
            raise typer.BadParameter("give the model and its towers, as in --towers runs/sensors/best:s1,s2")
        _report(attach_towers(source, trained, names.split(","), to), to, as_json)
        return
    if not is_file and (activation or license_):
        raise typer.BadParameter(f"--activation and --license are for checkpoint files; {source!r} is none")
    if text and not from_closp:
        raise typer.BadParameter(f"--text is for CLOSP's directories; {source!r} is none")
    if from_closp and reshapes:
        raise typer.BadParameter("CLOSP's texts are not CLIP's: their positions cannot be changed")
    if from_closp:
        _from_closp(source, to, name, text, as_json)
        return
    if not is_file and not reshapes and not Path(source).suffix:
        raise typer.BadParameter(f"{source!r} is no file; say what to make of it: --context, --positions or --layout")
    target = to
    if is_file or not reshapes:
        target = to or Path(source).with_suffix("")
        config = convert_checkpoint(
            source, target, name=name, activation=activation.value if activation else None, license=license_
        )
    if reshapes:
        config, target = _reshape(str(target) if is_file else source, target, name, context, ratio, keep, positions)
    _report(config, target, as_json)


def _report(config: ModelConfig, target: Path | None, as_json: bool) -> None:
    """What was written, and how to use it."""
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


def _from_closp(source: str, to: Path | None, name: str | None, text: str | None, as_json: bool) -> None:
    from swath.models.closp import convert_closp

    if to is None:
        raise typer.BadParameter(f"{source!r} is a directory: say with --to where the model is to be written")
    _report(convert_closp(source, to, name=name, text=text), to, as_json)


def _reshape(
    source: str,
    target: Path | None,
    name: str | None,
    context: int | None,
    ratio: float | None,
    keep: int,
    positions: PositionsName | None,
) -> tuple[ModelConfig, Path]:
    """Stretch a model's positions, change their form, and write it; its weights are then in full precision."""
    from swath.models import DualEncoder, stretch
    from swath.models.config import ModelConfig

    model = DualEncoder.from_pretrained(source, dtype="float32", device="cpu")
    if context is not None or ratio is not None:
        model = stretch.stretched(model, keep=keep, ratio=ratio, length=context, name=name)
    if positions is PositionsName.two_tables:
        model = stretch.parted(model, keep)
    elif positions is PositionsName.joined:
        model = stretch.joined(model)
    if name is not None:
        model.config = model.config.model_copy(update={"name": name})
    directory = model.save_pretrained(target or Path(model.config.name.replace("/", "-")))
    return ModelConfig.load(directory), directory


def _export(source: str, to: Path | None, layout: LayoutName, as_json: bool) -> None:
    from swath.models.closp import export_closp
    from swath.models.export import export_checkpoint

    if layout is LayoutName.closp:
        target = to or Path(f"{Path(source).name}-closp")
        state = export_closp(source, target)
    else:
        target = to or Path(f"{Path(source).name}.pt")
        state = export_checkpoint(source, target, "long-clip" if layout is LayoutName.long_clip else "open-clip")
    if as_json:
        print_json({"file": target, "layout": layout.value, "tensors": len(state)})
        return
    print_fields({"file": target, "layout": layout.value, "tensors": len(state)})
    if layout is not LayoutName.closp:
        note("the file says neither activation nor pixel statistics: they are in the model's config.json")
