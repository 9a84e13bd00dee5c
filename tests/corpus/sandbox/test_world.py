from __future__ import annotations

import fcntl
import hashlib
import json

import numpy as np
import pystac
import pytest
import rasterio
from rasterio.windows import Window as RasterWindow

from swath.corpus import sandbox
from swath.corpus.sandbox import world as door
from swath.corpus.sandbox.classes import LABELS, LOOKS
from swath.corpus.sandbox.climates import REGIONS
from swath.data import read_dataset
from swath.errors import InputError, RasterError, SourceError
from swath.raster import read_chip
from swath.sensors import sensor
from swath.sources import cut, open_source

TINY = {"seed": 3, "dates": 1, "size": 64, "window": 64}


def digest(root):
    found = {}
    for path in sorted(root.rglob("*.tif")):
        with rasterio.open(path) as file:
            found[path.name] = hashlib.sha256(file.read().tobytes()).hexdigest()
    return found


def assert_cloud_optimized(file):
    """Directories first, then the overviews' tiles, then the full tiles: one range request opens the file."""

    def first_tile(band, **level):
        return int(file.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", band, **level))

    levels = range(len(file.overviews(1)))
    directories = [int(file.get_tag_item("IFD_OFFSET", "TIFF", 1))]
    directories += [int(file.get_tag_item("IFD_OFFSET", "TIFF", 1, ovr=level)) for level in levels]
    full = min(first_tile(band) for band in file.indexes)
    tiles = [first_tile(band, ovr=level) for level in levels for band in file.indexes]
    assert directories == sorted(directories)
    assert directories[0] < 512
    assert directories[-1] < min([full, *tiles])
    assert all(tile < full for tile in tiles)


@pytest.fixture(scope="module")
def pairs(world):
    return json.loads((world / "pairs.json").read_text())


def test_the_catalogue_validates_and_is_marked_synthetic(world):
    catalog = pystac.Catalog.from_file(str(world / "catalog.json"))
    assert catalog.validate_all() == 12
    assert "synthetic" in catalog.title.lower()
    for collection in catalog.get_children():
        assert "synthetic" in collection.title.lower()
    items = list(catalog.get_items(recursive=True))
    assert len(items) == 12
    for item in items:
        assert item.properties["swath:synthetic"] is True
        assert "synthetic" in item.properties["title"].lower()
        for asset in item.get_assets().values():
            with rasterio.open(asset.get_absolute_href()) as file:
                assert file.tags()["SYNTHETIC"] == "YES"


def test_every_source_file_is_a_cog_with_bands_and_crs(world):
    for kind, bands, dtype in (("s2-l2a", 12, "uint16"), ("s1-grd", 2, "float32"), ("rgb", 3, "uint8")):
        paths = sorted((world / kind).glob("*.tif"))
        assert len(paths) == 4
        for path in paths:
            with rasterio.open(path) as file:
                assert file.count == bands
                assert set(file.dtypes) == {dtype}
                assert file.descriptions == sensor(kind).band_names
                assert file.crs.is_projected
                assert set(file.block_shapes) == {(256, 256)}
                assert_cloud_optimized(file)
                assert file.res == ((5.0, 5.0) if kind == "rgb" else (10.0, 10.0))


def test_overviews_come_with_scenes_above_two_tiles(tmp_path):
    from affine import Affine

    from swath.corpus.sandbox.rasters import write_cog

    path = tmp_path / "big.tif"
    pixels = np.arange(600 * 600, dtype=np.uint16).reshape(1, 600, 600)
    write_cog(path, pixels, crs="EPSG:32630", transform=Affine(10, 0, 5e5, 0, -10, 5e6), bands=["B"], nodata=0)
    with rasterio.open(path) as file:
        assert file.overviews(1) == [2]
        assert_cloud_optimized(file)
        assert np.array_equal(file.read(), pixels)
    assert [p.name for p in tmp_path.iterdir()] == ["big.tif"]


def test_an_unwritable_raster_is_told_and_leaves_no_part(tmp_path):
    from affine import Affine

    from swath.corpus.sandbox.rasters import write_cog

    with pytest.raises(RasterError, match="disk"):
        write_cog(tmp_path / "no" / "x.tif", np.ones((1, 64, 64), np.uint8), crs="EPSG:32630",
                  transform=Affine.identity(), bands=["B"])  # fmt: skip
    assert list(tmp_path.iterdir()) == []


def test_the_source_reader_takes_every_scene(world):
    source = open_source(world)
    scenes = list(source.scenes())
    assert source.failures == []
    assert sorted(scene.sensor for scene in scenes) == ["rgb"] * 4 + ["s1-grd"] * 4 + ["s2-l2a"] * 4
    assert all(scene.datetime is not None for scene in scenes)
    crossing = [scene for scene in scenes if scene.footprint.crosses_antimeridian]
    assert {scene.id.split("-0")[0] for scene in crossing} == {"tropical-island"}
    west, _, east, _ = crossing[0].footprint.bbox
    assert west > 179.9
    assert east < -179.9
    chips = list(cut(source, 64, 64))
    assert read_chip(chips[0]).valid_share == 1.0


def test_the_data_reader_takes_every_pair(world, pairs):
    data = read_dataset(world)
    assert len(data.pairs) == 3 * len(pairs["chips"])
    radar = read_dataset(world, sensor="s1")
    assert {pair.chip.sensor.name for pair in radar.pairs} == {"s1-grd"}
    assert all(len(pair.captions) == 5 and pair.long_captions for pair in radar.pairs)


def test_chips_name_their_ground(world, pairs):
    assert pairs["format"] == "swath-sandbox"
    assert pairs["synthetic"] is True
    assert pairs["labels"] == list(LABELS)
    assert len(pairs["chips"]) == 2 * 2 * 4
    assert len({chip["id"] for chip in pairs["chips"]}) == 16
    for chip in pairs["chips"]:
        region = REGIONS[chip["region"]]
        assert chip["split"] == region.split
        assert abs((chip["lon"] - region.lon + 180) % 360 - 180) < 0.1
        assert abs(chip["lat"] - region.lat) < 0.1
        assert list(chip["shares"]) == chip["labels"]
        corners = set()
        for kind, image in chip["images"].items():
            with rasterio.open(world / image["href"]) as file:
                bounds = file.window_bounds(RasterWindow(*image["window"]))
                corners.add(tuple(round(value, 3) for value in bounds))
                assert image["window"][2] == (128 if kind == "rgb" else 64)
        assert len(corners) == 1


def test_masks_agree_with_the_labels(world, pairs):
    chip = pairs["chips"][0]
    image = chip["images"]["rgb"]
    stem = chip["id"].rsplit("-", 1)[0]
    with rasterio.open(world / "landcover" / f"{stem}.tif") as file:
        mask = file.read(1, window=RasterWindow(*image["window"]))
        colours = file.colormap(1)
    for label, share in chip["shares"].items():
        assert abs(np.isin(mask, [int(kind) for kind in LABELS[label]]).mean() - share) < 1e-3
    assert colours[int(mask[0, 0])][:3] == LOOKS[int(mask[0, 0])].colour


def test_the_same_seed_gives_the_same_pixels_and_another_seed_others(world, tmp_path):
    again = sandbox.write(
        tmp_path / "again", seed=3, regions=["boreal-lakes", "tropical-island"], dates=2, size=128, window=64
    )
    assert digest(tmp_path / "again") == digest(world)
    for name in ("pairs.json", "catalog.json"):
        assert (tmp_path / "again" / name).read_bytes() == (world / name).read_bytes()
    assert again.chips == 16
    one = sandbox.write(tmp_path / "a", **TINY, regions=["desert-river"])
    other = sandbox.write(tmp_path / "b", **{**TINY, "seed": 4}, regions=["desert-river"])
    assert one.chips == other.chips == 1
    assert not set(digest(tmp_path / "a").values()) & set(digest(tmp_path / "b").values())


def test_a_sandbox_grows_and_keeps_what_it_has(tmp_path):
    root = tmp_path / "world"
    sandbox.write(root, **TINY, regions=["desert-river"])
    old = digest(root)
    told: list[tuple[int, int]] = []
    report = sandbox.write(
        root, **TINY, regions=["desert-river", "alpine-valley"], scenes_per_region=2,
        progress=lambda done, total: told.append((done, total)),
    )  # fmt: skip
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert (report.reused, report.scenes, report.items) == (1, 4, 12)
    assert old.items() <= digest(root).items()
    footprints = [scene.footprint.geometry for scene in open_source(root).scenes() if scene.sensor == "s2-l2a"]
    assert not any(a.intersects(b) for i, a in enumerate(footprints) for b in footprints[:i])
    assert report.to_dict()["synthetic"] is True
    assert report.splits == {"train": 4, "val": 0, "test": 0}


def test_a_killed_run_names_no_missing_file_and_is_resumed(tmp_path, monkeypatch):
    root = tmp_path / "world"
    sandbox.write(root, **TINY, regions=["desert-river"])
    real, calls = door.write_cog, []

    def failing(path, *args, **kwargs):
        calls.append(path)
        if len(calls) == 3:
            raise KeyboardInterrupt
        real(path, *args, **kwargs)

    monkeypatch.setattr(door, "write_cog", failing)
    with pytest.raises(KeyboardInterrupt):
        sandbox.write(root, **TINY, regions=["desert-river", "boreal-lakes"])
    monkeypatch.undo()
    catalog = pystac.Catalog.from_file(str(root / "catalog.json"))
    items = list(catalog.get_items(recursive=True))
    assert len(items) == 3
    source = open_source(root)
    assert len(list(source.scenes())) == 3
    assert source.failures == []
    report = sandbox.write(root, **TINY, regions=["desert-river", "boreal-lakes"])
    assert (report.reused, report.items) == (1, 6)
    assert not list(root.rglob("*.part"))


def test_a_scene_whose_file_has_gone_is_made_again(tmp_path):
    root = tmp_path / "world"
    sandbox.write(root, **TINY, regions=["desert-river"])
    old = digest(root)
    next((root / "s1-grd").glob("*.tif")).unlink()
    assert sandbox.write(root, **TINY, regions=["desert-river"]).reused == 0
    assert digest(root) == old


@pytest.mark.parametrize(
    ("change", "words"),
    [({"size": 100}, "multiple of 64"), ({"size": 0}, "size"), ({"window": 200}, "window"), ({"dates": 0}, "dates"),
     ({"scenes_per_region": 0}, "scenes_per_region"), ({"regions": 99}, "regions"), ({"regions": ["x"]}, "unknown")],
)  # fmt: skip
def test_impossible_worlds_are_refused(tmp_path, change, words):
    with pytest.raises(InputError, match=words):
        sandbox.write(tmp_path / "w", **{**TINY, **change})
    assert not (tmp_path / "w").exists()


def test_other_folders_and_other_settings_are_refused(tmp_path, world):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(InputError, match="not empty and not a sandbox"):
        sandbox.write(tmp_path, **TINY)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(InputError, match="made with"):
        sandbox.write(world, seed=99)
    with pytest.raises(InputError, match="is a file"):
        sandbox.write(tmp_path / "mine.txt")
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "sandbox.json").write_text("{")
    with pytest.raises(InputError, match="marker"):
        sandbox.write(tmp_path / "bad")


def test_two_runs_at_once_are_refused(tmp_path):
    options = {"seed": 5, "regions": ["tropical-island"], "dates": 1, "size": 64, "window": 64}
    sandbox.write(tmp_path, **options)
    with (tmp_path / "scenes" / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="being written by another process"):
            sandbox.write(tmp_path, **options)
    assert sandbox.write(tmp_path, **options).reused == 1


def test_a_damaged_record_is_named(tmp_path):
    root = tmp_path / "world"
    sandbox.write(root, **TINY, regions=["desert-river"])
    (root / "scenes" / "desert-river-000.json").write_text("{")
    with pytest.raises(SourceError, match=r"desert-river-000\.json"):
        sandbox.write(root, **TINY, regions=["desert-river"])


def test_scenes_lie_on_the_sentinel_grid_in_their_zone():
    for region in REGIONS.values():
        for number in (0, 7):
            grid = door.place_of(region, number, 256)
            assert grid.transform.c % 60 == 0
            assert grid.transform.f % 60 == 0
            assert grid.crs.startswith("EPSG:327" if region.southern else "EPSG:326")
            assert abs(grid.footprint().centre[1] - region.lat) < 0.2
