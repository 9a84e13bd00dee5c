"""One row of a narrated corpus: an image with its captions, and where every sentence comes from.

`swath.data.read_dataset` reads the table as image-text pairs; pixels stay in the files that a row names.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from swath.corpus.facts import Facts
from swath.corpus.landmark.records import Record
from swath.corpus.landmark.records import record_of as chip_record
from swath.corpus.landmark.records import schema as chip_schema
from swath.corpus.long.parts import TableForm
from swath.corpus.narrate.material import Item
from swath.corpus.narrate.quality import Rejection, text_of
from swath.corpus.narrate.writing import Caption

if TYPE_CHECKING:
    import pyarrow as pa

_OF_CHIPS = (
    "image", "captions", "long_captions", "labels", "split", "dataset", "lon", "lat", "licence", "sensor", "datetime",
    "layers", "window", "id",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Narration:
    """What is written about one image.

    Attributes:
        facts: what is known.
        captions: the captions that stay.
        paragraph: the long caption's sentences.
        writer: who wrote the captions ("rules", "llm"); `model`: the language model.
        labels: class names.
        rejected: captions that do not stay.
        notes: what was wrong with the annotation.
        origin: where texts come from that are not written from annotations.
        scores: image-text score of each caption; NaN where there is none.
    """

    facts: Facts
    captions: Sequence[Caption]
    paragraph: Caption
    writer: str
    model: str
    labels: Sequence[str]
    rejected: Sequence[Rejection]
    notes: Sequence[str] = ()
    origin: Mapping[str, str] = field(default_factory=dict)
    scores: Sequence[float] = ()


def schema() -> pa.Schema:
    """The table's columns."""
    import pyarrow as pa

    text, texts = pa.string(), pa.list_(pa.string())
    given = chip_schema()
    sentence = pa.struct([("caption", pa.int32()), ("text", text), ("sources", texts), ("writer", text)])
    fact = pa.struct([(name, text) for name in ("kind", "subject", "value", "source")])
    rejected = pa.struct([(name, text) for name in ("text", "reason", "detail")])
    return pa.schema(
        [
            *(given.field(name) for name in _OF_CHIPS),
            ("route", text),
            ("writer", text),
            ("model", text),
            ("unit", text),
            ("sentences", pa.list_(sentence)),
            ("scores", pa.list_(pa.float64())),
            ("facts", pa.list_(fact)),
            ("rejected", pa.list_(rejected)),
            ("notes", texts),
            ("origin", text),
            ("row", pa.int64()),
            ("dropped", pa.bool_()),
            ("reason", text),
        ]
    )


NARRATED = TableForm("a narrated corpus", b"swath:narrated", schema)

LONG = -1
"""In ``sentences``: the number of the long caption."""


def record_of(row: int, item: Item, root: Path, narration: Narration | None, about: Mapping[str, str]) -> Record:
    """The row of one image.

    Args:
        row: its place among all items.
        item: the image.
        root: the folder of all images.
        narration: what is written; None leaves the image out.
        about: ``dataset``, ``licence``, ``route``, and ``reason`` where it is left out.
    """
    given = chip_record(row, item.name, item.chip, root, None, about)
    record: Record = {name: given[name] for name in _OF_CHIPS}
    record |= {
        "split": item.split, "route": about.get("route", ""), "unit": item.unit, "row": row,
        "dropped": narration is None, "reason": about.get("reason", ""), "writer": "", "model": "", "sentences": [],
        "scores": [], "facts": [], "rejected": [], "notes": [], "origin": "{}",
    }  # fmt: skip
    return record if narration is None else record | _written(narration)


def _written(narration: Narration) -> Record:
    numbered = [*enumerate(narration.captions), (LONG, narration.paragraph)]
    place = next((fact.value for fact in narration.facts.of("location") if isinstance(fact.value, tuple)), None)
    return {
        "captions": [text_of(caption) for caption in narration.captions],
        "long_captions": [text_of(narration.paragraph)] if narration.paragraph else [],
        "labels": list(narration.labels),
        **({"lon": place[0], "lat": place[1]} if place is not None else {}),
        "writer": narration.writer,
        "model": narration.model,
        "sentences": [
            {
                "caption": number,
                "text": one.text,
                "sources": list(one.sources),
                "writer": narration.writer if number != LONG else "rules",
            }
            for number, caption in numbered
            for one in caption
        ],
        "scores": list(narration.scores) or [float("nan")] * len(narration.captions),
        "facts": [
            {name: value if name != "value" else json.dumps(value) for name, value in fact.to_dict().items()}
            for fact in narration.facts
        ],
        "rejected": [entry.to_dict() for entry in narration.rejected],
        "notes": list(narration.notes),
        "origin": json.dumps(dict(narration.origin)),
    }
