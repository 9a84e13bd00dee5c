from __future__ import annotations

import multiprocessing
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest

from generate.rasters import VRT, noise, s1_scene, s2_scene, serve, write_tiff
from swath.chips import Chip
from swath.errors import RasterError
from swath.raster import describe, gdal, read_chip, release, scene_from_file, scene_grid, tile


def test_handles_are_kept_and_bounded(tmp_path):
    release()
    paths = [str(s1_scene(tmp_path / f"{n}.tif", 8)) for n in range(gdal.HANDLES + 5)]
    first = gdal.handle(paths[0])
    assert gdal.handle(paths[0]) is first
    for path in paths[1:]:
        gdal.handle(path)
    assert first.closed
    assert not gdal.handle(paths[-1]).closed
    release()
    assert gdal.handle(paths[-1]) is not first


def test_changed_file_is_opened_again(tmp_path):
    path = s1_scene(tmp_path / "a.tif", 16)
    before = gdal.handle(str(path))
    write_tiff(path, noise(1, 32, 32))
    after = gdal.handle(str(path))
    assert before.closed
    assert after.width == 32


def test_threads_have_handles_of_their_own(tmp_path):
    path = str(s1_scene(tmp_path / "a.tif", 16))
    barrier = Barrier(4)

    def opened(_):
        barrier.wait(timeout=30)
        return id(gdal.handle(path))

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(opened, range(4)))) == 4


def read_in_worker(chip):
    return read_chip(chip).data


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_forked_workers_do_not_share_handles(tmp_path):
    path = s2_scene(tmp_path / "a.tif", 256, tiled=True, blockxsize=32, blockysize=32, compress="deflate")
    scene = scene_from_file(str(path))
    chips = [Chip(scene, window) for window in tile(256, 256, 32)]
    wanted = [read_chip(chip).data for chip in chips[:3]]
    with multiprocessing.get_context("fork").Pool(3) as pool:
        found = pool.map(read_in_worker, chips * 2, chunksize=1)
    for pixels, again in zip(found[:3], found[len(chips) : len(chips) + 3], strict=True):
        np.testing.assert_array_equal(pixels, again)
    for pixels, before in zip(found, wanted, strict=False):
        np.testing.assert_array_equal(pixels, before)
    for pixels, chip in zip(found, chips, strict=False):
        np.testing.assert_array_equal(pixels, read_chip(chip).data)


def test_many_threads_read_the_same_chips_alike(tmp_path):
    paths = [s2_scene(tmp_path / f"{n}.tif", 128, seed=n, tiled=True, blockxsize=32, blockysize=32) for n in range(3)]
    chips = []
    for path in paths:
        scene = scene_from_file(str(path))
        grid = scene_grid(scene)
        chips += [Chip(scene, window) for window in tile(grid.width, grid.height, 40, 20)]
    wanted = [read_chip(chip).data for chip in chips]
    with ThreadPoolExecutor(6) as pool:
        for found, pixels in zip(pool.map(read_chip, chips * 2), wanted * 2, strict=True):
            np.testing.assert_array_equal(found.data, pixels)


def test_remote_files_are_read_by_range(tmp_path):
    path = s2_scene(
        tmp_path / "a.tif", 512, tiled=True, blockxsize=64, blockysize=64, compress="deflate", interleave="pixel"
    )
    with serve(tmp_path) as (url, log):
        scene = scene_from_file(f"{url}/a.tif")
        chip = Chip(scene, next(tile(512, 512, 64)))
        pixels = read_chip(chip)
        release()
    local = read_chip(Chip(scene_from_file(str(path)), chip.window))
    np.testing.assert_array_equal(pixels.data, local.data)
    ranges = [entry.split("bytes=")[1] for entry in log if "bytes=" in entry]
    fetched = sum(int(last) - int(first) + 1 for first, last in (r.split("-") for r in ranges))
    assert ranges
    assert fetched < path.stat().st_size / 2
    assert {entry.split()[1] for entry in log} == {"/a.tif"}, "no sidecar is asked for"


def test_unreachable_url_is_named(tmp_path):
    with serve(tmp_path) as (url, _), pytest.raises(RasterError, match=r"/missing\.tif.*404"):
        describe(f"{url}/missing.tif")


def test_remote_vrt_is_refused_too(tmp_path):
    write_tiff(tmp_path / "secret.tif", noise(1, 64, 64))
    (tmp_path / "a.tif").write_text(VRT.format(target=tmp_path / "secret.tif"))
    with serve(tmp_path) as (url, _), pytest.raises(RasterError, match=r"/a\.tif: .*not recognized"):
        describe(f"{url}/a.tif")


def test_block_cache_is_bounded(tmp_path):
    code = (
        "import sys; from swath.raster import describe; describe(sys.argv[1]);"
        "from rasterio._env import get_gdal_config; print(get_gdal_config('GDAL_CACHEMAX'))"
    )
    path = s1_scene(tmp_path / "a.tif", 8)
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert int(done.stdout) == gdal.CACHE_BYTES


def test_requests_are_unsigned_only_without_a_login(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in gdal._AWS_SIGNS:
        monkeypatch.delenv(name, raising=False)
    assert gdal.settings("s3://bucket/a.tif")["AWS_NO_SIGN_REQUEST"] == "YES"
    monkeypatch.setenv("AWS_PROFILE", "mine")
    assert "AWS_NO_SIGN_REQUEST" not in gdal.settings("s3://bucket/a.tif")
    assert "GDAL_HTTP_TIMEOUT" not in gdal.settings("/data/a.tif")
