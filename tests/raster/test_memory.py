"""A whole Sentinel-2 tile is read chip by chip within bounded memory."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import rasterio
from rasterio.transform import from_origin
from rasterio.windows import Window

from generate.rasters import ORIGIN, S2_BANDS, UTM

SIDE = 10_980

READ = r"""
import json, re, sys
from concurrent.futures import ThreadPoolExecutor
from swath.errors import EmptyChipError
from swath.raster import quicklook, read_chip
from swath.sources import cut, open_source

def shape_of(chip):
    try:
        return read_chip(chip).data.shape
    except EmptyChipError:  # zeros are no data
        return None

every = int(sys.argv[2])
source = open_source(sys.argv[1])
chips = list(cut(source, 256, 256))
bands, total = set(), 0
with ThreadPoolExecutor(2) as pool:
    for start in range(0, len(chips), 64):
        for shape in pool.map(shape_of, chips[start : start + 64][::every]):
            bands.update({shape} - {None})
            total += 1
quicklook(chips[0].scene, 512)
# Not ru_maxrss: it begins with what the parent process held.
peak = 1024 * int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1])
found = {"chips": len(chips), "read": total, "shapes": sorted(bands), "failures": len(source.failures)}
print(json.dumps({**found, "peak": peak}))
"""


def write_tile(path, **profile):
    """A 12-band uint16 tile of 10,980 px: one block in 22 is stored, GDAL makes the others of zeros."""
    settings = {
        "driver": "GTiff", "width": SIDE, "height": SIDE, "count": 12, "dtype": "uint16", "crs": UTM,
        "transform": from_origin(*ORIGIN, 10, 10), "tiled": True, "blockxsize": 512, "blockysize": 512,
        "compress": "deflate", "zlevel": 1, "sparse_ok": True, **profile,
    }  # fmt: skip
    with rasterio.open(path, "w", **settings) as dataset:
        for place, name in enumerate(S2_BANDS, start=1):
            dataset.set_band_description(place, name)
        for row in range(0, SIDE, 512):
            side = min(512, SIDE - row)
            values = np.arange(1, 13, dtype=np.uint16)[:, None, None] * 200 + np.uint16(row // 512 + 1)
            block = np.ascontiguousarray(np.broadcast_to(values, (12, side, side)))
            dataset.write(block, window=Window(row, row, side, side))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("interleave", ["pixel", "band"])
def test_sentinel_2_tile_stays_under_one_gibibyte(tmp_path, interleave):
    path = write_tile(tmp_path / "tile.tif", interleave=interleave)
    done = subprocess.run(
        [sys.executable, "-c", READ, str(path), "1"], capture_output=True, text=True, check=True, timeout=1000
    )
    found = json.loads(done.stdout)
    assert found["chips"] == found["read"] == 43 * 43
    assert found["shapes"] == [[12, 256, 256]]
    assert found["failures"] == 0
    # All 12 bands of the tile are 2.9 GB.
    assert found["peak"] < 2**30
    print(f"peak {found['peak'] / 2**20:.0f} MiB")


def test_scene_is_never_read_whole(tmp_path):
    # 64 times the pixels must not cost 64 times the memory: the peak is the process, the block cache and a chip.
    path = tmp_path / "wide.tif"
    settings = {
        "driver": "GTiff", "width": 8192, "height": 8192, "count": 12, "dtype": "uint16", "nodata": 0, "crs": UTM,
        "transform": from_origin(*ORIGIN, 10, 10), "tiled": True, "blockxsize": 512, "blockysize": 512,
        "compress": "deflate", "sparse_ok": True, "interleave": "pixel",
    }  # fmt: skip
    with rasterio.open(path, "w", **settings) as dataset:
        dataset.write(np.ones((12, 512, 512), dtype=np.uint16), window=Window(0, 0, 512, 512))
    code = """
import re, sys
from swath.errors import EmptyChipError
from swath.raster import read_chip
from swath.sources import cut, open_source

def peak():
    return 1024 * int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])

before = peak()
kept = empty = 0
for chip in list(cut(open_source(sys.argv[1]), 256))[:96]:
    try:
        kept += read_chip(chip).valid.all()
    except EmptyChipError:
        empty += 1
print(kept, empty, peak() - before)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True, timeout=200
    )
    kept, empty, growth = map(int, done.stdout.split())
    assert (kept, empty) == (4, 92)
    # The whole scene is 1.6 GB; reading may add the block cache (320 MiB) and working memory.
    assert growth < 600 * 2**20
