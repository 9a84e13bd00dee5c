"""The bundled model on the test splits of RSICD and UCM-Captions: recall by the papers' definition, with intervals.

    python benchmarks/mini_retrieval.py [MODEL]

writes `rsicd_retrieval.json` and `ucm_retrieval.json`. An image query is right at k if one of its own captions is among
the first k, a caption query if its own image is; mR is the mean of the six recalls. Nothing is re-ranked.
"""

from __future__ import annotations

import sys

import torch
from harness import data_root, write_result

from swath.data import read_dataset
from swath.evaluation.intervals import bootstrap
from swath.evaluation.relation import Relation
from swath.evaluation.retrieval import evaluate
from swath.models import DualEncoder
from swath.raster import read_chip

DATASETS = {"rsicd": "rsicd_retrieval", "ucm": "ucm_retrieval"}
KS = (1, 5, 10)
BATCH = 64
REPORTED = ("mR", *(f"{way}_r{k}" for way in ("i2t", "t2i") for k in KS), "caption_aware_mR")


def measure(model: DualEncoder, dataset: str, result: str) -> None:
    """Evaluate on one test split and write the result."""
    pairs = read_dataset(data_root() / dataset).split("test")
    images = []
    for start in range(0, len(pairs), BATCH):
        pixels = [read_chip(pair.chip, min_valid=0.0) for pair in pairs.pairs[start : start + BATCH]]
        images.append(model.encode_pixels(pixels, batch_size=BATCH, tokens=False).pooled)
    captions, owner = pairs.captions()
    texts = model.encode_texts(captions, truncation="count", tokens=False).pooled
    scores = texts.cpu() @ torch.cat(images).cpu().T
    found = evaluate(scores, Relation.from_rows(captions, owner, len(pairs)), ks=KS)
    intervals = bootstrap(found)
    write_result(
        result,
        settings={
            "model": model.model_id,
            "dtype": str(model.dtype).removeprefix("torch."),
            "dataset": dataset,
            "split": "test",
            "images": len(pairs),
            "captions": len(captions),
            "trained_on": "the train split of this data set, among others",
            "ties": found.ties,
            "intervals": "95 % bootstrap over images, 2,000 rounds",
        },
        metrics={name: found.metrics[name] for name in (*REPORTED, "mR_ceiling")},
        intervals={name: intervals[name] for name in REPORTED},
        command="python benchmarks/mini_retrieval.py",
    )


if __name__ == "__main__":
    encoder = DualEncoder.from_pretrained(sys.argv[1] if len(sys.argv) > 1 else "swath-mini")
    for dataset, result in DATASETS.items():
        measure(encoder, dataset, result)
