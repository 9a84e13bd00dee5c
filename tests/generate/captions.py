"""Small captioned image sets, made from nothing: pictures that differ, captions in a fixed grammar."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

CLASSES = ("airport", "beach", "forest", "harbor")

_SENTENCES = {
    "airport": ("many planes are parked near a terminal .", "an airport with two runways .", "a white plane ."),
    "beach": ("yellow sand beside the blue sea .", "waves reach the beach .", "a beach with few people ."),
    "forest": ("many green trees form a forest .", "dense dark trees .", "a forest of tall trees ."),
    "harbor": ("boats are docked in a harbor .", "a harbor with white boats .", "many boats in a row ."),
}


def picture(seed: int, size: int = 64) -> NDArray[np.uint8]:
    """A smooth colour picture, (size, size, 3) uint8; two seeds give pictures that look nothing alike."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((size, size), Image.Resampling.BICUBIC))


def save(path: Path, pixels: NDArray[np.uint8], **options: object) -> Path:
    """Write a picture; folders are made as needed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def captions(label: str, count: int = 3) -> list[str]:
    """Captions of a class."""
    return list(_SENTENCES[label][:count])


def entries(per_class: int = 3) -> list[dict[str, object]]:
    """Karpathy entries: the last image of each class is test, the one before val, the others train."""
    splits = {per_class - 1: "test", per_class - 2: "val"}
    return [
        {
            "filename": f"{label}_{number}.png",
            "split": splits.get(number, "train"),
            "class": label,
            "sentences": [{"raw": text} for text in captions(label)],
        }
        for label in CLASSES
        for number in range(per_class)
    ]


def karpathy(folder: Path, per_class: int = 3, name: str = "tiny", seed: int = 0, long: bool = False) -> Path:
    """Write a data set in Karpathy layout, ``<folder>/dataset_<name>.json`` and ``images/``; returns the folder.

    With `long`, every image also has a long caption: all the sentences of its class.
    """
    images = entries(per_class)
    for entry in images if long else ():
        entry["long_sentences"] = [{"raw": " ".join(captions(str(entry["class"])))}]
    for number, entry in enumerate(images):
        save(folder / "images" / str(entry["filename"]), picture(1000 * seed + number))
    (folder / f"dataset_{name}.json").write_text(json.dumps({"dataset": name, "images": images}))
    return folder


def class_folders(folder: Path, per_class: int = 2) -> Path:
    """Write ``<folder>/<class>/<class>_<n>.jpg``; returns the folder."""
    for offset, label in enumerate(CLASSES):
        for number in range(per_class):
            save(folder / label / f"{label}_{number}.jpg", picture(100 * offset + number))
    return folder
