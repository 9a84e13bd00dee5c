"""Ranking a corpus of several sensors by text and by image: per sensor, across sensors, and over all.

CLOSP's protocol (nDCG@1000 of text queries) with intervals, and the same for image queries, whose answers are judged
by labels. Documents stream by in chunks: neither their pixels nor their features are held.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from swath.data import Dataset, Pair
from swath.data.topics import Topics, documents_of, grade, topics_of
from swath.errors import DataError, EvaluationError
from swath.evaluation.bounded import Answers, BoundedRun, joined
from swath.evaluation.encoding import Encoder, encode_pictures
from swath.evaluation.ranking import Qrels, RankingResult, bootstrap_means, evaluate_ranking
from swath.evaluation.trec import write_qrels, write_run
from swath.provenance import made_with
from swath.sensors import matching

Progress = Callable[[int, int], None]
Unknown = Literal["error", "drop"]

ALL = "all"
IMAGES = "image"


@dataclass(frozen=True, slots=True)
class RankingOptions:
    """How a corpus is ranked and judged.

    Attributes:
        ks: cut-offs; the largest is how many documents are kept for each query.
        image_queries: images of each sensor that are asked as queries; 0 asks texts only.
        unknown: what to do where judgements name documents that the corpus does not have.
        rounds: bootstrap resamples of the queries.
        seed: chooses query images and resamples.
        chunk: documents encoded and compared at a time.
        batch_size: images encoded at once.
    """

    ks: tuple[int, ...] = (10, 100, 1000)
    image_queries: int = 200
    unknown: Unknown = "error"
    rounds: int = 1000
    seed: int = 0
    chunk: int = 2048
    batch_size: int = 64


@dataclass(frozen=True, slots=True)
class Task:
    """One kind of query against one kind of document.

    Attributes:
        answers: the run.
        qrels: its judgements.
        result: metrics query by query.
        intervals: 95 % intervals of their means.
    """

    answers: Answers
    qrels: Qrels
    result: RankingResult
    intervals: Mapping[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class RankingReport:
    """What a model is worth at ranking a corpus.

    Attributes:
        model: its id.
        dataset: the corpus' name.
        documents: family of sensors -> images searched.
        judged_by: where the judgements of text queries come from.
        tasks: ``text_s1``, ``text_s2``, ``text_all``, ``s1_s2``, ..., ``image_image``.
        left_aside: tasks that no query can be asked in, with the reason.
        judged_elsewhere: judged documents that are not searched (another split, another sensor, unknown): dropped.
        failures: images that could not be read; judged ones count as not found.
        settings: the options.
    """

    model: str
    dataset: str
    documents: Mapping[str, int]
    judged_by: str
    tasks: Mapping[str, Task]
    left_aside: Mapping[str, str]
    judged_elsewhere: int
    failures: Sequence[str]
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def metrics(self) -> dict[str, float]:
        """``<task>_<metric>``, from 0 to 1."""
        return {
            f"{name}_{key}": value for name, task in self.tasks.items() for key, value in task.result.metrics.items()
        }

    @property
    def intervals(self) -> dict[str, tuple[float, float]]:
        """95 % intervals of the metrics."""
        return {f"{name}_{key}": value for name, task in self.tasks.items() for key, value in task.intervals.items()}

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "model": self.model,
            "dataset": self.dataset,
            "documents": dict(self.documents),
            "judged_by": self.judged_by,
            "queries": {name: len(task.result.queries) for name, task in self.tasks.items()},
            "metrics": self.metrics,
            "intervals": {name: list(pair) for name, pair in self.intervals.items()},
            "left_aside": dict(self.left_aside),
            "judged_elsewhere": self.judged_elsewhere,
            "failures": list(self.failures),
            "settings": dict(self.settings),
        }

    def save(self, folder: Path) -> Path:
        """Write ``report.json``, and for every task ``<task>.run`` and ``<task>.qrels`` in TREC form.

        Raises:
            EvaluationError: a document's name has white space in it.
        """
        folder.mkdir(parents=True, exist_ok=True)
        for name, task in self.tasks.items():
            write_run(task.answers, folder / f"{name}.run")
            write_qrels(task.qrels, folder / f"{name}.qrels")
        path = folder / "report.json"
        path.write_text(
            json.dumps(self.to_dict() | {"made_with": made_with()}, indent=2, ensure_ascii=False) + "\n",
            encoding="utf-8",
        )
        return path


def rank_corpus(
    model: Encoder,
    dataset: Dataset,
    topics: Topics | None = None,
    *,
    split: str | None = None,
    sensor: str | None = None,
    options: RankingOptions | None = None,
    progress: Progress | None = None,
) -> RankingReport:
    """Rank the images of a corpus for text queries and for image queries, and judge the answers.

    Args:
        model: the encoder.
        dataset: the corpus.
        topics: queries and judgements; made from the labels of the searched images where None.
        split: the split that is searched; by default ``corpus``, else ``test``, else all that is not ``train``.
        sensor: search only images of this sensor or family.
        options: cut-offs and sizes.
        progress: told (done, total) documents.

    Raises:
        EvaluationError: judgements name unknown documents (and `options.unknown` is ``error``), or no image is read.
        DataError: there is no such split or image, or neither judgements nor labels.
        SensorError: no such sensor, or the model takes no images of one.
    """
    options = options or RankingOptions()
    found = dataset.split(split).pairs if split is not None else documents_of(dataset)
    if sensor is not None:
        found = tuple(pair for pair in found if pair.chip.scene.sensor in matching(sensor))
        if not found:
            raise DataError(f"{dataset.name!r} has no image of sensor {sensor!r} among those searched")
    topics = topics or topics_of(found)
    qrels, elsewhere = _judged(topics, found, dataset, options.unknown)
    names = sorted((pair.name for pair in found), reverse=True)
    texts = {query: topics.queries[query] for query in qrels}
    asked, failures = _query_images(model, found, options)
    runs, documents, unread = _stream(model, found, texts, asked, names, options, progress)
    failures = list(dict.fromkeys([*(f"{item.name}: {item.message}" for item in dataset.failures), *failures, *unread]))
    if not documents:
        raise EvaluationError(f"no image of {dataset.name!r} can be read: {(failures or ['it has none'])[0]}")
    tasks, aside = _judge(runs, qrels, found, asked, options)
    return RankingReport(
        model.model_id,
        dataset.name,
        dict(documents),
        topics.origin,
        tasks,
        aside,
        elsewhere,
        failures,
        {
            "split": split,
            "sensor": sensor,
            "ks": list(options.ks),
            "image_queries": options.image_queries,
            "seed": options.seed,
        },
    )


def family(pair: Pair) -> str:
    """The family of a pair's sensor (``s1``)."""
    return pair.chip.sensor.family


def _judged(
    topics: Topics, found: Sequence[Pair], dataset: Dataset, unknown: Unknown
) -> tuple[dict[str, dict[str, int]], int]:
    """Judgements over the searched images, and how many were dropped."""
    known = {pair.name for pair in dataset} | {failure.name for failure in dataset.failures}
    strange = topics.check(known)
    if strange and unknown == "error":
        raise EvaluationError(
            f"judgements of {dataset.name!r} name {len(strange)} documents that it does not have, first: "
            f"{strange[0]!r}; complete the corpus, or drop them (unknown='drop', --unknown drop)"
        )
    searched = {pair.name for pair in found}
    elsewhere = len(topics.check(searched))
    kept = {
        query: {name: value for name, value in own.items() if name in searched} for query, own in topics.qrels.items()
    }
    return {query: own for query, own in kept.items() if own}, elsewhere


def _query_images(
    model: Encoder, found: Sequence[Pair], options: RankingOptions
) -> tuple[dict[str, tuple[list[Pair], Tensor]], list[str]]:
    """Images asked as queries by family, with their vectors; only images with labels can be judged."""
    asked: dict[str, tuple[list[Pair], Tensor]] = {}
    failures: list[str] = []
    for name in dict.fromkeys(map(family, found)):
        own = [pair for pair in found if family(pair) == name and pair.labels]
        rng = np.random.default_rng(options.seed)
        chosen = sorted(rng.permutation(len(own))[: options.image_queries].tolist())
        if chosen:
            kept, features, unread = encode_pictures(
                model, [own[place] for place in chosen], tokens=False, batch_size=options.batch_size
            )
            failures += unread
            if kept:
                asked[name] = (kept, features.pooled.cpu())
    return asked, failures


def _stream(
    model: Encoder,
    found: Sequence[Pair],
    texts: Mapping[str, str],
    asked: Mapping[str, tuple[list[Pair], Tensor]],
    names: Sequence[str],
    options: RankingOptions,
    progress: Progress | None,
) -> tuple[dict[tuple[str, str], Answers], Counter[str], list[str]]:
    """(kind of query, family of documents) -> the best answers; images searched by family; unread images."""
    depth = max(options.ks)
    vectors: dict[str, tuple[list[str], Tensor]] = {
        kind: ([pair.name for pair in pairs], pooled) for kind, (pairs, pooled) in asked.items()
    }
    if texts:
        vectors["text"] = (list(texts), model.encode_texts(list(texts.values()), tokens=False).pooled.cpu())
    rank = {name: place for place, name in enumerate(names)}
    runs: dict[tuple[str, str], BoundedRun] = {}
    counts, failures, done = Counter[str](), list[str](), 0
    for kind in dict.fromkeys(map(family, found)):
        own = [pair for pair in found if family(pair) == kind]
        for start in range(0, len(own), options.chunk):
            chunk = own[start : start + options.chunk]
            kept, features, unread = encode_pictures(model, chunk, tokens=False, batch_size=options.batch_size)
            failures += unread
            done += len(chunk)
            if kept:
                counts[kind] += len(kept)
                places = torch.tensor([rank[pair.name] for pair in kept])
                for query, (ids, own_vectors) in vectors.items():
                    run = runs.setdefault((query, kind), BoundedRun(ids, depth))
                    scores = own_vectors @ features.pooled.cpu().T
                    run.add(_without_itself(scores, ids, kept) if query != "text" else scores, places)
            if progress is not None:
                progress(done, len(found))
    return {pair: run.answers(names) for pair, run in runs.items()}, counts, failures


def _without_itself(scores: Tensor, queries: Sequence[str], documents: Sequence[Pair]) -> Tensor:
    """An image does not answer itself."""
    column = {pair.name: place for place, pair in enumerate(documents)}
    for row, name in enumerate(queries):
        if name in column:
            scores[row, column[name]] = float("-inf")
    return scores


def _judge(
    runs: Mapping[tuple[str, str], Answers],
    qrels: Qrels,
    found: Sequence[Pair],
    asked: Mapping[str, tuple[list[Pair], Tensor]],
    options: RankingOptions,
) -> tuple[dict[str, Task], dict[str, str]]:
    families = list(dict.fromkeys(kind for _, kind in runs))
    depth = max(options.ks)
    plans: dict[str, tuple[Answers, Qrels]] = {}
    members = {kind: {pair.name for pair in found if family(pair) == kind} for kind in families}
    for kind in families:
        if ("text", kind) in runs:
            plans[f"text_{kind}"] = runs["text", kind], _within(qrels, members[kind])
    if len(families) > 1:
        plans[f"text_{ALL}"] = joined([runs["text", kind] for kind in families if ("text", kind) in runs], depth), qrels
    by_labels = {kind: _by_labels(pairs, found) for kind, (pairs, _) in asked.items()}
    for kind in asked:
        for other in families:
            if other != kind:
                plans[f"{kind}_{other}"] = runs[kind, other], _within(by_labels[kind], members[other])
    if asked:
        answers: Answers = {}
        judged: dict[str, Mapping[str, int]] = {}
        for kind in asked:
            answers |= joined([runs[kind, other] for other in families], depth)
            judged |= by_labels[kind]
        plans[f"{IMAGES}_{IMAGES}"] = answers, judged
    tasks: dict[str, Task] = {}
    aside: dict[str, str] = {}
    for name, (run, own) in plans.items():
        try:
            result = evaluate_ranking(run, own, options.ks)
        except EvaluationError as error:
            aside[name] = str(error)
            continue
        tasks[name] = Task(run, own, result, bootstrap_means(result, options.rounds, options.seed))
    return tasks, aside


def _within(qrels: Qrels, members: set[str]) -> dict[str, dict[str, int]]:
    return {query: {name: value for name, value in own.items() if name in members} for query, own in qrels.items()}


def _by_labels(queries: Sequence[Pair], found: Sequence[Pair]) -> dict[str, dict[str, int]]:
    """What answers an image: others that have all of its labels."""
    sets: dict[tuple[str, ...], list[str]] = {}
    for pair in found:
        sets.setdefault(tuple(pair.labels), []).append(pair.name)
    judged: dict[tuple[str, ...], dict[str, int]] = {}
    for labels in {tuple(pair.labels) for pair in queries}:
        own = {name: value for has, names in sets.items() if (value := grade(labels, has)) for name in names}
        judged[labels] = own
    return {
        pair.name: {name: value for name, value in judged[tuple(pair.labels)].items() if name != pair.name}
        for pair in queries
    }
