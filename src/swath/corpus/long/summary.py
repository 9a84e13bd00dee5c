"""What a corpus of long captions holds: lengths, vocabulary, duplicates, and what was rejected."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np

from swath.data.words import normalised, words

TOKEN_BIN = 20
WORD_BIN = 15
COMMON_WORDS = 50


@dataclass(frozen=True, slots=True)
class Lengths:
    """Lengths of texts.

    Attributes:
        mean: their mean.
        p10, p50, p90: percentiles.
        longest: the largest.
        bins: lower bound of a bin -> number of texts, for a histogram.
    """

    mean: float
    p10: float
    p50: float
    p90: float
    longest: int
    bins: dict[int, int]


@dataclass(frozen=True, slots=True)
class Summary:
    """A corpus in numbers.

    Attributes:
        images: rows of the table; `with_long`: those with a long caption; `short_captions`: all short captions.
        writers: rows by writer.
        words, tokens: lengths of long captions in words and in byte-pair tokens; `short_words`: of short ones, in
            words.
        vocabulary, short_vocabulary: distinct words; `common`: the most frequent ones of the long captions.
        duplicates: long captions that another image has word for word; `distinct`: different ones.
        rejected: rows of which at least one attempt was rejected; `reasons`: findings by reason.
        replaced: rows that the fallback wrote.
    """

    images: int
    with_long: int
    short_captions: int
    writers: dict[str, int]
    words: Lengths
    tokens: Lengths
    short_words: Lengths
    vocabulary: int
    short_vocabulary: int
    common: dict[str, int]
    distinct: int
    duplicates: int
    rejected: int
    reasons: dict[str, int]
    replaced: int

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)

    def to_markdown(self) -> str:
        """The summary for people."""
        lines = [
            "# Long captions",
            "",
            f"- images: {self.images}, with a long caption: {self.with_long}; short captions: {self.short_captions}",
            f"- written by: {', '.join(f'{name} {count}' for name, count in self.writers.items()) or 'nobody'}",
            f"- vocabulary: {self.vocabulary} words (short captions: {self.short_vocabulary})",
            f"- different long captions: {self.distinct}; repeated on another image: {self.duplicates}",
            f"- rejected at least once: {self.rejected}; then written by the fallback: {self.replaced}",
            "",
            "| length | mean | 10 % | median | 90 % | longest |",
            "|---|---|---|---|---|---|",
            _row("long, words", self.words),
            _row("long, tokens", self.tokens),
            _row("short, words", self.short_words),
            "",
            "| tokens | captions |",
            "|---|---|",
            *(f"| {low} to {low + TOKEN_BIN - 1} | {count} |" for low, count in self.tokens.bins.items()),
            "",
        ]
        if self.reasons:
            lines += ["| rejected for | findings |", "|---|---|"]
            lines += [f"| {reason} | {count} |" for reason, count in self.reasons.items()] + [""]
        return "\n".join(lines)


def summarise(table: Path) -> Summary:
    """Count what a finished table holds."""
    import pyarrow.parquet as pq

    rows = pq.read_table(table, columns=["captions", "long_captions", "writer", "rejected", "tokens"]).to_pylist()
    texts = [text for row in rows for text in row["long_captions"]]
    shorts = [text for row in rows for text in row["captions"]]
    long_words = [words(text) for text in texts]
    short_words = [words(text) for text in shorts]
    counted = Counter(chain.from_iterable(long_words))
    copies = Counter(normalised(text) for text in texts)
    reasons = Counter(finding.partition(":")[0] for row in rows for finding in row["rejected"])
    return Summary(
        images=len(rows),
        with_long=sum(bool(row["long_captions"]) for row in rows),
        short_captions=len(shorts),
        writers=dict(Counter(row["writer"] for row in rows if row["long_captions"]).most_common()),
        words=_lengths(map(len, long_words), WORD_BIN),
        tokens=_lengths((row["tokens"] for row in rows if row["long_captions"]), TOKEN_BIN),
        short_words=_lengths(map(len, short_words), 5),
        vocabulary=len(counted),
        short_vocabulary=len(set(chain.from_iterable(short_words))),
        common=dict(counted.most_common(COMMON_WORDS)),
        distinct=len(copies),
        duplicates=sum(count for count in copies.values() if count > 1),
        rejected=sum(bool(row["rejected"]) for row in rows),
        reasons=dict(reasons.most_common()),
        replaced=sum(bool(row["rejected"]) and row["writer"] == "grammar" for row in rows),
    )


def write_summary(summary: Summary, table: Path) -> tuple[Path, Path]:
    """Write ``<table>.summary.json`` and ``.summary.md`` beside a table; returns both."""
    document, page = (table.with_name(f"{table.stem}.summary{ending}") for ending in (".json", ".md"))
    document.write_text(json.dumps(summary.to_dict(), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    page.write_text(summary.to_markdown(), encoding="utf-8")
    return document, page


def _lengths(lengths: Iterable[int], width: int) -> Lengths:
    values = np.array(list(lengths), dtype=np.int64)
    if not values.size:
        return Lengths(0.0, 0.0, 0.0, 0.0, 0, {})
    p10, p50, p90 = (float(value) for value in np.percentile(values, (10, 50, 90)))
    bins = Counter((values // width * width).tolist())
    return Lengths(float(values.mean()), p10, p50, p90, int(values.max()), dict(sorted(bins.items())))


def _row(name: str, found: Lengths) -> str:
    return f"| {name} | {found.mean:.1f} | {found.p10:.0f} | {found.p50:.0f} | {found.p90:.0f} | {found.longest} |"
