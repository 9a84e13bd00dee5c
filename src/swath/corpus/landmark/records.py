"""One row of a landmark corpus, and the table's form: GeoParquet where the images have footprints.

`swath.data.read_dataset` reads the table as image-text pairs. Pixels stay where they are: a row names the files of its
scene, relative to the image folder in the table's metadata, and the window.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import shapely

from swath.chips import Chip, SceneRef
from swath.corpus.long.parts import TableForm
from swath.data.parquet import IMAGES_KEY
from swath.errors import InputError
from swath.raster.hrefs import file_of, is_remote

if TYPE_CHECKING:
    import pyarrow as pa

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Labelled:
    """What is written about one chip.

    Attributes:
        shares: unified label -> share of the labelled pixels; None where only its presence is known.
        classes: the sources' own class names.
        captions: short captions; `long_captions`: paragraphs.
    """

    shares: Mapping[str, float | None]
    classes: Sequence[str]
    captions: Sequence[str]
    long_captions: Sequence[str]


def schema() -> pa.Schema:
    """The table's columns."""
    import pyarrow as pa

    texts = pa.list_(pa.string())
    numbers = [("scale", pa.float64()), ("offset", pa.float64()), ("nodata", pa.float64())]
    layer = pa.struct([("band", pa.string()), ("file", pa.string()), ("index", pa.int32()), *numbers])
    return pa.schema(
        [
            ("image", pa.string()),
            ("captions", texts),
            ("long_captions", texts),
            ("labels", texts),
            ("classes", texts),
            ("shares", pa.list_(pa.struct([("label", pa.string()), ("share", pa.float64())]))),
            ("split", pa.string()),
            ("dataset", pa.string()),
            ("lon", pa.float64()),
            ("lat", pa.float64()),
            ("licence", pa.string()),
            ("sensor", pa.string()),
            ("datetime", pa.string()),
            ("layers", pa.list_(layer)),
            ("window", pa.list_(pa.int64())),
            ("id", pa.string()),
            ("geometry", pa.binary()),
            ("row", pa.int64()),
            ("dropped", pa.bool_()),
            ("reason", pa.string()),
        ]
    )


LANDMARK = TableForm("a landmark corpus", b"swath:landmark", schema)


def name_of(chip: Chip, single: bool) -> str:
    """The image's name in the corpus: the scene's id, and the window where the scene has several chips."""
    return chip.scene.id if single else f"{chip.scene.id}#{'_'.join(map(str, chip.window.to_list()))}"


def common_folder(chips: Sequence[Chip]) -> Path:
    """The folder that all files of the chips lie in.

    Raises:
        InputError: a file is remote; a corpus refers to files on disk.
    """
    files = {layer.href for chip in chips for layer in chip.scene.layers}
    remote = sorted(file for file in files if is_remote(file))
    if remote:
        raise InputError(f"{remote[0]}: a corpus refers to files on disk; copy the scenes there first")
    return Path(os.path.commonpath([os.path.dirname(file_of(file)) for file in files]))


def record_of(
    row: int, name: str, chip: Chip, root: Path, labelled: Labelled | None, about: Mapping[str, str]
) -> Record:
    """The row of one chip.

    Args:
        row: its place among all chips.
        name: its name in the corpus.
        chip: the image.
        root: the folder of all images.
        labelled: what is written about it; None leaves it out.
        about: ``dataset``, ``licence``, and ``reason`` where it is left out.
    """
    place = chip.footprint.centre if chip.footprint is not None else (None, None)
    shares = labelled.shares if labelled is not None else {}
    scene = chip.scene
    return {
        "image": name,
        "captions": list(labelled.captions) if labelled is not None else [],
        "long_captions": list(labelled.long_captions) if labelled is not None else [],
        "labels": list(shares),
        "classes": list(labelled.classes) if labelled is not None else [],
        "shares": [{"label": label, "share": share} for label, share in shares.items()],
        "split": "",
        "dataset": about.get("dataset", ""),
        "lon": place[0],
        "lat": place[1],
        "licence": about.get("licence", ""),
        "sensor": scene.sensor,
        "datetime": scene.datetime.isoformat() if scene.datetime is not None else None,
        "layers": _layers(scene, root),
        "window": chip.window.to_list(),
        "id": chip.id,
        "geometry": shapely.to_wkb(chip.footprint.geometry) if chip.footprint is not None else None,
        "row": row,
        "dropped": labelled is None,
        "reason": about.get("reason", ""),
    }


def _layers(scene: SceneRef, root: Path) -> list[Record]:
    return [
        {
            "band": layer.band,
            "file": Path(os.path.relpath(layer.href, root)).as_posix(),
            "index": layer.index,
            "scale": layer.scale,
            "offset": layer.offset,
            "nodata": layer.nodata,
        }
        for layer in scene.layers
    ]


def finished(whole: pa.Table, splits: Sequence[str]) -> tuple[pa.Table, dict[str, str]]:
    """The table with its splits, and its metadata as GeoParquet 1.1 where any row has a footprint.

    Args:
        whole: all rows, the dropped ones included.
        splits: the split of each row that is not dropped, in order.
    """
    import pyarrow as pa

    given = iter(splits)
    column = ["" if dropped else next(given) for dropped in whole["dropped"].to_pylist()]
    whole = whole.set_column(whole.schema.get_field_index("split"), "split", pa.array(column, pa.string()))
    whole = whole.drop_columns(["reason"])
    if whole["geometry"].null_count == len(whole):
        return whole.drop_columns(["geometry"]), {}
    geometry = {"encoding": "WKB", "geometry_types": []}
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": geometry}}
    return whole, {"geo": json.dumps(geo)}


def copied(table: Path, to: Path, files: Mapping[str, str], images: Path) -> None:
    """Write a finished table anew for images that were copied into files of their own, bands in the sensor's order.

    Args:
        table: the finished table.
        to: the table to write.
        files: image name -> file, relative to `images`; rows without one are left out.
        images: the folder of the copies.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    whole = pq.read_table(table)
    rows = [row for row in whole.to_pylist() if row["image"] in files]
    for row in rows:
        row["window"] = [0, 0, *row["window"][2:]]
        row["layers"] = [
            {"band": layer["band"], "file": files[row["image"]], "index": number, "scale": 1.0, "offset": 0.0}
            for number, layer in enumerate(row["layers"], 1)
        ]
    notes = dict(whole.schema.metadata or {})
    notes[IMAGES_KEY] = os.path.relpath(images.resolve(), to.resolve().parent).encode()
    partial = to.with_name(to.name + ".partial")
    pq.write_table(pa.Table.from_pylist(rows, schema=whole.schema).replace_schema_metadata(notes), partial)
    partial.replace(to)
