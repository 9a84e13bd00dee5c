"""Elimination before alignment on real captions of which some were made wrong: what it leaves out, and what it misses.

    python benchmarks/eba_planted.py [--dataset ucm] [--images 1000] [--epochs 4] ...

Takes images of a train split, less what the audit excludes (wrong captions that the data came with would count as
errors here), and shuffles the captions of 1, 2 and 5 % of the image-caption pairs among each other, so that each gets
the caption of an image of another class. A small convolutional network is trained on each set by the product's own
loop; what its report of the weakest pairs marks as eliminated is compared with what was planted. The drop ratio is the
share that was planted; the paper's 1 % is reported, too. `precision` and `recall` are over all three sets together.
"""

from __future__ import annotations

import argparse
import csv
import logging
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from harness import data_root, write_result

from swath.data import Dataset, Pair, read_dataset
from swath.data.audit import audit
from swath.data.karpathy import write_karpathy
from swath.errors import InputError
from swath.training import Recipe, train

SHARES = (0.01, 0.02, 0.05)
PAPER = 0.01
VALIDATION = 64
Z = 1.96

MODEL: dict[str, Any] = {
    "name": "planted",
    "embed_dim": 128,
    "text": {"type": "clip", "context_length": 77, "merges": 4000, "width": 128, "heads": 2, "layers": 1},
    "towers": {
        "rgb": {
            "type": "convnet",
            "image_size": 64,
            "resize": "squash",
            "mean": [0.4, 0.4, 0.37],
            "std": [0.2, 0.19, 0.18],
            "stem": 4,
            "widths": [48, 96],
            "depths": [1, 2],
            "hidden": 192,
        }
    },
    "sensors": {"*": {"tower": "rgb"}},
}


@dataclass(frozen=True)
class Planted:
    """Pairs of which some were given a wrong caption.

    Attributes:
        pairs: the images with their captions, right and wrong.
        wrong: (image, caption) of those that were planted.
    """

    pairs: tuple[Pair, ...]
    wrong: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Found:
    """How many of the planted pairs are among those that were picked out.

    Attributes:
        hits: planted pairs among those picked out.
        picked: pairs picked out.
        planted: pairs planted.
    """

    hits: int
    picked: int
    planted: int

    def __add__(self, other: Found) -> Found:
        return Found(self.hits + other.hits, self.picked + other.picked, self.planted + other.planted)

    @property
    def precision(self) -> float:
        """Share of those picked out that were planted; 0 where nothing was."""
        return self.hits / self.picked if self.picked else 0.0

    @property
    def recall(self) -> float:
        """Share of the planted that were picked out."""
        return self.hits / self.planted


def subset(data: Dataset, images: int, random: np.random.Generator) -> list[Pair]:
    """So many training images, each caption of an image once, without what the audit would leave out of training."""
    chosen = sorted(random.permutation(len(data))[:images])
    part = replace(data, pairs=tuple(data[index] for index in chosen))
    kept = audit([part]).exclusions.apply(part)
    return [replace(pair, captions=tuple(dict.fromkeys(pair.captions))) for pair in kept]


def plant(pairs: Sequence[Pair], share: float, random: np.random.Generator) -> Planted:
    """Shuffle the captions of a share of the pairs, until each stands at an image of another class than its own.

    Args:
        pairs: labelled images with their captions.
        share: share of all image-caption pairs.
        random: decides which, and how they are shuffled.

    Raises:
        InputError: more than half of those chosen are of one class, so that they cannot be exchanged.
    """
    places = [(image, slot) for image, pair in enumerate(pairs) for slot in range(len(pair.captions))]
    chosen = [places[index] for index in random.permutation(len(places))[: round(share * len(places))]]
    labels = [pairs[image].labels[0] for image, _ in chosen]
    if 2 * max(Counter(labels).values(), default=0) > len(labels):
        raise InputError(f"{len(labels)} captions cannot be exchanged between classes; plant more of them")
    sources = random.permutation(len(chosen))
    while clashes := [place for place, source in enumerate(sources) if labels[place] == labels[source]]:
        for place in clashes:
            other = random.integers(len(chosen))
            sources[[place, other]] = sources[[other, place]]
    captions = [list(pair.captions) for pair in pairs]
    wrong = set()
    for (image, slot), source in zip(chosen, sources, strict=True):
        taken = pairs[chosen[source][0]].captions[chosen[source][1]]
        captions[image][slot] = taken
        wrong.add((pairs[image].name, taken))
    changed = (replace(pair, captions=tuple(own)) for pair, own in zip(pairs, captions, strict=True))
    return Planted(tuple(changed), frozenset(wrong))


def recipe(folder: Path, ratio: float, report: int, options: argparse.Namespace) -> Recipe:
    """The recipe of one run on the set in `folder`."""
    return Recipe.parse(
        {
            "model": MODEL,
            "data": {
                "root": str(folder),
                "cache_size": options.size,
                "train": [{"path": "planted"}],
                "validation": {"path": "planted", "every": options.epochs},
            },
            "batch": {"size": options.batch, "epoch": "captions"},
            "augment": {"sizes": [options.size], "area": 0.8, "colour": 0.2},
            "objective": {"elimination": {"ratio": ratio, "start_epoch": options.start, "report": report}},
            "optim": {"epochs": options.epochs, "lr": options.lr, "matrices": "muon", "average": 0.0},
            "seed": options.seed,
            "output": str(folder / f"run-{ratio}"),
            "precision": options.precision,
            "tensorboard": False,
        }
    )


def measure(
    planted: Planted, held: Sequence[Pair], root: Path, ratio: float, options: argparse.Namespace
) -> tuple[Found, Found]:
    """Train, and compare the report with what was planted.

    Returns:
        what is marked as eliminated, and as many of the weakest pairs as were planted.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "planted").mkdir()
        (folder / "planted" / "images").symlink_to(root, target_is_directory=True)
        write_karpathy(folder / "planted" / "dataset_planted.json", "planted", [*planted.pairs, *held])
        count = len(planted.wrong)
        result = train(recipe(folder, ratio, max(count, 1), options))
        with (result.directory / "weakest.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    weakest = [((row["image"], row["caption"]), row["eliminated"] == "yes") for row in rows]
    out = {pair for pair, eliminated in weakest if eliminated}
    first = {pair for pair, _ in weakest[:count]}
    return Found(len(out & planted.wrong), len(out), count), Found(len(first & planted.wrong), len(first), count)


def wilson(hits: int, of: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    if not of:
        return 0.0, 1.0
    share, spread = hits / of, Z * Z / of
    middle = (share + spread / 2) / (1 + spread)
    half = Z / (1 + spread) * float(np.sqrt(share * (1 - share) / of + spread / (4 * of)))
    return middle - half, middle + half


def main() -> None:
    """Plant, train, compare, write the result."""
    options = arguments()
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING)
    data = read_dataset(data_root() / options.dataset)
    assert data.root is not None
    random = np.random.default_rng(options.seed)
    pairs = subset(data.split("train"), options.images, random)
    held = data.split("val").pairs[:VALIDATION]
    metrics: dict[str, float] = {}
    intervals: dict[str, tuple[float, float]] = {}
    everything = Found(0, 0, 0)
    for share in SHARES:
        planted = plant(pairs, share, random)
        percent = f"{100 * share:.0f}pct"
        found, first = measure(planted, held, data.root, share, options)
        everything += found
        add(metrics, intervals, f"_{percent}", found)
        metrics[f"precision_at_planted_{percent}"] = first.precision
        if share != PAPER:
            papers, _ = measure(planted, held, data.root, PAPER, options)
            add(metrics, intervals, f"_{percent}_drop_1pct", papers)
    overall: dict[str, float] = {}
    add(overall, intervals, "", everything)
    write_result(
        "eba_planted",
        settings={
            "dataset": f"{options.dataset}, train split",
            "images": len(pairs),
            "pairs": sum(len(pair.captions) for pair in pairs),
            "planted": "captions of 1, 2 and 5 % of the pairs, shuffled among them across classes",
            "drop_ratio": "the share planted; _drop_1pct: 0.01",
            **{name: value for name, value in vars(options).items() if name not in ("dataset", "images", "verbose")},
        },
        metrics=overall | metrics,
        intervals=intervals,
    )


def add(metrics: dict[str, float], intervals: dict[str, tuple[float, float]], suffix: str, found: Found) -> None:
    """Add precision and recall of what was eliminated, with their intervals."""
    print(f"eliminated{suffix}: {found}", file=sys.stderr)
    metrics |= {f"precision{suffix}": found.precision, f"recall{suffix}": found.recall}
    intervals[f"precision{suffix}"] = wilson(found.hits, found.picked)
    intervals[f"recall{suffix}"] = wilson(found.hits, found.planted)


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line's options, or those given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", default="ucm", help="a labelled set with train and val splits")
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--size", type=int, default=64, help="side of the images in pixels")
    parser.add_argument("--epochs", type=int, default=4)
    parser.add_argument("--start", type=int, default=2, help="epochs on every pair before elimination starts")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--precision", default="auto", help="auto, no or bf16")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args(given)


if __name__ == "__main__":
    main()
