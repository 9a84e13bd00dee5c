"""One run of `bridge_sandbox.py`, as a process of its own: train, then rank the held-out regions.

    python benchmarks/bridge_sandbox_run.py FOLDER [key=value ...]

trains `bridge_sandbox.yaml` with these overrides in FOLDER and leaves `result.json` there. A run that was cut off goes
on, one that is finished is not done again.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from jobs import finished, keep
from torch import Tensor

from swath.data import Dataset, Pair, read_dataset
from swath.data.topics import topics_of
from swath.evaluation.encoding import encode_pictures
from swath.evaluation.ranking import evaluate_ranking, run_from_scores
from swath.models import DualEncoder
from swath.training import Recipe, train

RECIPE = Path(__file__).with_name("bridge_sandbox.yaml")
DEPTH = 1000
NDCG = f"ndcg_linear_{DEPTH}"
CUTS = (1, 5, 10)

Values = dict[str, dict[str, float]]
"""Measure -> query -> value, 0 to 1."""


def run(folder: Path, overrides: list[str]) -> None:
    """Train and measure, unless that is done."""
    if finished(folder, RECIPE, overrides) is not None:
        return
    torch.set_num_threads(1)
    recipe = Recipe.load(RECIPE, [*overrides, f"output={folder}"])
    trained = train(recipe)
    model = DualEncoder.from_pretrained(trained.model, dtype="float32")
    world = read_dataset(recipe.data.root / "world").split("test")
    sensors = {source.sensor for source in recipe.data.train}
    found: dict[str, Any] = {"values": measured(model, world, sorted(name for name in sensors if name))}
    found |= {"seconds": round(trained.seconds), "steps": trained.steps}
    keep(folder, found)


def measured(model: DualEncoder, world: Dataset, sensors: Sequence[str]) -> Values:
    """Text queries of every sensor, place queries, and queries of one sensor for the other where there are both."""
    vectors: dict[str, tuple[list[Pair], Tensor]] = {}
    for name in sensors:
        own = [pair for pair in world if pair.chip.scene.sensor == name and pair.labels]
        kept, features, unread = encode_pictures(model, own, tokens=False, batch_size=64)
        if unread:
            sys.exit(f"images cannot be read: {unread[0]}")
        vectors[name] = (kept, features.pooled)
    values: Values = {}
    for name, (pairs, images) in vectors.items():
        short = name.split("-")[0]
        values[f"text_{short}"] = by_text(model, pairs, images)
        values |= {f"{kind}_{short}": own for kind, own in by_place(model, pairs, images).items()}
    if len(vectors) == 2:
        (one, first), (other, second) = vectors.values()
        values |= across(first @ second.T, one, other)
    return values


def by_text(model: DualEncoder, pairs: Sequence[Pair], images: Tensor) -> dict[str, float]:
    """The nDCG of every label and every set of labels that there is; gain 2 for the set itself, 1 for more."""
    topics = topics_of(pairs)
    texts = model.encode_texts(list(topics.queries.values()), tokens=False).pooled
    found = run_from_scores(texts @ images.T, list(topics.queries), [pair.name for pair in pairs], DEPTH)
    result = evaluate_ranking(found, topics.qrels, (DEPTH,))
    return {topics.queries[query]: float(v) for query, v in zip(result.queries, result.values[NDCG], strict=True)}


def by_place(model: DualEncoder, pairs: Sequence[Pair], images: Tensor) -> Values:
    """The nDCG of "this label, in this region": by the text alone, and with the place added where the model can.

    Images that have the label and lie in the region are relevant. Asked of every label that stands in the region and
    elsewhere. Of an image only its pixels are looked at, never its place.
    """
    regions: dict[str, list[Pair]] = {}
    for pair in pairs:
        regions.setdefault(str(pair.provenance["region"]), []).append(pair)
    labels = sorted({label for pair in pairs for label in pair.labels})
    asked = []
    for region, own in regions.items():
        for label in labels:
            inside = {pair.name: 1 for pair in own if label in pair.labels}
            if inside and any(label in pair.labels for pair in pairs if pair.name not in inside):
                asked.append((region, label, inside))
    names, documents = [f"{label} in {region}" for region, label, _ in asked], [pair.name for pair in pairs]
    qrels = {name: inside for name, (_, _, inside) in zip(names, asked, strict=True)}
    texts = model.encode_texts([label.lower() for _, label, _ in asked], tokens=False).pooled
    scores = {"place_text": texts @ images.T}
    if model.location is not None:
        places = model.encode_locations([regions[region][0].location for region, _, _ in asked])
        scores["place_both"] = scores["place_text"] + places @ images.T
    out: Values = {}
    for kind, own_scores in scores.items():
        result = evaluate_ranking(run_from_scores(own_scores, names, documents, DEPTH), qrels, (DEPTH,))
        out[kind] = dict(zip(result.queries, map(float, result.values[NDCG]), strict=True))
    return out


def across(scores: Tensor, one: Sequence[Pair], other: Sequence[Pair]) -> Values:
    """Images of one sensor asked for the other's: whether the same chip is found, and nDCG by labels.

    Args:
        scores: (Q, C) similarities.
        one: the Q images of the first sensor.
        other: the C images of the second.
    """
    out: Values = {}
    for kind, table, asked, answers in (("s1_s2", scores, one, other), ("s2_s1", scores.T, other, one)):
        column = {pair.group: place for place, pair in enumerate(answers)}
        target = torch.tensor([column[pair.group] for pair in asked])
        # Ties count against the query.
        rank = (table >= table.gather(1, target[:, None])).sum(dim=1)
        names = [pair.name for pair in asked]
        for k in CUTS:
            out[f"{kind}_r{k}"] = dict(zip(names, (rank <= k).float().tolist(), strict=True))
        sets = [set(pair.labels) for pair in answers]
        qrels = {
            pair.name: {
                answer.name: 2 if own == set(pair.labels) else 1
                for answer, own in zip(answers, sets, strict=True)
                if own >= set(pair.labels)
            }
            for pair in asked
        }
        found = run_from_scores(table, names, [pair.name for pair in answers], DEPTH)
        result = evaluate_ranking(found, qrels, (DEPTH,))
        out[f"{kind}_ndcg"] = dict(zip(result.queries, map(float, result.values[NDCG]), strict=True))
    return out


if __name__ == "__main__":
    run(Path(sys.argv[1]), sys.argv[2:])
