"""`swath evaluate ranking`: judge a run, or rank a corpus with a model and judge that."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swath.cli.options import BatchOption, DeviceOption, RoundsOption
from swath.cli.output import JsonOption, note, print_fields, print_json, print_table
from swath.cli.progress import progress
from swath.cli.reports import deliver, note_failures
from swath.errors import InputError

if TYPE_CHECKING:
    from swath.evaluation.run_ranking import RankingReport


class UnknownName(StrEnum):
    """What to do with judgements of documents that the corpus does not have."""

    error = "error"
    drop = "drop"


def ranking(
    run: Annotated[
        str, typer.Argument(metavar="RUN|MODEL", help="Answers in TREC form (a file), or the model that ranks.")
    ],
    qrels: Annotated[
        Path, typer.Argument(metavar="QRELS|CORPUS", help="Judgements in TREC form, or the corpus to be ranked.")
    ],
    k: Annotated[
        list[int] | None, typer.Option("-k", min=1, help="Cut-offs; repeatable.", show_default="10, 100, 1000")
    ] = None,
    queries: Annotated[
        Path | None, typer.Option(help="Text queries (JSON lines).", show_default="queries.jsonl of the corpus")
    ] = None,
    judgements: Annotated[
        Path | None, typer.Option(help="Their judgements.", show_default="qrels of the corpus, or its labels")
    ] = None,
    split: Annotated[
        str | None, typer.Option(help="The split that is searched.", show_default="corpus, test, or all but train")
    ] = None,
    sensor: Annotated[str | None, typer.Option(help="Only images of this sensor or family.")] = None,
    image_queries: Annotated[int, typer.Option(min=0, help="Images of each sensor asked as queries.")] = 200,
    unknown: Annotated[
        UnknownName, typer.Option(help="Judged documents that the corpus lacks: an error, or left out.")
    ] = UnknownName.error,
    rounds: RoundsOption = 1000,
    seed: Annotated[int, typer.Option(help="Chooses query images and resamples.")] = 0,
    to: Annotated[
        Path | None, typer.Option("--to", help="Write report.json, and runs and judgements in TREC form, here.")
    ] = None,
    batch_size: BatchOption = 64,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Ranking by trec_eval's definitions: nDCG with both gains, MAP, precision, recall, MRR, with intervals.

    A model ranks a corpus for text queries (each sensor, and all) and for image queries (across sensors, and all).

    Example: swath evaluate ranking swath-mini corpus/ --to reports/ranking
    """
    ks = tuple(k or (10, 100, 1000))
    if Path(run).is_file():
        _judge_run(Path(run), qrels, ks, rounds, as_json)
        return
    if not qrels.exists():
        raise InputError(f"{qrels}: no such corpus; and {run} is no file of answers, so it is taken for a model")
    from swath.data import read_dataset
    from swath.data.topics import find_topics
    from swath.evaluation.run_ranking import RankingOptions, rank_corpus
    from swath.models import DualEncoder

    topics = find_topics(qrels, queries, judgements)
    data = read_dataset(qrels)
    encoder = DualEncoder.from_pretrained(run, device=device)
    options = RankingOptions(ks, image_queries, unknown.value, rounds, seed, batch_size=batch_size)
    with progress("images") as advance:
        report = rank_corpus(
            encoder,
            data,
            topics,
            split=split,
            sensor=sensor,
            options=options,
            progress=advance,
        )
    if to is not None:
        note(f"report: {report.save(to)}")
    deliver(report, lambda found: _show(found, ks), as_json=as_json)


def _judge_run(run: Path, qrels: Path, ks: tuple[int, ...], rounds: int, as_json: bool) -> None:
    from swath.evaluation.ranking import bootstrap_means, evaluate_ranking
    from swath.evaluation.trec import read_qrels, read_run

    found = evaluate_ranking(read_run(run), read_qrels(qrels), ks)
    intervals = bootstrap_means(found, rounds)
    if as_json:
        print_json(found.to_dict() | {"intervals": {name: list(pair) for name, pair in intervals.items()}})
        return
    shown = {name: f"{value:.4f}{_between(intervals.get(name))}" for name, value in found.metrics.items()}
    print_fields(shown)
    note(f"{len(found.queries)} queries; without an answer: {len(found.without_answer)}")


def _show(report: RankingReport, ks: tuple[int, ...]) -> None:
    images = ", ".join(f"{count} {name}" for name, count in report.documents.items())
    print_fields({"model": report.model, "corpus": f"{report.dataset}: {images}", "judged by": report.judged_by})
    deepest, first = max(ks), min(ks)
    names = [f"ndcg_linear_{deepest}", f"ndcg_exponential_{deepest}", "map", f"precision_{first}", "mrr"]
    rows = []
    for name, task in report.tasks.items():
        values = task.result.metrics
        low_high = _between(task.intervals.get(names[0]))
        rows.append([name, str(len(task.result.queries)), f"{values[names[0]]:.4f}{low_high}"])
        rows[-1] += [f"{values[metric]:.4f}" for metric in names[1:]]
    print_table(["task", ">queries", *(f">{name}" for name in names)], rows)
    for name, reason in report.left_aside.items():
        note(f"{name} left aside: {reason}")
    if report.judged_elsewhere:
        note(f"{report.judged_elsewhere} judged documents are not among the images searched")
    note_failures(report.failures)


def _between(interval: tuple[float, float] | None) -> str:
    return "" if interval is None else f" ({interval[0]:.4f} to {interval[1]:.4f})"
