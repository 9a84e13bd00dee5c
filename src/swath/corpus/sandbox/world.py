"""`write`: the door of the sandbox. Makes a synthetic world and lays it down as files.

Layout of a sandbox::

    catalog.json                       STAC catalogue, written last
    sandbox.json                       marker and settings (seed, size, ...); "synthetic": true
    s2-l2a/collection.json             12 bands, uint16 reflectance x 10,000, 10 m, no data 0
    s2-l2a/<scene>-<date>-s2.json      STAC item; assets data, landcover (mask), cloud where there are clouds
    s2-l2a/<scene>-<date>-s2.tif
    s1-grd/...                         VV, VH in decibel, float32, 10 m, no data NaN
    rgb/...                            8-bit true colour, JPEG in a COG, 5 m (twice the pixels, same ground)
    landcover/<scene>-<date>.tif       classes of `Cover`, uint8, 5 m, with a colour table
    clouds/<scene>-<date>.tif          opacity in percent, uint8, 10 m
    scenes/<scene>.json                what is known of a scene, written when all its files are there
    pairs.json                         chips with captions and labels

``pairs.json`` holds ``format`` ("swath-sandbox"), ``version``, ``synthetic`` (true), ``settings``, ``labels`` (all
names) and ``chips``, a list of the entries described in `swath.corpus.sandbox.annotate`.
"""

from __future__ import annotations

import fcntl
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import Resampling

from swath.corpus.sandbox import annotate, days, optical, radar, stac
from swath.corpus.sandbox.classes import LABELS
from swath.corpus.sandbox.climates import Region, choose
from swath.corpus.sandbox.days import Day
from swath.corpus.sandbox.rasters import write_cog, write_json
from swath.corpus.sandbox.stac import Grid
from swath.corpus.sandbox.terrain import FINE, PIXEL
from swath.errors import InputError, SourceError
from swath.sensors import sensor

FORMAT = "swath-sandbox"
VERSION = 1

Progress = Callable[[int, int], None]
"""Told how many scenes are done and how many there are."""

_MARKER = "sandbox.json"
_FOLDERS = ("s2-l2a", "s1-grd", "rgb", "landcover", "clouds", "scenes")
_SPACING = 1.4  # distance of the scenes of a region, in scene widths


@dataclass(frozen=True, slots=True)
class SandboxReport:
    """What `write` did.

    Attributes:
        directory: the sandbox.
        regions: number of regions.
        scenes: number of scenes.
        items: number of STAC items (scenes times dates times sensors).
        chips: number of annotated chips; each has a picture of every sensor.
        splits: chips of each split.
        reused: scenes that an earlier run had finished.
        megabytes: size of the sandbox's files of these scenes.
        seconds: time taken.
    """

    directory: str
    regions: int
    scenes: int
    items: int
    chips: int
    splits: dict[str, int]
    reused: int
    megabytes: float
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        return {**asdict(self), "synthetic": True}


def write(
    directory: str | Path,
    *,
    seed: int = 0,
    regions: int | Sequence[str] | None = None,
    scenes_per_region: int = 1,
    dates: int = 3,
    size: int = 512,
    window: int = 128,
    progress: Progress | None = None,
) -> SandboxReport:
    """Write a synthetic world: co-registered Sentinel-2, Sentinel-1 and RGB with a STAC catalogue, masks and captions.

    The same seed gives the same pixels, scene by scene: a sandbox can be resumed after a break, and grown by asking for
    more regions or scenes; finished scenes are kept.

    Args:
        directory: an empty or new folder, or a sandbox with the same settings.
        seed: chooses the world.
        regions: how many regions, or which; by default one of each of the seven climates.
        scenes_per_region: different places in each region.
        dates: visits of each place; the last two lie before and after the region's event (flood, fire, earthquake).
        size: rows and columns of the Sentinel pictures, 10 m each; a multiple of 64.
        window: rows and columns of the annotated chips, in pixels of 10 m.
        progress: told after each scene.

    Returns:
        counts of what was written.

    Raises:
        InputError: an argument is out of range, the folder holds something else, or a sandbox with other settings, or
            another process is writing it.
        RasterError: a file cannot be written.
    """
    started = time.monotonic()
    chosen = choose(regions if regions is None or isinstance(regions, int) else list(regions))
    _check(scenes_per_region, dates, size, window)
    root = Path(directory)
    settings = {"seed": int(seed), "size": size, "dates": dates, "window": window}
    _open(root, settings)
    tasks = [(region, number) for region in chosen for number in range(scenes_per_region)]
    records, reused = [], 0
    with _alone(root):
        for done, (region, number) in enumerate(tasks):
            record = _finished(root, region, number)
            reused += record is not None
            records.append(record or _write_scene(root, region, number, settings))
            if progress is not None:
                progress(done + 1, len(tasks))
        chips = _publish(root, records, settings)
    items = [entry for record in records for kind in stac.SENSORS for entry in record["items"][kind]]
    return SandboxReport(
        directory=str(root),
        regions=len(chosen),
        scenes=len(tasks),
        items=len(items),
        chips=len(chips),
        splits={name: sum(chip["split"] == name for chip in chips) for name in ("train", "val", "test")},
        reused=reused,
        megabytes=round(sum((root / name).stat().st_size for r in records for name in r["files"]) / 1e6, 1),
        seconds=round(time.monotonic() - started, 1),
    )


def place_of(region: Region, number: int, size: int) -> Grid:
    """Where scene `number` of a region lies: the Sentinel grid in the region's UTM zone, on multiples of 60 m."""
    zone = min(int((region.lon + 180) // 6) + 1, 60)
    crs = f"EPSG:{(32700 if region.southern else 32600) + zone}"
    x, y = _from_degrees(crs).transform(region.lon, region.lat)
    extent = size * PIXEL
    column, row = number % 6, number // 6
    left = round((x - extent / 2 + column * extent * _SPACING) / 60) * 60
    top = round((y + extent / 2 - row * extent * _SPACING) / 60) * 60
    return Grid(crs, Affine(PIXEL, 0, left, 0, -PIXEL, top), size)


@lru_cache(maxsize=64)
def _from_degrees(crs: str) -> pyproj.Transformer:
    return pyproj.Transformer.from_crs("EPSG:4326", crs, always_xy=True)


def _check(scenes: int, dates: int, size: int, window: int) -> None:
    if scenes < 1 or scenes > 36:
        raise InputError(f"scenes_per_region is 1 to 36, not {scenes}; take more regions for a larger world")
    if dates < 1 or dates > 12:
        raise InputError(f"dates is 1 to 12, not {dates}")
    if size < 64 or size % 64 or size > 2048:
        raise InputError(f"size is a multiple of 64 from 64 to 2048 pixels, not {size}")
    if window < 16 or window > size:
        raise InputError(f"window is 16 to {size} (the size of the scenes) pixels, not {window}")


def _open(root: Path, settings: dict[str, int]) -> None:
    """Make the folder, or make sure that it is a sandbox with these settings.

    Raises:
        InputError: it is not.
    """
    marker = root / _MARKER
    if root.exists() and not root.is_dir():
        raise InputError(f"{root}: is a file; name a folder for the sandbox")
    if marker.is_file():
        try:
            found = json.loads(marker.read_text(encoding="utf-8"))
            known = found["settings"] if found["format"] == FORMAT and found["version"] == VERSION else None
        except (ValueError, KeyError, TypeError, OSError) as error:
            raise InputError(f"{marker}: not a sandbox's marker ({error}); name an empty folder") from error
        if known != settings:
            raise InputError(f"{root}: holds a sandbox made with {known}, not {settings}; name another folder")
    elif root.is_dir() and any(root.iterdir()):
        raise InputError(f"{root}: is not empty and not a sandbox; name an empty folder")
    for name in _FOLDERS:
        (root / name).mkdir(parents=True, exist_ok=True)
    write_json(marker, {"format": FORMAT, "version": VERSION, "synthetic": True, "settings": settings})


@contextmanager
def _alone(root: Path) -> Iterator[None]:
    """Hold the sandbox for this process: two that write one scene would take each other's unfinished files away.

    Raises:
        InputError: another process is at it.
    """
    with (root / "scenes" / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"{root}: is being written by another process; wait until it has finished") from None
        yield


def _finished(root: Path, region: Region, number: int) -> dict[str, Any] | None:
    """What an earlier run recorded of a scene; None where it did not finish or a file has gone.

    Raises:
        SourceError: the record is damaged.
    """
    path = root / "scenes" / f"{region.name}-{number:03d}.json"
    if not path.is_file():
        return None
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        whole = all((root / name).is_file() for name in record["files"])
    except (ValueError, KeyError, TypeError) as error:
        raise SourceError(f"{path}: damaged ({error}); delete it to make the scene again") from error
    return record if whole else None


def _write_scene(root: Path, region: Region, number: int, settings: dict[str, int]) -> dict[str, Any]:
    """Make one scene on all its dates; its record is written last."""
    seed, size = settings["seed"], settings["size"]
    place = days.settle(seed, region, number, size)
    grid = place_of(region, number, size)
    record: dict[str, Any] = {
        "scene": place.name,
        "items": {kind: [] for kind in stac.SENSORS},
        "chips": [],
        "files": [],
    }
    for visit in days.schedule(seed, region, number, settings["dates"]):
        day = days.see(place, visit)
        pictures = optical.render(day)
        echoes = radar.render(day)
        files = _write_pictures(root, grid, day, pictures, echoes)
        about = _about(day, seed)
        entries = _items(grid, day, about, files, float((pictures.cloud > 0.3).mean()))
        for kind, entry in entries.items():
            write_json(root / kind / f"{entry['id']}.json", entry)
            record["items"][kind].append({key: entry[key] for key in ("id", "bbox")} | {
                "properties": {"datetime": entry["properties"]["datetime"]}
            })  # fmt: skip
            record["files"].append(f"{kind}/{entry['id']}.json")
        record["files"] += list(files.values())
        record["chips"] += [
            annotate.chip(day, grid, area, entries, files, pictures.cloud)
            for area in annotate.windows(size, settings["window"])
        ]
    write_json(root / "scenes" / f"{place.name}.json", record)
    return record


def _write_pictures(
    root: Path, grid: Grid, day: Day, pictures: optical.Optical, echoes: NDArray[np.float32]
) -> dict[str, str]:
    """Write the rasters of a day; relative paths by sensor, ``landcover`` and ``cloud``."""
    stem = annotate.stem(day)
    fine = grid.transform * Affine.scale(FINE / PIXEL)
    names = {kind: f"{kind}/{stem}-{ending}.tif" for kind, ending in stac.SENSORS.items()}
    names["landcover"] = f"landcover/{stem}.tif"
    band_names = {kind: sensor(kind).band_names for kind in stac.SENSORS}
    write_cog(root / names["s2-l2a"], pictures.s2, crs=grid.crs, transform=grid.transform, bands=band_names["s2-l2a"],
              nodata=0)  # fmt: skip
    write_cog(root / names["s1-grd"], echoes, crs=grid.crs, transform=grid.transform, bands=band_names["s1-grd"],
              nodata=float("nan"))  # fmt: skip
    write_cog(root / names["rgb"], pictures.rgb, crs=grid.crs, transform=fine, bands=band_names["rgb"], lossy=True)
    write_cog(root / names["landcover"], day.cover[None], crs=grid.crs, transform=fine, bands=["land cover"], nodata=0,
              resampling=Resampling.nearest, colours=True)  # fmt: skip
    if pictures.cloud.any():
        names["cloud"] = f"clouds/{stem}.tif"
        opacity = np.rint(pictures.cloud * 100).astype(np.uint8)[None]
        write_cog(root / names["cloud"], opacity, crs=grid.crs, transform=grid.transform, bands=["opacity"])
    return names


def _about(day: Day, seed: int) -> dict[str, Any]:
    region = day.place.region
    return {
        "swath:scene": day.place.name,
        "swath:region": region.name,
        "swath:climate": region.climate.name,
        "swath:split": region.split,
        "swath:season": day.season,
        "swath:event": day.event,
        "swath:seed": seed,
    }


def _items(
    grid: Grid, day: Day, about: dict[str, Any], files: dict[str, str], cloud: float
) -> dict[str, dict[str, Any]]:
    """The STAC item of each sensor."""
    entries = {}
    for kind, ending in stac.SENSORS.items():
        assets = {"data": f"./{Path(files[kind]).name}", "landcover": f"../{files['landcover']}"}
        if kind == "s2-l2a" and "cloud" in files:
            assets["cloud"] = f"../{files['cloud']}"
        where = Grid(grid.crs, grid.transform * Affine.scale(FINE / PIXEL), grid.size * 2) if kind == "rgb" else grid
        when = day.visit.radar if kind == "s1-grd" else day.visit.when
        entries[kind] = stac.item(f"{annotate.stem(day)}-{ending}", where, kind, when, about, assets, cloud)
    return entries


def _publish(root: Path, records: list[dict[str, Any]], settings: dict[str, int]) -> list[dict[str, Any]]:
    """Write what names the scenes: pairs, collections, and the catalogue last."""
    chips = [chip for record in records for chip in record["chips"]]
    write_json(root / "pairs.json", {
        "format": FORMAT, "version": VERSION, "synthetic": True, "settings": settings, "labels": list(LABELS),
        "chips": chips,
    })  # fmt: skip
    for kind in stac.SENSORS:
        found = [entry for record in records for entry in record["items"][kind]]
        write_json(root / kind / "collection.json", stac.collection(kind, found, settings))
    write_json(root / "catalog.json", stac.catalog(settings))
    return chips
