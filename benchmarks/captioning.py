"""Captions of the bundled model on the test splits of RSICD and UCM-Captions, and what the key/value cache saves.

    python benchmarks/captioning.py [MODEL] [--images N] [--rounds N]

writes `captioning.json`. `bleu4` and `cider` are RSICD's, those with `ucm_` UCM's; captions are written by beam search
with the settings of `swath caption`, `greedy_` ones greedily. Beside them stands what copying gives: the first caption
of the training image whose vector, by the same model, lies nearest (`nearest_`). `decode_speedup` is the time of greedy
decoding to 30 tokens without cache over that with it, both in this run and in turns, images already looked at;
`identical` is the share of texts whose tokens are the same both ways.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import torch
from harness import data_root, write_result

from swath.data import Dataset, read_dataset
from swath.evaluation.captioning import CaptionResult, evaluate_captions
from swath.evaluation.run_captioning import write_captions
from swath.models import Captioner, Decoding, DualEncoder
from swath.raster import read_chip

DATASETS = {"rsicd": "", "ucm": "ucm_"}
REPORTED = ("bleu1", "bleu4", "rouge_l", "cider")
LENGTH = 30
IMAGES_AT_ONCE = 128
BATCH = 64


def vectors(model: DualEncoder, dataset: Dataset) -> torch.Tensor:
    """(N, D) image vectors."""
    parts = []
    for start in range(0, len(dataset), BATCH):
        pixels = [read_chip(pair.chip, min_valid=0.0) for pair in dataset.pairs[start : start + BATCH]]
        parts.append(model.encode_pixels(pixels, batch_size=BATCH, tokens=False).pooled)
    return torch.cat(parts)


def nearest(model: DualEncoder, test: Dataset, train: Dataset) -> dict[str, str]:
    """The first caption of the nearest training image, for each test image."""
    best = (vectors(model, test) @ vectors(model, train).T).argmax(dim=1).tolist()
    return {pair.name: train[row].captions[0] for pair, row in zip(test, best, strict=True)}


def judged(captions: dict[str, str], test: Dataset) -> CaptionResult:
    """Metrics against the references of a split."""
    return evaluate_captions(captions, {pair.name: pair.captions for pair in test if pair.name in captions})


def speedup(captioner: Captioner, test: Dataset, rounds: int) -> dict[str, float]:
    """Greedy decoding to `LENGTH` tokens with and without cache, in turns; the quicker of each kind counts."""
    context = captioner.look([read_chip(pair.chip, min_valid=0.0) for pair in test.pairs[:IMAGES_AT_ONCE]])
    decoding = Decoding("greedy", max_length=LENGTH, min_length=LENGTH, no_repeat=0)
    seconds: dict[bool, list[float]] = {True: [], False: []}
    ids: dict[bool, list[tuple[int, ...]]] = {}
    for _ in range(rounds):
        for cache in (True, False):
            started = time.perf_counter()
            ids[cache] = [written.ids for written in captioner.write(context, decoding, cache=cache)]
            seconds[cache].append(time.perf_counter() - started)
    same = sum(one == other for one, other in zip(ids[True], ids[False], strict=True))
    return {
        "decode_speedup": min(seconds[False]) / min(seconds[True]),
        "identical": same / len(context),
        "captions_s": len(context) / min(seconds[True]),
    }


def main() -> None:
    """Write captions, judge them, time decoding, and write the result."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", nargs="?", default="swath-mini")
    parser.add_argument("--images", type=int, default=None, help="test and training images at most, to try it out")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    captioner = Captioner.from_pretrained(asked.model)
    exact = Captioner.from_pretrained(asked.model, dtype="float32")
    metrics: dict[str, float] = {}
    intervals: dict[str, tuple[float, float]] = {}
    settings: dict[str, Any] = {
        "model": captioner.id,
        "dtype": str(captioner.model.dtype).removeprefix("torch."),
        "decoding": Decoding().title,
        "decoding_speed": f"greedy, {LENGTH} tokens, {IMAGES_AT_ONCE} images at once, float32",
        "threads": torch.get_num_threads(),
        "trained_on": "the train splits of both data sets",
        "intervals": "95 % bootstrap over images, 2,000 rounds",
    }
    for name, prefix in DATASETS.items():
        whole = read_dataset(data_root() / name)
        test, train = (Dataset(name, whole.split(part).pairs[: asked.images]) for part in ("test", "train"))
        settings[f"{name}_images"] = len(test)
        written, _ = write_captions(captioner, test.pairs)
        greedy, _ = write_captions(captioner, test.pairs, decoding=Decoding("greedy"))
        copied = nearest(captioner.model, test, train)
        for kind, captions in (("", written), ("greedy_", greedy), ("nearest_", copied)):
            found = judged(captions, test)
            metrics |= {f"{prefix}{kind}{metric}": found.metrics[metric] for metric in REPORTED}
            intervals |= {f"{prefix}{kind}{metric}": found.intervals[metric] for metric in REPORTED}
        if name == "rsicd":
            metrics |= speedup(exact, test, asked.rounds)
    write_result("captioning", settings, metrics, intervals)


if __name__ == "__main__":
    main()
