"""Annotations for the narrator: boxes in three formats, ship records, masks, radar and optical scenes of one place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from generate.rasters import ORIGIN, item_collection, noise, stac_item, write_image, write_json, write_tiff
from swath.raster import describe, footprint

BOXES = [("ship", 10, 10, 20, 5), ("ship", 40, 12, 20, 5), ("ship", 70, 11, 20, 5), ("storage tank", 60, 80, 8, 8)]
"""(class, x, y, width, height) in an image of 96 x 96 pixels: three ships in a row at the top, a tank below."""


def picture(folder: Path, name: str = "a.png", side: int = 96) -> Path:
    """A grey picture."""
    return write_image(folder / name, side, side, "L")


def coco(folder: Path, boxes: list[Any] | None = None, **entry: Any) -> Path:
    """One picture and its COCO file; `entry` changes every annotation."""
    picture(folder / "images")
    names = ["ship", "storage tank"]
    annotations = [
        {"image_id": 1, "category_id": names.index(name) + 1, "bbox": list(box), **entry}
        for name, *box in (BOXES if boxes is None else boxes)
    ]
    document = {
        "images": [{"id": 1, "file_name": "a.png", "width": 96, "height": 96}],
        "annotations": annotations,
        "categories": [{"id": 1, "name": "ship", "supercategory": "vehicle"}, {"id": 2, "name": "storage tank"}],
    }
    return write_json(folder / "boxes.json", document)


def yolo(folder: Path, text: str | None = None) -> Path:
    """The same picture with a YOLO label."""
    picture(folder / "images")
    names = ["ship", "storage tank"]
    lines = [
        f"{names.index(name)} {(x + w / 2) / 96} {(y + h / 2) / 96} {w / 96} {h / 96}" for name, x, y, w, h in BOXES
    ]
    (folder / "labels").mkdir()
    (folder / "labels" / "a.txt").write_text("\n".join(lines) if text is None else text)
    (folder / "data.yaml").write_text(json.dumps({"names": {"0": "ship", "1": "storage tank"}}))
    return folder


def voc(folder: Path, text: str | None = None) -> Path:
    """The same picture with a Pascal VOC file."""
    picture(folder)
    objects = "".join(
        f"<object><name>{name}</name><bndbox><xmin>{x}</xmin><ymin>{y}</ymin><xmax>{x + w}</xmax>"
        f"<ymax>{y + h}</ymax></bndbox></object>"
        for name, x, y, w, h in BOXES
    )
    size = "<size><width>96</width><height>96</height></size>"
    file = folder / "a.xml"
    file.write_text(text or f"<annotation><filename>a.png</filename>{size}{objects}</annotation>")
    return file


def ship(number: int, **changes: Any) -> dict[str, Any]:
    """One record as OpenSARShip has it."""
    return {
        "file": f"ship{number}.png", "scene": f"S1A_{number // 4}", "ship_class": "Cargo",
        "pol": ("vv", "vh")[number % 2],
        "lat": str(38.5 + number // 2 / 100), "lon": "118.0", "utc": "2015/8/23.22:12:5", "incidence": "37.68",
        "length_m": str(120 + 10 * (number // 2)), "width_m": "20", "elaborated_type": "Bulk Carrier", **changes,
    }  # fmt: skip


def ships(folder: Path, count: int = 8) -> Path:
    """Records with their pictures; two polarisations a ship, two ships a scene."""
    records = [ship(number) for number in range(count)]
    for number in range(count):
        picture(folder, f"ship{number}.png", 32)
    return write_json(folder / "records.json", records)


def mask(kind: str = "pond", side: int = 64) -> Any:
    """(side, side) water 1 and land 0: a pond in the middle, a band down the image, everything, or spots."""
    rows, cols = np.mgrid[:side, :side]
    if kind == "pond":
        return ((rows - side / 2) ** 2 + (cols - side / 2) ** 2 < (side / 5) ** 2).astype(np.int16)
    if kind == "band":
        return (abs(cols - side / 4) < 5).astype(np.int16)
    if kind == "spots":
        return ((rows % 16 < 6) & (cols % 16 < 6)).astype(np.int16)
    return np.ones((side, side), np.int16)


def flood(folder: Path, kinds: tuple[str, ...] = ("pond", "band", "spots", "all")) -> Path:
    """Radar scenes beside each other, each with a mask."""
    for number, kind in enumerate(kinds):
        place = (ORIGIN[0] + 2000.0 * number, ORIGIN[1])
        bands = noise(2, 64, 64, "float32", number)
        write_tiff(folder / "scenes" / f"{kind}_S1.tif", bands, origin=place, descriptions=("VV", "VH"))
        write_tiff(folder / "masks" / f"{kind}_label.tif", mask(kind)[None], origin=place, nodata=-1)
    return folder


def pairs(folder: Path, optical_date: str = "2020-11-04", shift: float = 0.0) -> Path:
    """A radar and an optical scene of one place as STAC items; `shift` moves the optical one (metres)."""
    radar = write_tiff(folder / "r.tif", noise(2, 64, 64, "float32"), descriptions=("VV", "VH"))
    optical = write_tiff(folder / "o.tif", noise(3, 64, 64), origin=(ORIGIN[0] + shift, ORIGIN[1]))
    items = []
    for name, file, when, constellation in (
        ("radar", radar, "2020-11-07", "sentinel-1"),
        ("optical", optical, optical_date, "sentinel-2"),
    ):
        found = footprint(describe(str(file)))
        assert found is not None
        properties = {"datetime": f"{when}T18:00:00Z", "constellation": constellation}
        items.append(stac_item(name, {"data": f"./{file.name}"}, bbox=found.bbox, properties=properties))
    return write_json(folder / "items.json", item_collection(*items))
