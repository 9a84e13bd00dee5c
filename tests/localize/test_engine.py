from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
import torch

from generate.models import tiny_model
from generate.rasters import s1_scene, s2_scene, write_image
from localize.scenes import ColourEncoder, patched
from swath.chips import Chip, Window
from swath.errors import EmptyChipError, InputError, ModelError, RasterError
from swath.localize import engine, localize
from swath.localize.windows import place_windows
from swath.raster import read_chip, scene_from_file


def plain(scene, texts, encoder, scales):
    """The published procedure word for word: one window at a time, one text at a time, one pixel at a time."""
    height, width = (scene_info.height, scene_info.width) if (scene_info := rasterio.open(scene.href)) else (0, 0)
    maps = []
    for text in texts:
        query = encoder.encode_texts([text]).pooled[0]
        total, count = np.zeros((height, width)), np.zeros((height, width))
        for top, left, bottom, right in place_windows(height, width, scales):
            window = Window(int(left), int(top), int(right - left), int(bottom - top))
            batch = encoder.prepare(read_chip(Chip(scene, window)))[None]
            score = float(encoder.encode_images(batch, scene.sensor).pooled[0] @ query)
            total[top:bottom, left:right] += score
            count[top:bottom, left:right] += 1
        maps.append(total / count)
    return np.stack(maps)


def test_maps_equal_the_published_procedure(tmp_path: Path) -> None:
    scene = patched(tmp_path / "scene.tif")
    encoder = ColourEncoder()
    heat = localize(scene, ["red", "green"], encoder, scales=(48, 100), pixel=1)
    wanted = plain(scene, ["red", "green"], ColourEncoder(), (48, 100))
    np.testing.assert_allclose(np.stack([heat.array(0), heat.array(1)]), wanted, atol=1e-6)
    assert heat.windows == sum(encoder.batches) == len(place_windows(192, 256, (48, 100)))


def test_maps_of_a_real_architecture_equal_it_too(tmp_path: Path) -> None:
    scene = scene_from_file(str(s2_scene(tmp_path / "s2.tif", 128)))
    model = tiny_model()
    texts = ["a harbour", "fields beside a river"]
    heat = localize(scene, texts, model, scales=(40, 64), pixel=1, batch_size=7)
    np.testing.assert_allclose(
        np.stack([heat.array(0), heat.array(1)]), plain(scene, texts, model, (40, 64)), atol=1e-5
    )


def test_blocks_of_any_size_give_the_same_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = patched(tmp_path / "scene.tif", patch=(10, 20, 60, 90))
    whole = localize(scene, "red", ColourEncoder(), scales=(32, 64), pixel=1).array()
    monkeypatch.setattr(engine, "BLOCK_BYTES", 1)
    seen = []
    small = localize(scene, "red", ColourEncoder(), scales=(32, 64), pixel=1, progress=lambda *at: seen.append(at))
    np.testing.assert_array_equal(whole, small.array())
    assert len(seen) > 4
    assert seen[-1][0] == seen[-1][1] == small.windows


@pytest.mark.parametrize("by", ["windows", "tokens"])
def test_the_peak_lies_on_the_patch_and_knows_its_place_on_earth(tmp_path: Path, by: str) -> None:
    scene = patched(tmp_path / "scene.tif")
    heat = localize(scene, ["red"], ColourEncoder(), scales=(32, 64), by=by)
    first = heat.peaks()[0]
    assert 160 <= first.x <= 224
    assert 64 <= first.y <= 128
    feature = heat.to_geojson()["features"][0]
    outline, point = shapely.geometry.shape(feature["geometry"]), shapely.Point(feature["properties"]["point"])
    assert outline.is_valid
    assert outline.contains(point)
    assert scene.footprint.geometry.contains(outline)
    assert feature["properties"]["score"] == pytest.approx(first.value)
    json.dumps(feature)


def test_tokens_need_no_shifted_windows_and_give_a_finer_map(tmp_path: Path) -> None:
    scene = patched(tmp_path / "scene.tif")
    heat = localize(scene, "red", ColourEncoder(), scales=(64,), by="tokens", pixel=1)
    assert heat.windows == 12
    wanted = np.full((192, 256), heat.array().min())
    wanted[64:128, 160:224] = heat.array().max()
    np.testing.assert_array_equal(heat.array(), wanted)


def test_a_model_without_a_grid_of_tokens_says_so(tmp_path: Path) -> None:
    class Pooled(ColourEncoder):
        def prepare(self, pixels):
            return super().prepare(pixels)[:, :3, :1]

    with pytest.raises(ModelError, match="no square grid; use windows"):
        localize(patched(tmp_path / "scene.tif"), "red", Pooled(), by="tokens")


def test_a_scene_smaller_than_the_window_is_looked_at_as_a_whole(tmp_path: Path) -> None:
    scene = patched(tmp_path / "small.tif", height=20, width=50, patch=(0, 30, 20, 50))
    heat = localize(scene, "red", ColourEncoder(), scales=(256, 512), pixel=1)
    assert heat.scales == (20,)
    assert heat.array().shape == (20, 50)
    assert heat.array()[:, 45].mean() > 0.9 > heat.array()[:, 5].mean()


def test_no_data_stays_unknown_and_says_how_much(tmp_path: Path) -> None:
    scene = patched(tmp_path / "scene.tif", patch=(0, 0, 32, 32), nodata=1)
    data = rasterio.open(scene.href).read()
    data[:, :, 128:] = 1
    data[:, 100:104, 60:64] = 1
    with rasterio.open(scene.href, "r+") as file:
        file.write(data)
    heat = localize(scene_from_file(scene.href, sensor="rgb"), "red", ColourEncoder(), scales=(32, 64), pixel=4)
    values = heat.array()
    assert np.isnan(values[:, 32:]).all()
    assert np.isnan(values[25, 15])
    assert np.isfinite(values[:, :32]).sum() == 48 * 32 - 1
    assert heat.empty > 0
    assert all(peak.x < 128 for peak in heat.peaks())


def test_nan_in_radar_stays_unknown(tmp_path: Path) -> None:
    scene = scene_from_file(str(s1_scene(tmp_path / "s1.tif", 64)))
    with rasterio.open(scene.href, "r+") as file:
        data = file.read()
        data[:, :20] = np.nan
        file.write(data)
    heat = localize(scene_from_file(scene.href), "red", ColourEncoder(), scales=(16,), pixel=1)
    assert np.isnan(heat.array()[:20]).all()
    assert np.isfinite(heat.array()[20:]).all()


def test_a_scene_without_any_data_is_refused(tmp_path: Path) -> None:
    scene = scene_from_file(str(s2_scene(tmp_path / "s2.tif", 64)))
    with rasterio.open(scene.href, "r+") as file:
        file.write(np.zeros((12, 64, 64), dtype=np.uint16))
    with pytest.raises(EmptyChipError, match="valid pixels"):
        localize(scene, "red", ColourEncoder())


@pytest.mark.parametrize("texts", ["", "   ", [], ["red", ""], ["red", None]])
def test_empty_texts_are_refused(tmp_path: Path, texts) -> None:
    with pytest.raises(InputError, match="look for"):
        localize(patched(tmp_path / "scene.tif"), texts, ColourEncoder())


def test_settings_out_of_range_are_refused(tmp_path: Path) -> None:
    scene = patched(tmp_path / "scene.tif")
    with pytest.raises(InputError, match="pixel, batch size and workers"):
        localize(scene, "red", ColourEncoder(), pixel=0)
    with pytest.raises(InputError, match="reaches outside"):
        localize(scene, "red", ColourEncoder(), window=Window(200, 0, 100, 10))


def test_a_part_of_a_scene_is_a_map_of_its_own(tmp_path: Path) -> None:
    scene = patched(tmp_path / "scene.tif")
    part = localize(scene, "red", ColourEncoder(), window=Window(128, 32, 128, 128), scales=(32,), pixel=1)
    peak = part.peaks()[0]
    assert 160 <= peak.x <= 224
    assert 64 <= peak.y <= 128
    path = part.save(tmp_path / "part.tif")
    with rasterio.open(path) as file, rasterio.open(scene.href) as whole:
        assert file.bounds == pytest.approx((*whole.xy(159.5, 127.5), *whole.xy(31.5, 255.5)))


def test_files_that_vanish_name_themselves(tmp_path: Path) -> None:
    scene = patched(tmp_path / "scene.tif")
    Path(scene.href).unlink()
    with pytest.raises(RasterError, match=r"scene\.tif"):
        localize(scene, "red", ColourEncoder())


def test_images_without_georeference_have_maps_and_no_place(tmp_path: Path) -> None:
    scene = scene_from_file(str(write_image(tmp_path / "photo.png", 96, 64)))
    heat = localize(scene, "red", ColourEncoder(), scales=(16, 32))
    features = heat.to_geojson()["features"]
    assert features
    assert all(feature["geometry"] is None and feature["properties"]["point"] is None for feature in features)
    with rasterio.open(heat.save(tmp_path / "heat.tif")) as file:
        assert file.crs is None
        assert file.shape == heat.shape


def test_weights_stay_as_they_were(tmp_path: Path) -> None:
    model = tiny_model()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    localize(patched(tmp_path / "scene.tif"), "red", model)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
