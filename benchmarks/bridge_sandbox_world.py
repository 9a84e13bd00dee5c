"""The corpus of `bridge_sandbox.py`: a sandbox whose regions each sensor sees apart, captioned as CLOSP's corpus is.

A text is the labels that cover a good part of a chip, in lower case, joined with ". ". Training regions are dealt out
in turn: of one, only radar images have texts and labels, of the next only optical ones. The other sensor's images of
the same chips are there without a text, as split ``silent``, for the paired term.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from swath.corpus import sandbox

SHARE = 0.15
"""Least share of a chip that a label covers."""

SENSORS = ("s1-grd", "s2-l2a")
SEED = 2000
WINDOW = 64


def prepare(folder: Path, regions: int, dates: int, size: int) -> Path:
    """Write the world, unless it is there; its folder."""
    world = folder / "world"
    done = folder / "world.json"
    settings = {"regions": regions, "dates": dates, "size": size, "seed": SEED, "window": WINDOW, "share": SHARE}
    if done.is_file() and json.loads(done.read_text()) == settings:
        return world
    sandbox.write(world, seed=SEED, regions=regions, dates=dates, size=size, window=WINDOW)
    document = json.loads((world / "pairs.json").read_text())
    document["chips"] = chips(document["chips"], document["labels"])
    (world / "pairs.json").write_text(json.dumps(document))
    done.write_text(json.dumps(settings))
    return world


def chips(found: Sequence[dict[str, Any]], vocabulary: Sequence[str]) -> list[dict[str, Any]]:
    """The entries of ``pairs.json``, with CLOSP's texts, each sensor with regions of its own to learn from."""
    regions = sorted({chip["region"] for chip in found if chip["split"] == "train"})
    own = {region: SENSORS[place % len(SENSORS)] for place, region in enumerate(regions)}
    out = []
    for chip in found:
        images = {kind: image for kind, image in chip["images"].items() if kind in SENSORS}
        labels = [label for label in vocabulary if chip["shares"].get(label, 0.0) >= SHARE]
        told = chip | {
            "labels": labels,
            "captions": [". ".join(label.lower() for label in labels)] if labels else [],
            "long_caption": "",
        }
        if chip["split"] != "train":
            out.append(told | {"images": images})
            continue
        kind = own[chip["region"]]
        out.append(told | {"images": {kind: images.pop(kind)}})
        out.append(told | {"images": images, "labels": [], "captions": [], "split": "silent"})
    return out
