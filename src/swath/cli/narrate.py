"""`swath corpus narrate`: captions for radar images from annotations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from swath.cli.output import JsonOption, note, print_fields, print_json
from swath.cli.progress import progress
from swath.cli.values import read_assignment, read_shares
from swath.errors import InputError

if TYPE_CHECKING:
    from swath.corpus.llm import Usage
    from swath.corpus.narrate import Captioner, NarrationReport, Scorer
    from swath.corpus.writers import Writer

WriterName = Literal["rules", "llm"]
Format = Literal["json_schema", "json_object", "none"]

DEFAULT_URL = "https://api.openai.com/v1"


def narrate(
    route: Annotated[str, typer.Argument(help="boxes, masks, pairs, records, or a route that a package adds.")],
    source: Annotated[str, typer.Argument(help="Annotations (boxes, records), or scenes (masks, pairs).")],
    to: Annotated[Path, typer.Option("--to", help="The Parquet table to write; a summary is written beside it.")],
    images: Annotated[Path | None, typer.Option(help="The image folder, if not beside the annotations.")] = None,
    sensor: Annotated[str | None, typer.Option(help="The images' sensor, where it is not recognised.")] = None,
    gsd: Annotated[float | None, typer.Option(help="Metres a pixel, where nothing else tells.")] = None,
    size: Annotated[int, typer.Option(min=1, help="Side of the chips that scenes are cut into.")] = 256,
    stride: Annotated[int | None, typer.Option(min=1, help="Step between chips.", show_default="the size")] = None,
    classes: Annotated[
        str | None, typer.Option(help="1=water,0=land or a label system (masks); ship,harbor or a .txt (boxes).")
    ] = None,
    hierarchy: Annotated[Path | None, typer.Option(help="A CSV class,parent.")] = None,
    masks: Annotated[str | None, typer.Option(help="Label rasters: a file, a folder, a pattern.")] = None,
    pair: Annotated[str | None, typer.Option(help="OLD=NEW: the mask's file name from the image's.")] = None,
    optical: Annotated[str | None, typer.Option(help="Optical scenes of the same ground.")] = None,
    optical_sensor: Annotated[str | None, typer.Option(help="Their sensor.")] = None,
    days: Annotated[float, typer.Option(help="Days between radar and optical image at most.")] = 15.0,
    overlap: Annotated[float, typer.Option(help="Share of a chip that its optical scene covers at least.")] = 0.95,
    captioner: Annotated[str | None, typer.Option(help="A model that captions the optical images.")] = None,
    bank: Annotated[list[str] | None, typer.Option(help="Data sets or .txt: retrieve their captions instead.")] = None,
    encoder: Annotated[str, typer.Option(help="The model that retrieves from the bank.")] = "swath-mini",
    setting: Annotated[list[str] | None, typer.Option("--set", help="NAME=VALUE for a route of your own.")] = None,
    captions: Annotated[int, typer.Option(min=1, help="Captions an image.")] = 5,
    no_long: Annotated[bool, typer.Option("--no-long", help="Write no paragraphs.")] = False,
    split: Annotated[
        list[str] | None, typer.Option(help="NAME=PART; whole scenes or records are dealt out.", show_default="none")
    ] = None,
    shortest: Annotated[int, typer.Option(help="Words of a caption at least.")] = 3,
    longest: Annotated[int, typer.Option(help="Words of a caption at most.")] = 60,
    copies: Annotated[int, typer.Option(help="Images that may share a caption.")] = 20,
    score: Annotated[str | None, typer.Option(help="A model that scores captions against images.")] = None,
    keep: Annotated[float | None, typer.Option(help="Score from which a caption stays.", show_default="all")] = None,
    writer: Annotated[WriterName, typer.Option(help="Rules without a network, or a language model.")] = "rules",
    base_url: Annotated[str, typer.Option(help="Address of an OpenAI-compatible server.")] = DEFAULT_URL,
    model: Annotated[str, typer.Option(help="Name of the language model.")] = "",
    key_variable: Annotated[str, typer.Option(help="Environment variable that holds the key.")] = "OPENAI_API_KEY",
    response_format: Annotated[Format, typer.Option(help="What the server knows of JSON answers.")] = "json_schema",
    concurrency: Annotated[int, typer.Option(min=1, help="Requests at the same time.")] = 4,
    per_minute: Annotated[float | None, typer.Option(help="Requests a minute.", show_default="no limit")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds for one answer.")] = 120.0,
    retries: Annotated[int, typer.Option(min=0, help="How often a request is sent again.")] = 6,
    cache: Annotated[Path | None, typer.Option(help="Folder of answers.", show_default="TABLE.answers")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Write filepath,caption, too.")] = None,
    conversations: Annotated[Path | None, typer.Option(help="Write LLaVA-style conversations (.json), too.")] = None,
    shards: Annotated[Path | None, typer.Option(help="Write WebDataset shards into this folder, too.")] = None,
    sheet: Annotated[Path | None, typer.Option(help="Write a review sheet (.html) of some images, too.")] = None,
    sheet_images: Annotated[int, typer.Option(min=1, help="Images on the review sheet.")] = 24,
    licence: Annotated[str, typer.Option(help="Terms of images and texts, put into every row.")] = "",
    seed: Annotated[int, typer.Option(help="Chooses wordings and splits.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Write captions for radar images from boxes, masks, optical partners or records, each held against its facts.

    Run again to resume.

    Example: swath corpus narrate masks scenes --masks "masks/*.tif" --classes 1=water,0=land --to floods.parquet
    """
    from swath.corpus.llm import ChatClient, Endpoint, Limits, ReplyCache, Usage
    from swath.corpus.narrate import Options, QualityControl, RouteOptions, language_writer, open_route, write_narration

    usage = Usage()
    chosen: Writer | None = None
    if writer == "llm":
        if not model:
            raise InputError("--writer llm needs --model NAME")
        endpoint = Endpoint(base_url, model, key_variable, response_format, seed=seed)
        limits = Limits(concurrency, per_minute, timeout, retries)
        answers = ReplyCache(cache or to.with_name(to.name + ".answers"))
        chosen = language_writer(ChatClient(endpoint, limits, answers, usage), captions)
    options = Options(
        captions=captions,
        paragraph=not no_long,
        quality=QualityControl(shortest, longest, copies, keep),
        fractions=read_shares(split or (), "--split"),
        seed=seed,
        licence=licence,
        dataset=to.stem,
    )
    opened = open_route(
        route,
        source,
        RouteOptions(
            images=images, sensor=sensor, gsd=gsd, size=size, stride=stride, classes=classes, hierarchy=hierarchy,
            masks=masks, pair=read_assignment(pair, "--pair") if pair is not None else None, optical=optical,
            optical_sensor=optical_sensor, days=days, overlap=overlap, captioner=_captioner(captioner, bank, encoder),
            more=dict(read_assignment(text, "--set") for text in setting or ()),
        ),
    )  # fmt: skip
    with progress("images", quiet=as_json) as advance:
        report = write_narration(opened, to, options, writer=chosen, scorer=_scorer(score), progress=advance)
    also = _exports(to, csv, conversations, shards, seed)
    if sheet is not None:
        from swath.corpus.narrate.sheet import write_sheet

        also.append(write_sheet(to, sheet, sheet_images, seed))
    if as_json:
        print_json(report.to_dict() | {"usage": usage.to_dict(), "also": [str(path) for path in also]})
        return
    _tell(report, also)
    if chosen is not None:
        _tell_usage(usage)


def _captioner(name: str | None, bank: Sequence[str] | None, encoder: str) -> Captioner | None:
    if name is not None and bank:
        raise InputError("give either --captioner MODEL or --bank CAPTIONS")
    if name is not None:
        from swath.models.captioner import Captioner as Model

        return Model.from_pretrained(name)
    if not bank:
        return None
    from swath.corpus.narrate import RetrievalCaptioner, read_bank
    from swath.models import DualEncoder

    return RetrievalCaptioner(DualEncoder.from_pretrained(encoder), read_bank(bank))


def _scorer(name: str | None) -> Scorer | None:
    if name is None:
        return None
    from swath.corpus.narrate import Scorer
    from swath.models import DualEncoder

    return Scorer(DualEncoder.from_pretrained(name))


def _exports(table: Path, csv: Path | None, conversations: Path | None, shards: Path | None, seed: int) -> list[Path]:
    from swath.corpus.narrate import exports

    written = exports.write_csv(table, csv) if csv is not None else []
    written += exports.write_conversations(table, conversations, seed) if conversations is not None else []
    return written + (exports.write_narrated_shards(table, shards) if shards is not None else [])


def _tell(report: NarrationReport, also: Sequence[Path]) -> None:
    summary = report.summary
    print_fields(
        {
            "table": f"{report.table}: {summary.images} images, {summary.captions} captions, "
            f"{summary.long_captions} paragraphs",
            "rows": f"{report.written} written, {report.present} were there",
            "splits": _listed(summary.splits),
            "writers": _listed(summary.writers),
            "rejected": f"{summary.rejected_share:.1%} of the candidates ({_listed(summary.rejected)})",
            "left out": _listed(summary.left_out),
            **({"also": ", ".join(map(str, also))} if also else {}),
        }
    )
    if report.failures:
        note(
            f"{len(report.failures)} annotations could not be read, first: {report.failures[0]}; list them with --json"
        )


def _listed(found: dict[str, int]) -> str:
    return ", ".join(f"{name}: {count}" for name, count in found.items()) or "nothing"


def _tell_usage(usage: Usage) -> None:
    used = usage.to_dict()
    note(
        f"{used['requests']:.0f} requests, {used['cached']:.0f} answers from the cache, {used['prompt_tokens']:.0f} + "
        f"{used['completion_tokens']:.0f} tokens"
    )
