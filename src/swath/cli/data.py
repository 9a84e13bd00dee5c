"""`swath data ...`: look through data sets of images and captions, join them, count their words."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swath.cli.output import JsonOption, note, print_fields, print_json, print_table
from swath.cli.progress import progress

if TYPE_CHECKING:
    from swath.data import Dataset
    from swath.data.keywords import WordFacts

app = typer.Typer(help="Audit, merge and count words of data sets of images and captions.", no_args_is_help=True)

WORDS_SHOWN = 20
"""Keywords that people are shown; the file and `--json` have all."""

Datasets = Annotated[
    list[str],
    typer.Argument(metavar="DATASET...", help="Folders or annotation files; NAME=PATH gives a data set another name."),
]
Turned = Annotated[bool, typer.Option("--turned", help="Copies that are turned or mirrored count, too.")]
Threshold = Annotated[int, typer.Option(min=0, max=64, help="Bits of 64 in which hashes of duplicates may differ.")]
Workers = Annotated[int | None, typer.Option(min=1, help="Threads that read images.", show_default="all cores")]


@app.command()
def audit(
    datasets: Datasets,
    to: Annotated[
        Path | None, typer.Option("--to", help="Write audit.html (with pictures), audit.json and exclusions.csv here.")
    ] = None,
    threshold: Threshold = 2,
    turned: Turned = False,
    workers: Workers = None,
    as_json: JsonOption = False,
) -> None:
    """Find duplicate images, captions shared across splits, wrong captions and broken files.

    Several data sets are also held against each other. Training leaves out what exclusions.csv lists.

    Example: swath data audit data/rsicd data/ucm --to audit
    """
    from swath.data.audit import audit as look_through

    read = [_read(dataset) for dataset in datasets]
    with progress("images") as advance:
        report = look_through(
            read,
            threshold=threshold,
            turned=turned,
            workers=workers,
            progress=advance,
        )
    if to is not None:
        files = report.write(to)
        note(f"report: {files['html']}, list for training: {files['exclusions']}")
    if as_json:
        print_json(report.to_dict())
        return
    print_table(
        ("data set", ">images", ">captions", ">distinct", ">distinct sets", ">shared by images", ">repeats"),
        [
            (
                fact.dataset,
                *map(str, (fact.images, fact.slots, fact.distinct, fact.distinct_sets, fact.shared, fact.repeated)),
            )
            for fact in report.facts
        ],
    )
    typer.echo()
    print_fields({name.replace("_", " "): count for name, count in report.summary.items()})
    if to is None:
        note("the findings themselves: --to FOLDER, or --json")


@app.command()
def merge(
    datasets: Datasets,
    to: Annotated[Path, typer.Option("--to", help="A new folder for the annotations, images/ and merge.json.")],
    name: Annotated[str, typer.Option(help="The merged data set's name.")] = "merged",
    copy: Annotated[bool, typer.Option("--copy", help="Copy the images; by default images/ links to them.")] = False,
    exclude: Annotated[
        Path | None, typer.Option(help="Leave out what this list names, such as an audit's exclusions.csv.")
    ] = None,
    threshold: Threshold = 2,
    turned: Turned = False,
    workers: Workers = None,
    as_json: JsonOption = False,
) -> None:
    """Join data sets into one without duplicate images; official splits and all test images stay.

    Of images that show the same, test stays before validation before training, then the first data set's. merge.json
    in the new folder says what was left out, and why.

    Example: swath data merge data/rsicd data/ucm --to data/merged
    """
    from swath.data.exclusions import read_exclusions
    from swath.data.merge import merge as join

    read = [_read(dataset) for dataset in datasets]
    exclusions = None if exclude is None else read_exclusions(exclude)
    with progress("images") as advance:
        report = join(
            read,
            to,
            name=name,
            threshold=threshold,
            turned=turned,
            exclusions=exclusions,
            images="copy" if copy else "link",
            workers=workers,
            progress=advance,
        )
    if as_json:
        print_json(report.to_dict())
        return
    print_table(
        ("data set", ">images", "splits"),
        [
            (data, str(sum(splits.values())), ", ".join(f"{split or '-'} {count}" for split, count in splits.items()))
            for data, splits in report.kept.items()
        ],
    )
    typer.echo()
    print_fields({f"left out: {reason}": count for reason, count in report.reasons.items()} | {"written": report.file})


@app.command()
def keywords(
    datasets: Datasets,
    top: Annotated[int, typer.Option(min=1, help="Keywords taken of each data set.")] = 512,
    split: Annotated[
        str, typer.Option(help="The split that is counted, where a data set has it; `all` counts every caption.")
    ] = "train",
    to: Annotated[
        Path | None,
        typer.Option("--to", help="Write the list: a word a line, or with counts where it ends in .json."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Count words: the most frequent ones of each data set, stop words aside, merged into one list.

    Training takes the list as objective.keywords.words=FILE. Images need not be there.

    Example: swath data keywords data/rsicd data/ucm --to keywords.txt
    """
    from swath.data import read_annotations
    from swath.data.keywords import keywords as choose
    from swath.data.keywords import word_facts

    read = [read_annotations(path, name=name) for name, path in map(_named, datasets)]
    counted = None if split == "all" else split
    found = choose(read, top, counted)
    facts = word_facts(read, found, counted)
    if to is not None:
        found.write(to)
        note(f"{len(found)} keywords in {to}; train with: objective.keywords.words={to.resolve()}")
    if as_json:
        print_json(
            {
                "top": top,
                "split": split,
                "path": to,
                "words": found.words,
                "datasets": [fact.to_dict() | {"counts": found.counts[fact.dataset]} for fact in facts],
            }
        )
        return
    _print_words(facts)
    typer.echo()
    shown = ", ".join(found.words[:WORDS_SHOWN])
    more = len(found) - WORDS_SHOWN
    print_fields({"keywords": f"{len(found)}: {shown}" + (f" and {more} more" if more > 0 else "")})
    if to is None:
        note("the whole list: --to FILE, or --json")


def _print_words(facts: tuple[WordFacts, ...]) -> None:
    print_table(
        ("data set", ">captions", ">words", ">stop words", ">distinct", ">keywords", ">masked"),
        [
            (
                *map(str, (fact.dataset, fact.captions, fact.words, fact.stop_words, fact.distinct, fact.keywords)),
                f"{100 * fact.covered / fact.words:.1f} %",
            )
            for fact in facts
        ],
    )


def _read(dataset: str) -> Dataset:
    from swath.data import read_dataset

    name, path = _named(dataset)
    return read_dataset(path, name=name)


def _named(dataset: str) -> tuple[str | None, Path]:
    """The name and the path that ``NAME=PATH`` gives; no name where there is none, or where that is itself a path."""
    name, sign, path = dataset.partition("=")
    return (name, Path(path)) if sign and name and not Path(dataset).exists() else (None, Path(dataset))
