"""Radar chips of held-out flood scenes ranked by the text "flooded area", against water masks drawn by hand.

    python benchmarks/flood_text.py [--model MODEL] [--threshold 0.1] [--size 128] [--rounds 2000]

writes `flood_text.json`. The chips are cut from Sentinel-1 scenes of Sen1Floods11 (VV and VH in decibel). A chip counts
as flooded where water covers more than `--threshold` of its labelled pixels. Scenes are held out whole (`TEST`); a
model may have been trained on the others. Beside each average precision stand the base rate, which is what a random
order reaches, and the order by falling brightness, which needs no model: open water is dark to a radar.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from harness import data_root, write_result
from numpy.typing import NDArray

from swath.corpus.landmark import LabelRasters, Options, read_system, vocabulary, write_landmark
from swath.data import Dataset, read_dataset
from swath.evaluation.encoding import encode_pictures
from swath.evaluation.multi_label import average_precision
from swath.models import DualEncoder
from swath.raster import read_chip
from swath.sources import cut, open_source

TEST = ("Mekong_*", "Spain_7370579_*", "USA_*")
"""Scenes that the packaged model never sees: one hardly flooded, one flooded all over, one in part."""

QUERY = "flooded area"
VARIANTS = (QUERY, "an image of flooded land", "a radar image of a flood", "land under water after a flood")
LABEL = "Flooded Area"


def corpus(folder: Path, size: int) -> tuple[Dataset, dict[str, float]]:
    """The chips with their splits, and the share of water in each."""
    floods = data_root() / "floods_s1"
    chips = list(cut(open_source(floods, include=("*_S1.tif",)), size))
    masks = LabelRasters(floods / "*_label.tif", read_system("sen1floods11", vocabulary()), ("_S1", "_label"))
    table = folder / "floods.parquet"
    options = Options(threshold=0.0, without="dry land", fractions={"train": 1.0}, held_out={"test": TEST})
    write_landmark(chips, table, [masks], options)
    rows = pq.read_table(table, columns=["image", "shares"]).to_pylist()
    shares = {row["image"]: sum(item["share"] for item in row["shares"] if item["label"] == LABEL) for row in rows}
    return read_dataset(table), shares


def measured(
    scores: NDArray[np.float64], truth: NDArray[np.bool_], rounds: int
) -> tuple[float, tuple[float, float] | None]:
    """Average precision and its 95 % interval, chips drawn with replacement."""
    value = float(average_precision(scores, truth, np.ones((1, len(scores))))[0])
    times = np.random.default_rng(0).multinomial(len(scores), np.full(len(scores), 1 / len(scores)), size=rounds)
    drawn = average_precision(scores, truth, times.astype(np.float64))
    low, high = np.nanquantile(drawn, [0.025, 0.975]) if rounds else (value, value)
    return value, (float(low), float(high))


def main() -> None:
    """Measure and write the result."""
    arguments = _arguments()
    model = DualEncoder.from_pretrained(arguments.model)
    with tempfile.TemporaryDirectory() as folder:
        dataset, shares = corpus(Path(folder), arguments.size)
    test = dataset.split("test")
    kept, images, failures = encode_pictures(model, test.pairs, tokens=False)
    vectors = images.pooled.double().cpu().numpy()
    texts = model.encode_texts(list(VARIANTS), tokens=False).pooled.double().cpu().numpy()
    share = np.array([shares[pair.name] for pair in kept])
    truth = share > arguments.threshold
    dark = -np.array([np.nanmean(read_chip(pair.chip).data[0]) for pair in kept], dtype=np.float64)
    columns: dict[str, NDArray[Any]] = {
        "average_precision": vectors @ texts[0],
        "average_precision_ensemble": vectors @ texts.mean(axis=0),
        "average_precision_darkness": dark,
    }
    metrics: dict[str, float] = {}
    intervals: dict[str, tuple[float, float]] = {}
    for name, scores in columns.items():
        metrics[name], found = measured(scores, truth, arguments.rounds)
        if found is not None:
            intervals[name] = found
    metrics["base_rate"] = float(truth.mean())
    metrics["share_correlation"] = float(np.corrcoef(_ranks(vectors @ texts[0]), _ranks(share))[0, 1])
    metrics |= {"chips": len(kept), "flooded_chips": int(truth.sum())}
    write_result(
        "flood_text",
        settings={
            "model": model.model_id,
            "query": QUERY,
            "ensemble": list(VARIANTS),
            "flooded": f"water on more than {arguments.threshold:g} of the labelled pixels",
            "chip": arguments.size,
            "test_scenes": sorted({pair.name.partition("#")[0] for pair in kept}),
            "train_scenes": sorted({pair.name.partition("#")[0] for pair in dataset.split("train")}),
            "failures": len(failures),
            "intervals": f"95 % bootstrap over chips, {arguments.rounds} rounds; three scenes say little of others",
        },
        metrics=metrics,
        intervals=intervals,
    )


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean ranks, so that their correlation is Spearman's."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    found: NDArray[np.float64] = (ends - (counts - 1) / 2.0)[inverse]
    return found


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="swath-mini", help="name or directory")
    parser.add_argument("--threshold", type=float, default=0.1, help="share of water above which a chip is flooded")
    parser.add_argument("--size", type=int, default=128, help="side of a chip in pixels")
    parser.add_argument("--rounds", type=int, default=2000, help="bootstrap resamples")
    return parser.parse_args()


if __name__ == "__main__":
    main()
