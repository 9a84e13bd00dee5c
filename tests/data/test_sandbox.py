from __future__ import annotations

import json
from datetime import UTC, datetime

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin

from swath.corpus import sandbox
from swath.data import read_dataset
from swath.data.audit.duplicates import find_duplicates
from swath.data.audit.scan import Scan, image_rows
from swath.data.merge import merge
from swath.data.parquet import write_parquet
from swath.data.webdataset import write_shards
from swath.errors import DataError, SensorError
from swath.raster import read_chip


def raster(path, bands, dtype, scale):
    """Two scenes' worth of numbers with a georeference; value = band * 1000 + row * 8 + col (of the coarse grid)."""
    side = 16 * scale
    grid = np.arange(side)[:, None] // scale * 16 + np.arange(side)[None] // scale
    data = (np.arange(bands)[:, None, None] * 300 + grid[None] + 1).astype(dtype)
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(
        path, "w", driver="GTiff", width=side, height=side, count=bands, dtype=dtype, crs="EPSG:32630",
        transform=from_origin(500_000, 5_400_000, 10 / scale, 10 / scale),
    ) as file:  # fmt: skip
        file.write(data)


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "world"
    raster(root / "s2-l2a" / "a-s2.tif", 12, "uint16", 1)
    raster(root / "rgb" / "a-rgb.tif", 3, "uint8", 2)
    chips = [
        {
            "id": f"a-r00c{col:02d}",
            "scene": "a",
            "region": "north",
            "climate": "boreal",
            "split": split,
            "datetime": "2023-01-04T10:00:00Z",
            "lon": -3.0,
            "lat": 48.7,
            "labels": ["Trees", "Water"],
            "shares": {"Trees": 0.6, "Water": 0.4},
            "captions": [f"trees {col} .", "a lake ."],
            "long_caption": "Trees stand around a lake.",
            "event": "flood",
            "cloud": 0.1,
            "images": {
                "s2-l2a": {"href": "s2-l2a/a-s2.tif", "window": [8 * col, 4, 8, 8], "datetime": "2023-01-04T10:00:00Z"},
                "rgb": {"href": "rgb/a-rgb.tif", "window": [16 * col, 8, 16, 16]},
            },
        }
        for col, split in ((0, "train"), (1, "test"))
    ]
    document = {"format": "swath-sandbox", "version": 1, "synthetic": True, "chips": chips}
    (root / "pairs.json").write_text(json.dumps(document))
    return root


def change(folder, edit):
    document = json.loads((folder / "pairs.json").read_text())
    edit(document)
    (folder / "pairs.json").write_text(json.dumps(document))
    return folder


def test_a_pair_for_each_sensor(folder):
    data = read_dataset(folder)
    assert data.name == "world"
    assert [pair.name for pair in data] == [f"a-r00c{col:02d}/{kind}" for col in (0, 1) for kind in ("s2-l2a", "rgb")]
    assert data.splits == {"train": 2, "test": 2}
    assert [pair.group for pair in data] == [f"world/a-r00c{col:02d}" for col in (0, 0, 1, 1)]
    first = data[0]
    assert first.captions == ("trees 0 .", "a lake .")
    assert first.long_captions == ("Trees stand around a lake.",)
    assert first.labels == ("Trees", "Water")
    assert first.location == (-3.0, 48.7)
    assert first.chip.scene.datetime == datetime(2023, 1, 4, 10, tzinfo=UTC)
    assert first.provenance["event"] == "flood"
    assert first.provenance["synthetic"] is True
    assert len({pair.chip.id for pair in data}) == 4


def test_pixels_and_place_are_the_windows(folder):
    pairs = {pair.name: pair.chip for pair in read_dataset(folder)}
    s2 = read_chip(pairs["a-r00c01/s2-l2a"])
    assert s2.data.shape == (12, 8, 8)
    assert s2.data[0, 0, 0] == 4 * 16 + 8 + 1
    assert s2.sensor.name == "s2-l2a"
    rgb = read_chip(pairs["a-r00c01/rgb"])
    assert rgb.data.shape == (3, 16, 16)
    assert rgb.data[0, 0, 0] == 4 * 16 + 8 + 1
    boxes = [pairs[f"a-r00c01/{kind}"].footprint.bbox for kind in ("s2-l2a", "rgb")]
    assert boxes[0] == pytest.approx(boxes[1], abs=1e-9)


def test_one_sensor_or_family(folder):
    for name in ("s2", "s2-l2a"):
        assert [pair.chip.scene.sensor for pair in read_dataset(folder, sensor=name)] == ["s2-l2a"] * 2
    with pytest.raises(DataError, match="no image of sensor 's1'; it has rgb, s2-l2a"):
        read_dataset(folder, sensor="s1")
    with pytest.raises(SensorError):
        read_dataset(folder, sensor="webcam")


def test_missing_and_small_rasters_are_recorded(folder):
    (folder / "rgb" / "a-rgb.tif").unlink()
    change(folder, lambda document: document["chips"][1]["images"]["s2-l2a"].update(window=[12, 4, 8, 8]))
    data = read_dataset(folder)
    assert [pair.name for pair in data] == ["a-r00c00/s2-l2a"]
    assert [failure.kind for failure in data.failures] == ["missing image", "unreadable image", "missing image"]
    assert "reaches outside the raster of 16 x 16" in data.failures[1].message


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda document: document.update(format="other"), 'needs "format": "swath-sandbox"'),
        (lambda document: document.update(version=99), '"version": 1'),
        (lambda document: document.update(chips=[]), 'no list "chips"'),
        (lambda document: document["chips"][1].pop("id"), r'chips\[1\] has no "id"'),
        (lambda document: document["chips"][1].pop("images"), r'chips\[1\] \(a-r00c01\) has no "images"'),
        (lambda document: document["chips"][0].update(captions="x"), '"captions" must be a list of texts'),
        (lambda document: document["chips"][0].update(lon=500), "not .lon, lat. in degrees"),
        (lambda document: document["chips"][0]["images"]["rgb"].pop("href"), 'has no "href"'),
        (lambda document: document["chips"][0]["images"]["rgb"].update(href="../x.tif"), "outside the image folder"),
        (lambda document: document["chips"][0]["images"]["rgb"].update(window=[0, 0, 8]), "window must be"),
        (lambda document: document["chips"][0]["images"]["rgb"].update(window=[0, 0, 0, 8]), "window must be"),
        (lambda document: document["chips"][0]["images"]["rgb"].update(datetime="soon"), "is not ISO 8601"),
        (lambda document: document["chips"][1].update(id="a-r00c00"), "is listed twice"),
    ],
)
def test_broken_files(folder, edit, message):
    with pytest.raises(DataError, match=message):
        read_dataset(change(folder, edit))


def test_unknown_sensor_in_the_file(folder):
    def rename(document):
        images = document["chips"][0]["images"]
        images["webcam"] = images.pop("rgb")

    with pytest.raises(SensorError, match="unknown sensor 'webcam'"):
        read_dataset(change(folder, rename))


def test_windows_are_not_copied_as_files(folder, tmp_path):
    data = read_dataset(folder, sensor="rgb")
    for write in (
        lambda: merge([data], tmp_path / "out"),
        lambda: write_shards(data, tmp_path / "shards"),
        lambda: write_parquet(data, tmp_path / "p.parquet", embed_images=True),
    ):
        with pytest.raises(DataError, match="not a single image file"):
            write()


def test_sensors_of_one_place_are_no_duplicates(folder):
    rows = image_rows([read_dataset(folder)])
    same_hash = np.zeros((4, 8), dtype=np.uint64)
    groups = find_duplicates(Scan(tuple(rows), same_hash, ()))
    assert [[member.row.image for member in group.members] for group in groups] == [
        ["a-r00c00/s2-l2a", "a-r00c01/s2-l2a"],
        ["a-r00c00/rgb", "a-r00c01/rgb"],
    ]


def test_reads_what_the_sandbox_writes(tmp_path):
    report = sandbox.write(tmp_path / "box", regions=1, dates=1, size=128, window=64)
    data = read_dataset(tmp_path / "box")
    assert len(data) == 3 * report.chips
    assert data.failures == ()
    for kind, shape in (("s2", (12, 64, 64)), ("s1", (2, 64, 64)), ("rgb", (3, 128, 128))):
        own = read_dataset(tmp_path / "box", sensor=kind)
        assert len(own) == report.chips
        assert read_chip(own[0].chip).data.shape == shape
        assert all(len(pair.captions) == 5 and pair.labels for pair in own)
