"""The bundled model on the test splits of RSICD and UCM-Captions: recall by the papers' definition, with intervals.

    python benchmarks/mini_retrieval.py [MODEL]

writes `rsicd_retrieval.json`, `ucm_retrieval.json` and, for each sensor of a synthetic world of another seed than the
one it was trained on, `sandbox_retrieval.json`. An image query is right at k if one of its own captions is among the
first k, a caption query if its own image is; mR is the mean of the six recalls. Nothing is re-ranked. `fused_mR` is
that of global and local similarity, with the weights that the model brings or else weights chosen on validation.
"""

from __future__ import annotations

import sys
import tempfile

import torch
from harness import data_root, write_result

from swath.corpus import sandbox
from swath.data import Dataset, read_dataset
from swath.evaluation.intervals import bootstrap
from swath.evaluation.relation import Relation
from swath.evaluation.retrieval import RetrievalResult, evaluate
from swath.evaluation.run_retrieval import evaluate_retrieval
from swath.evaluation.scoring import Scoring
from swath.models import DualEncoder
from swath.raster import read_chip
from swath.similarity import Fusion

DATASETS = {"rsicd": "rsicd_retrieval", "ucm": "ucm_retrieval"}
SANDBOX_SENSORS = ("rgb", "s2-l2a", "s1-grd")
KS = (1, 5, 10)
BATCH = 64
REPORTED = ("mR", *(f"{way}_r{k}" for way in ("i2t", "t2i") for k in KS), "caption_aware_mR")


def scored(model: DualEncoder, pairs: Dataset) -> RetrievalResult:
    """Encode a data set and rank it both ways."""
    images = []
    for start in range(0, len(pairs), BATCH):
        pixels = [read_chip(pair.chip, min_valid=0.0) for pair in pairs.pairs[start : start + BATCH]]
        images.append(model.encode_pixels(pixels, batch_size=BATCH, tokens=False).pooled)
    captions, owner = pairs.captions()
    texts = model.encode_texts(captions, truncation="count", tokens=False).pooled
    scores = texts.cpu() @ torch.cat(images).cpu().T
    return evaluate(scores, Relation.from_rows(captions, owner, len(pairs)), ks=KS)


def measure(model: DualEncoder, dataset: str, result: str) -> None:
    """Evaluate on one test split and write the result."""
    pairs = read_dataset(data_root() / dataset).split("test")
    found = scored(model, pairs)
    intervals = bootstrap(found)
    weights = Fusion.from_dict(model.fusion) if model.fusion else None
    fused = evaluate_retrieval(model, read_dataset(data_root() / dataset), Scoring("fused", weights))
    write_result(
        result,
        settings={
            **about(model),
            "dataset": dataset,
            "split": "test",
            "images": len(pairs),
            "captions": found.relation.captions,
            "trained_on": "the train split of this data set, among others",
            "ties": found.ties,
        },
        metrics={name: found.metrics[name] for name in (*REPORTED, "mR_ceiling")} | {"fused_mR": fused.metrics["mR"]},
        intervals={name: intervals[name] for name in REPORTED} | {"fused_mR": fused.intervals["mR"]},
        command="python benchmarks/mini_retrieval.py",
    )


def measure_sandbox(model: DualEncoder) -> None:
    """Evaluate on every chip of the default synthetic world, sensor by sensor, and write the result."""
    metrics, intervals = {}, {}
    with tempfile.TemporaryDirectory() as folder:
        sandbox.write(folder)
        for sensor in SANDBOX_SENSORS:
            pairs = read_dataset(folder, sensor=sensor)
            found = scored(model, pairs)
            bounds = bootstrap(found)
            for name in ("mR", "t2i_r10", "caption_aware_mR"):
                metrics[f"{sensor}_{name}"] = found.metrics[name]
                intervals[f"{sensor}_{name}"] = bounds[name]
    write_result(
        "sandbox_retrieval",
        settings={
            **about(model),
            "world": "swath sandbox, seed 0; synthetic",
            "chips": len(pairs),
            "trained_on": "a synthetic world of seed 1000 from the same generator",
        },
        metrics=metrics,
        intervals=intervals,
        command="python benchmarks/mini_retrieval.py",
    )


def about(model: DualEncoder) -> dict[str, str]:
    """Settings that all results share."""
    return {
        "model": model.model_id,
        "dtype": str(model.dtype).removeprefix("torch."),
        "intervals": "95 % bootstrap over images, 2,000 rounds",
    }


if __name__ == "__main__":
    encoder = DualEncoder.from_pretrained(sys.argv[1] if len(sys.argv) > 1 else "swath-mini")
    for dataset, result in DATASETS.items():
        measure(encoder, dataset, result)
    measure_sandbox(encoder)
