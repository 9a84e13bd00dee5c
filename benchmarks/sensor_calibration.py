"""Calibrated against raw scores where one text is looked for among several sensors, on the made-up world.

    python benchmarks/sensor_calibration.py [--model MODEL]

Every chip of the default sandbox world is there as RGB, Sentinel-2 and Sentinel-1. Queries are names of land covers; a
chip is right if at least 40 % of it is that. `map` is the mean average precision over the chips of all sensors
together, `precision_30` that of the first 30 hits, `worst_share_30` the share of these that the least shown sensor has
(a third would be even). `gap_...`: the same after Sentinel-1 vectors were moved away from all texts, as a tower of its
own puts them: v becomes 0.5 v + 0.8 g with one random direction g. `uneven_...`: sensors show different things,
Sentinel-2 no water and Sentinel-1 little else. Writes `sensor_calibration.json`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np
from harness import write_result
from numpy.typing import NDArray

from swath.archive.background import captions
from swath.archive.scale import Coded, Scale, text_moments
from swath.corpus import sandbox
from swath.data import read_dataset
from swath.evaluation.encoding import encode_pictures
from swath.models import DualEncoder

PHRASES = {
    "Water": ("open water", "a lake", "water"),
    "Trees": ("a forest", "dense green trees", "forest"),
    "Crops": ("farmland", "fields of crops", "agricultural fields"),
    "Grass": ("grassland", "green meadow"),
    "Built": ("a town", "buildings and streets", "residential area"),
    "Snow and Ice": ("snow", "snow covered mountains"),
    "Bare": ("desert", "bare soil", "bare land"),
    "Shrub and Scrub": ("shrubland", "scrub"),
}
RIGHT, FEWEST, SHOWN = 0.4, 15, 30
Vectors = NDArray[np.float32]


def measure(
    queries: Vectors, right: NDArray[np.bool_], vectors: Vectors, sensors: NDArray[np.str_], bank: Vectors
) -> dict[str, float]:
    """Both ways of ranking: (Q, D) queries, (Q, N) which chips are right, (N, D) chips, (N,) their sensors."""
    names = tuple(np.unique(sensors).tolist())
    coded = Coded(np.searchsorted(np.array(names), sensors).astype(np.int32), names)
    scale = Scale.of(text_moments(bank, {name: vectors[sensors == name] for name in names}))
    raw = queries @ vectors.T
    found: dict[str, float] = {}
    for way, scores in {"raw": raw, "calibrated": np.stack([scale.apply(row, coded) for row in raw])}.items():
        order = np.argsort(-scores, axis=1, kind="stable")
        hits = np.take_along_axis(right, order, axis=1)
        precisions = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
        shown = Counter(sensors[order[:, :SHOWN]].ravel().tolist())
        found[f"{way}_map"] = float(np.mean([own[row].mean() for own, row in zip(precisions, hits, strict=True)]))
        found[f"{way}_precision_{SHOWN}"] = float(hits[:, :SHOWN].mean())
        found[f"{way}_worst_share_{SHOWN}"] = min(shown[name] for name in names) / (SHOWN * len(queries))
    return found


def main() -> None:
    """Encode the world, rank both ways under three conditions and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="swath-mini")
    parser.add_argument("--world", type=Path, default=None, help="a sandbox world; written anew by default")
    given = parser.parse_args()
    model = DualEncoder.from_pretrained(given.model)
    with tempfile.TemporaryDirectory() as folder:
        world = given.world or Path(folder) / "world"
        if given.world is None:
            sandbox.write(world)
        shares = {chip["id"]: chip["shares"] for chip in json.loads((world / "pairs.json").read_text())["chips"]}
        pairs, images, _ = encode_pictures(model, read_dataset(world).pairs, tokens=False)
    vectors = images.pooled.float().cpu().numpy()
    sensors = np.array([pair.chip.scene.sensor for pair in pairs])
    chips = [shares[pair.name.rsplit("/", 1)[0]] for pair in pairs]
    asked = {label: np.array([chip.get(label, 0.0) >= RIGHT for chip in chips]) for label in PHRASES}
    texts = [(text, label) for label, own in PHRASES.items() if asked[label].sum() >= FEWEST for text in own]
    right = np.stack([asked[label] for _, label in texts])
    queries, bank = (
        model.encode_texts(list(words), tokens=False).pooled.float().cpu().numpy()
        for words in ([text for text, _ in texts], captions())
    )
    rng = np.random.default_rng(0)
    gap = rng.standard_normal(vectors.shape[1]).astype(np.float32)
    moved = vectors.copy()
    moved[sensors == "s1-grd"] = 0.5 * moved[sensors == "s1-grd"] + 0.8 * gap / np.linalg.norm(gap)
    moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    wet = np.array([chip.get("Water", 0.0) >= 0.2 for chip in chips])
    kept = ~((sensors == "s2-l2a") & wet) & ~((sensors == "s1-grd") & ~wet & (rng.random(len(wet)) < 0.8))
    metrics = measure(queries, right, vectors, sensors, bank)
    metrics |= {f"gap_{name}": value for name, value in measure(queries, right, moved, sensors, bank).items()}
    uneven = measure(queries, right[:, kept], vectors[kept], sensors[kept], bank)
    metrics |= {f"uneven_{name}": value for name, value in uneven.items()}
    write_result(
        "sensor_calibration",
        settings={
            "model": model.model_id,
            "world": "swath sandbox, seed 0; synthetic" if given.world is None else given.world.name,
            "chips": dict(Counter(sensors.tolist())),
            "queries": len(texts),
            "right": f"at least {RIGHT:.0%} of the chip is the land cover asked for",
        },
        metrics=metrics,
    )


if __name__ == "__main__":
    main()
