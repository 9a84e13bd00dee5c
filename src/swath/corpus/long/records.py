"""One row of the corpus: an image with its short and long captions, and where every sentence comes from.

`swath.data.read_dataset` reads the table as image-text pairs; the columns that it does not know are provenance.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from swath.corpus.facts import Facts
from swath.corpus.writers.base import LongCaption
from swath.data.pairs import Pair

if TYPE_CHECKING:
    import pyarrow as pa

Record = dict[str, Any]

SETTINGS_KEY = b"swath:long-captions"
"""Where a table's metadata keep the settings that it was made with."""


def schema() -> pa.Schema:
    """The table's columns."""
    import pyarrow as pa

    texts = pa.list_(pa.string())
    sentence = pa.struct([("text", pa.string()), ("sources", texts)])
    fact = pa.struct([(name, pa.string()) for name in ("kind", "subject", "value", "source")])
    return pa.schema(
        [
            ("image", pa.string()),
            ("captions", texts),
            ("long_captions", texts),
            ("labels", texts),
            ("split", pa.string()),
            ("dataset", pa.string()),
            ("lon", pa.float64()),
            ("lat", pa.float64()),
            ("licence", pa.string()),
            ("writer", pa.string()),
            ("model", pa.string()),
            ("sentences", pa.list_(sentence)),
            ("facts", pa.list_(fact)),
            ("rejected", texts),
            ("tokens", pa.int32()),
            ("href", pa.string()),
            ("window", pa.list_(pa.int64())),
            ("sensor", pa.string()),
            ("datetime", pa.string()),
            ("row", pa.int64()),
            ("dropped", pa.bool_()),
        ]
    )


def record_of(row: int, pair: Pair, facts: Facts, caption: LongCaption | None, tokens: int, licence: str) -> Record:
    """The row of one image.

    Args:
        row: the image's place in its data set.
        pair: the image with its short captions.
        facts: what the long caption was written from.
        caption: the long caption; None leaves the image out of the corpus.
        tokens: byte-pair tokens of the long caption.
        licence: terms of the texts and images.
    """
    scene = pair.chip.scene
    lon, lat = pair.location or (None, None)
    sentences = caption.sentences if caption is not None else ()
    return {
        "image": pair.name,
        "captions": list(pair.captions),
        "long_captions": [caption.text] if caption is not None and sentences else [],
        "labels": list(pair.labels),
        "split": pair.split,
        "dataset": str(pair.provenance.get("dataset", "")),
        "lon": lon,
        "lat": lat,
        "licence": licence,
        "writer": caption.writer if caption is not None else "",
        "model": caption.model if caption is not None else "",
        "sentences": [{"text": one.text, "sources": list(one.sources)} for one in sentences],
        "facts": [
            {
                "kind": fact.kind,
                "subject": fact.subject,
                "value": json.dumps(fact.value, ensure_ascii=False),
                "source": fact.source,
            }
            for fact in facts
        ],
        "rejected": list(caption.rejected) if caption is not None else [],
        "tokens": tokens,
        "href": scene.href,
        "window": pair.chip.window.to_list(),
        "sensor": scene.sensor,
        "datetime": scene.datetime.isoformat() if scene.datetime is not None else None,
        "row": row,
        "dropped": caption is None,
    }


def image_folder(table: Path, images: Path | None) -> str:
    """The folder of a table's images as the table names it: relative to the table, so that both can move together."""
    if images is None:
        return ""
    return os.path.relpath(images.resolve(), table.resolve().parent)
