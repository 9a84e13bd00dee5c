"""Whether a search knows that an archive has nothing like its query.

    python benchmarks/no_match.py [--model swath-mini]

The images of the RSICD test split are an archive. For each of its 31 classes in turn, the captions of its images are
asked twice: of the whole archive, which has what they describe, and of the archive without the class. `auroc` is the
chance that the confidence of a query with a match is higher than that of a query without one, over all captions of all
classes; ties count half. Its interval is that of a bootstrap over classes. At the threshold below which a search says
that nothing matches well, `noticed` is the share of queries without a match that it says so of, `false_alarms` that of
queries with one. `hit_auroc` is the same chance for the confidence of the best of the first ten hits, which compares
texts on one chip instead of matches in the archive.

Captions are general ("many green trees are near a river"), and other classes may well show what they say: 1 cannot be
reached.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from harness import data_root, write_result
from numpy.typing import NDArray

from swath.archive import Archive
from swath.archive.background import BEST, captions
from swath.archive.hits import LOW_CONFIDENCE
from swath.archive.ranking import pooled
from swath.data import read_dataset
from swath.evaluation.encoding import Gallery, encode_split
from swath.models import DualEncoder

ROUNDS = 2000


def auroc(present: NDArray[np.float64], absent: NDArray[np.float64]) -> float:
    """Chance that a value of `present` is above one of `absent` (counts of values at each level), ties half."""
    below = np.cumsum(absent) - absent
    return float((present * (below + absent / 2)).sum() / (present.sum() * absent.sum()))


def levels(values: list[NDArray[np.float64]], scale: int) -> NDArray[np.float64]:
    """(classes, scale + 1) how often each level was seen; all values are multiples of 1 / scale."""
    return np.stack([np.bincount(np.rint(part * scale).astype(int), minlength=scale + 1) for part in values]) * 1.0


def make_archive(folder: Path, model: DualEncoder, gallery: Gallery) -> Archive:
    """The images, each with its class in the property ``class``."""
    archive = Archive.create(folder / "archive", model.model_id, model.dim, encoder=model)
    chips = [
        replace(pair.chip, scene=replace(pair.chip.scene, properties={"class": pair.labels[0]}))
        for pair in gallery.pairs
    ]
    archive.add(chips, gallery.images.pooled.cpu())
    return archive


def hit_confidence(
    images: NDArray[np.float32], bank: NDArray[np.float32], texts: NDArray[np.float32]
) -> NDArray[np.float64]:
    """(Q,) the highest confidence among the first ten hits of each text."""
    general, scores = bank @ images.T, texts @ images.T
    first = np.argsort(-scores, axis=1)[:, :BEST]
    shares = [(general[:, hits] < own[hits]).mean(axis=0).max() for hits, own in zip(first, scores, strict=True)]
    return np.array(shares)


def main() -> None:
    """Leave out one class after the other."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="swath-mini")
    model = DualEncoder.from_pretrained(parser.parse_args().model)
    gallery = encode_split(model, read_dataset(data_root() / "rsicd"), "test", tokens=False)
    image_class = np.array([pair.labels[0] for pair in gallery.pairs])
    asked_class = image_class[gallery.relation.caption_image]
    words = pooled(model.encode_texts(gallery.texts, tokens=False))
    images, bank = pooled(gallery.images), pooled(model.encode_texts(captions(), tokens=False))
    found: dict[str, list[NDArray[np.float64]]] = {name: [] for name in ("with", "without", "hit_with", "hit_without")}
    with tempfile.TemporaryDirectory() as folder:
        archive = make_archive(Path(folder), model, gallery)
        for name in np.unique(image_class):
            rows = gallery.rows[asked_class == name]
            texts = [gallery.texts[row] for row in rows]
            found["with"].append(np.array(archive.confidence(texts), np.float64))
            found["without"].append(
                np.array(archive.confidence(texts, where=f"properties.class <> '{name}'"), np.float64)
            )
            found["hit_with"].append(hit_confidence(images, bank, words[rows]))
            found["hit_without"].append(hit_confidence(images[image_class != name], bank, words[rows]))
    counted = {name: levels(values, len(bank)) for name, values in found.items()}
    present, absent = counted["with"], counted["without"]
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(present), (ROUNDS, len(present)))
    resampled = [auroc(present[draw].sum(axis=0), absent[draw].sum(axis=0)) for draw in draws]
    low, high = np.percentile(resampled, (2.5, 97.5))
    write_result(
        "no_match",
        {
            "model": model.model_id,
            "dataset": "RSICD test",
            "images": len(images),
            "queries": int(present.sum()),
            "classes": len(present),
            "bank": len(bank),
            "best": BEST,
            "threshold": LOW_CONFIDENCE,
            "interval": "95 % bootstrap over classes, 2,000 rounds",
        },
        {
            "auroc": auroc(present.sum(axis=0), absent.sum(axis=0)),
            "noticed": float(np.mean(np.concatenate(found["without"]) < LOW_CONFIDENCE)),
            "false_alarms": float(np.mean(np.concatenate(found["with"]) < LOW_CONFIDENCE)),
            "hit_auroc": auroc(counted["hit_with"].sum(axis=0), counted["hit_without"].sum(axis=0)),
        },
        {"auroc": (float(low), float(high))},
    )


if __name__ == "__main__":
    main()
