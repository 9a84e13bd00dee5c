"""`swath corpus ...`: build image-text corpora."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from swath.cli.landmark import landmark
from swath.cli.narrate import narrate
from swath.cli.output import JsonOption, note, print_fields, print_json
from swath.cli.pairs import pairs
from swath.cli.progress import progress
from swath.errors import InputError

if TYPE_CHECKING:
    from swath.corpus.llm import Usage
    from swath.corpus.long import LongReport
    from swath.corpus.writers import Writer

app = typer.Typer(help="Build corpora of images with texts.", no_args_is_help=True)
app.command()(landmark)
app.command()(narrate)
app.command()(pairs)

WriterName = Literal["grammar", "llm"]
Format = Literal["json_schema", "json_object", "none"]

DEFAULT_URL = "https://api.openai.com/v1"


@app.callback()
def _group() -> None:
    """Build corpora of images with texts."""


@app.command()
def long(
    dataset: Annotated[str, typer.Argument(help="A folder or annotation file of image-text pairs.")],
    to: Annotated[Path, typer.Option("--to", help="The Parquet table to write; summaries are written beside it.")],
    writer: Annotated[WriterName, typer.Option(help="Rules without a network, or a language model.")] = "grammar",
    split: Annotated[str | None, typer.Option(help="Only this split.")] = None,
    sensor: Annotated[str | None, typer.Option(help="Only images of this sensor, in a data set with several.")] = None,
    facts: Annotated[
        Path | None, typer.Option(help="Further facts: .jsonl or .parquet with boxes, shares, tags, dates, places.")
    ] = None,
    licence: Annotated[str, typer.Option(help="Terms of images and texts, put into every row.")] = "",
    seed: Annotated[int, typer.Option(help="Chooses among wordings.")] = 0,
    strict: Annotated[bool, typer.Option("--strict", help="Leave out images whose texts are rejected.")] = False,
    base_url: Annotated[str, typer.Option(help="Address of an OpenAI-compatible server.")] = DEFAULT_URL,
    model: Annotated[str, typer.Option(help="Name of the language model.")] = "",
    key_variable: Annotated[
        str, typer.Option("--key-variable", help="Environment variable that holds the key.")
    ] = "OPENAI_API_KEY",
    response_format: Annotated[Format, typer.Option(help="What the server knows of JSON answers.")] = "json_schema",
    concurrency: Annotated[int, typer.Option(min=1, help="Requests at the same time.")] = 4,
    per_minute: Annotated[float | None, typer.Option(help="Requests a minute.", show_default="no limit")] = None,
    timeout: Annotated[float, typer.Option(help="Seconds for one answer.")] = 120.0,
    retries: Annotated[int, typer.Option(min=0, help="How often a request is sent again.")] = 6,
    cache: Annotated[
        Path | None, typer.Option(help="Folder of answers.", show_default="TABLE.answers beside the table")
    ] = None,
    price: Annotated[tuple[float, float], typer.Option(help="US dollars for a million tokens in and out.")] = (
        0.0,
        0.0,
    ),
    as_json: JsonOption = False,
) -> None:
    """Write long captions for every image of a data set, from everything that is known about it.

    Every sentence names the facts it comes from, and what the facts do not support is rejected. Run again to resume.

    Example: swath corpus long data/rsicd --to rsicd-long.parquet
    """
    from swath.corpus.annotations import read_facts
    from swath.corpus.llm import ChatClient, Endpoint, Limits, Prices, ReplyCache, Usage
    from swath.corpus.long import write_long_captions
    from swath.corpus.writers import GrammarWriter, LanguageModelWriter
    from swath.data import read_dataset

    usage = Usage(Prices(*price))
    chosen: Writer
    if writer == "llm":
        if not model:
            raise InputError("--writer llm needs --model NAME")
        endpoint = Endpoint(base_url, model, key_variable, response_format, seed=seed)
        limits = Limits(concurrency, per_minute, timeout, retries)
        answers = ReplyCache(cache or to.with_name(to.name + ".answers"))
        chosen = LanguageModelWriter(ChatClient(endpoint, limits, answers, usage))
    else:
        chosen = GrammarWriter(seed)
    pairs = read_dataset(dataset, sensor=sensor)
    pairs = pairs if split is None else pairs.split(split)
    with progress("images", quiet=as_json) as advance:
        report = write_long_captions(
            pairs,
            to,
            chosen,
            extra=read_facts(facts) if facts is not None else None,
            licence=licence,
            strict=strict,
            progress=advance,
        )
    failures = [f"{failure.name}: {failure.kind}: {failure.message}" for failure in pairs.failures]
    if as_json:
        print_json(report.to_dict() | {"usage": usage.to_dict(), "failures": failures})
        return
    _tell(report, failures)
    _tell_usage(usage, writer)


def _tell(report: LongReport, failures: Sequence[str]) -> None:
    summary = report.summary
    reasons = ", ".join(f"{reason} {count}" for reason, count in summary.reasons.items())
    print_fields(
        {
            "table": f"{report.table}: {summary.images} images, {summary.with_long} with a long caption",
            "rows": f"{report.written} written, {report.present} were there, {report.dropped} left out",
            "long": f"{summary.tokens.p50:.0f} tokens in the median, {summary.tokens.longest} at most",
            "rejected": f"{summary.rejected} images{f' ({reasons})' if reasons else ''}",
            "repeated": f"{summary.duplicates} captions that another image has, too",
        }
    )
    if report.contradicted:
        note(f"{len(report.contradicted)} images have captions of another class; those captions were not used")
    if failures:
        note(f"{len(failures)} images or captions could not be read, first: {failures[0]}; list them with --json")


def _tell_usage(usage: Usage, writer: WriterName) -> None:
    if writer == "llm":
        used = usage.to_dict()
        note(
            f"{used['requests']:.0f} requests, {used['cached']:.0f} answers from the cache, "
            f"{used['prompt_tokens']:.0f} + {used['completion_tokens']:.0f} tokens, {used['cost_usd']:.2f} USD"
        )
