"""What a landmark corpus holds: labels, splits and how even they are, sensors, and what was left out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Summary:
    """A corpus in numbers.

    Attributes:
        images: rows of the table.
        labels: unified label -> images that have it.
        splits: split -> images; the empty name stands for images without one.
        split_labels: split -> label -> images.
        imbalance: largest distance, over splits and labels, between the split's part of the label's images and its
            part of all images.
        labels_per_image: mean number of labels.
        captions: different short captions.
        sensors: sensor -> images.
        left_out: reason -> chips without a row.
        failures: the first of the chips that could not be read or labelled, with the reason.
    """

    images: int
    labels: dict[str, int]
    splits: dict[str, int]
    split_labels: dict[str, dict[str, int]]
    imbalance: float
    labels_per_image: float
    captions: int
    sensors: dict[str, int]
    left_out: dict[str, int]
    failures: list[str]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)


def summarise(table: Path) -> Summary:
    """Count what a finished table holds."""
    import pyarrow.parquet as pq

    whole = pq.read_table(table, columns=["captions", "labels", "split", "sensor"])
    notes = json.loads((whole.schema.metadata or {}).get(LEFT_OUT_KEY, b"{}"))
    rows = whole.to_pylist()
    labels = Counter(label for row in rows for label in row["labels"])
    splits = Counter(row["split"] for row in rows)
    by_split = {split: Counter(x for row in rows if row["split"] == split for x in row["labels"]) for split in splits}
    gaps = [
        abs(by_split[split][label] / labels[label] - splits[split] / len(rows)) for split in splits for label in labels
    ]
    return Summary(
        images=len(rows),
        labels=dict(labels.most_common()),
        splits=dict(splits.most_common()),
        split_labels={split: dict(counts.most_common()) for split, counts in by_split.items()},
        imbalance=max(gaps, default=0.0),
        labels_per_image=sum(labels.values()) / max(1, len(rows)),
        captions=len({text for row in rows for text in row["captions"]}),
        sensors=dict(Counter(row["sensor"] for row in rows).most_common()),
        left_out=notes.get("reasons", {}),
        failures=notes.get("failures", []),
    )


LEFT_OUT_KEY = b"swath:left-out"
"""Where a table's metadata keep which chips got no row."""


def write_summary(summary: Summary, table: Path, more: Mapping[str, object]) -> Path:
    """Write ``<table>.summary.json`` beside a table, with further entries."""
    document = table.with_name(f"{table.stem}.summary.json")
    partial = document.with_name(document.name + ".partial")
    partial.write_text(
        json.dumps(summary.to_dict() | dict(more), indent=2, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    partial.replace(document)
    return document
