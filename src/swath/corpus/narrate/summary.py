"""What a narrated corpus holds: images, captions, lengths, and what was rejected or left out."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from swath.data.words import normalised, words

COUNTED_KEY = b"swath:left-out"
"""Metadata of a table: reasons -> images that are not in it."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A corpus in numbers.

    Attributes:
        images: rows; `captions`: short ones; `long_captions`: paragraphs.
        splits: split -> images; `labels`: label -> images, the most frequent ones.
        writers: images by who wrote them.
        words_mean: mean length of a caption in words; `vocabulary`: distinct words.
        distinct: different captions; `shared`: captions that another image has, too.
        rejected: reason -> captions; `rejected_share`: of all candidates.
        noted: images with an annotation that could not be used in full.
        left_out: reason -> images that are not in the table.
    """

    images: int
    captions: int
    long_captions: int
    splits: dict[str, int]
    labels: dict[str, int]
    writers: dict[str, int]
    words_mean: float
    vocabulary: int
    distinct: int
    shared: int
    rejected: dict[str, int]
    rejected_share: float
    noted: int
    left_out: dict[str, int]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)

    def to_markdown(self) -> str:
        """The summary for people."""
        lines = [
            "# Narrated corpus",
            "",
            f"- images: {self.images}; captions: {self.captions}, {self.words_mean:.1f} words in the mean; paragraphs: "
            f"{self.long_captions}",
            f"- written by: {_listed(self.writers)}",
            f"- splits: {_listed(self.splits)}",
            f"- different captions: {self.distinct}; on more than one image: {self.shared}; words: {self.vocabulary}",
            f"- rejected: {self.rejected_share:.1%} of the candidates",
            f"- images whose annotation has defects that are not told: {self.noted}",
            "",
        ]
        for title, found in (("rejected for", self.rejected), ("left out", self.left_out), ("label", self.labels)):
            if found:
                lines += [
                    f"| {title} | number |",
                    "|---|---|",
                    *(f"| {key} | {count} |" for key, count in found.items()),
                    "",
                ]
        return "\n".join(lines)


def summarise(table: Path) -> Summary:
    """Count what a finished table holds."""
    import pyarrow.parquet as pq

    read = pq.read_table(table, columns=["captions", "long_captions", "labels", "split", "writer", "rejected", "notes"])
    left_out = json.loads((pq.read_schema(table).metadata or {}).get(COUNTED_KEY, b"{}"))
    rows = read.to_pylist()
    captions = [text for row in rows for text in row["captions"]]
    lengths = [words(text) for text in captions]
    copies = Counter(map(normalised, captions))
    rejected = Counter(entry["reason"] for row in rows for entry in row["rejected"])
    candidates = len(captions) + sum(rejected.values())
    return Summary(
        images=len(rows),
        captions=len(captions),
        long_captions=sum(len(row["long_captions"]) for row in rows),
        splits=dict(Counter(row["split"] or "(none)" for row in rows).most_common()),
        labels=dict(Counter(label for row in rows for label in row["labels"]).most_common(30)),
        writers=dict(Counter(row["writer"] for row in rows).most_common()),
        words_mean=float(np.mean([len(found) for found in lengths])) if lengths else 0.0,
        vocabulary=len({word for found in lengths for word in found}),
        distinct=len(copies),
        shared=sum(count for count in copies.values() if count > 1),
        rejected=dict(rejected.most_common()),
        rejected_share=sum(rejected.values()) / candidates if candidates else 0.0,
        noted=sum(bool(row["notes"]) for row in rows),
        left_out=left_out,
    )


def write_summary(summary: Summary, table: Path) -> tuple[Path, Path]:
    """Write ``<table>.summary.json`` and ``.summary.md`` beside a table; returns both."""
    document, page = (table.with_name(f"{table.stem}.summary{ending}") for ending in (".json", ".md"))
    document.write_text(json.dumps(summary.to_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    page.write_text(summary.to_markdown(), encoding="utf-8")
    return document, page


def _listed(found: dict[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in found.items()) or "none"
