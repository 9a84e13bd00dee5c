from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
import yaml

from generate.models import VIT, tiny_config, tiny_model
from swath.bands import S2_L1C_BANDS, S2_L2A_BANDS
from swath.chips import Pixels
from swath.errors import CheckpointError
from swath.models import ModelConfig
from swath.models.config import split_key
from swath.models.hub import packaged
from swath.models.preprocess import standardise
from swath.raster import read_chip
from swath.sensors import sensor
from swath.sources import cut, open_source

S2 = VIT | {"bands": 13, "band_names": S2_L1C_BANDS, "mean": [0.0] * 13, "std": [1e4] * 13, "units": "reflectance1e4"}
S1 = VIT | {"bands": 2, "band_names": ["VV", "VH"], "mean": [0.0] * 2, "std": [1.0] * 2, "units": "db"}
ROUTES = {
    "s1-grd": {"tower": "s1", "input": "bands", "statistics": "tower", "nodata": 1e-6},
    "s1-grd-linear": {"tower": "s1", "input": "bands", "statistics": "tower"},
    "s2-l1c": {"tower": "s2", "input": "bands", "statistics": "tower"},
    "s2-l2a": {"tower": "s2", "input": "bands", "statistics": "tower", "fill": {"B10": 0}},
}


def config(routes=ROUTES, **towers):
    return tiny_config(towers={"s1": S1, "s2": S2} | towers, sensors=routes)


def chip(name, value=None, valid=None):
    made = sensor(name)
    rng = np.random.default_rng(0)
    data = rng.uniform(0.1, 3000, (len(made.bands), 6, 6)).astype(np.float32) if value is None else value
    return Pixels(data, np.ones((6, 6), dtype=bool) if valid is None else valid, made)


def brought(model, pixels):
    route = model.route(pixels.sensor)
    return standardise(pixels, route, model.towers[route.tower])


def test_twelve_bands_reach_a_tower_of_thirteen_by_name():
    made = chip("s2-l2a")
    found = brought(config(), made)
    for name, plane in zip(S2_L1C_BANDS, found, strict=True):
        wanted = 0.0 if name == "B10" else made.data[made.sensor.band_index(name)] / np.float32(1e4)
        np.testing.assert_array_equal(plane, np.broadcast_to(np.float32(wanted), (6, 6)))


def test_thirteen_bands_reach_a_tower_of_twelve_by_name():
    narrow = S2 | {"bands": 12, "band_names": S2_L2A_BANDS, "mean": [0.0] * 12, "std": [1e4] * 12}
    routes = {name: {"tower": "s2", "input": "bands", "statistics": "tower"} for name in ("s2-l1c", "s2-l2a")}
    model = config(routes, s2=narrow)
    thirteen = chip("s2-l1c")
    twelve = chip("s2-l2a", np.delete(thirteen.data, 10, axis=0))
    np.testing.assert_array_equal(brought(model, thirteen), brought(model, twelve))


def test_declared_fill_takes_the_towers_units():
    routes = ROUTES | {"s2-l2a": ROUTES["s2-l2a"] | {"fill": {"cirrus": 20}}}
    np.testing.assert_allclose(brought(config(routes), chip("s2-l2a"))[10], 20 / 1e4)


def test_a_towers_own_order_is_kept():
    flipped = S1 | {"band_names": ["VH", "VV"]}
    made = chip("s1-grd", np.stack([np.full((6, 6), -9.0), np.full((6, 6), -17.0)]).astype(np.float32))
    assert brought(config(s1=flipped), made)[:, 0, 0].tolist() == [-17.0, -9.0]
    assert brought(config(), made)[:, 0, 0].tolist() == [-9.0, -17.0]


def test_decibel_and_linear_power_give_the_same():
    db = np.random.default_rng(0).uniform(-25, 0, (2, 6, 6)).astype(np.float32)
    one, two = (
        brought(config(), chip(name, values.astype(np.float32)))
        for name, values in (("s1-grd", db), ("s1-grd-linear", 10 ** (db / 10)))
    )
    np.testing.assert_allclose(one, two, atol=1e-4)


def test_invalid_pixels_take_what_the_route_says():
    data = np.full((2, 6, 6), -10.0, dtype=np.float32)
    data[0, 0, 0] = np.nan
    valid = np.ones((6, 6), dtype=bool)
    valid[1, 1] = False
    found = brought(config(), chip("s1-grd", data, valid))
    assert found[0, 0, 0] == np.float32(1e-6)
    assert found[:, 1, 1].tolist() == [np.float32(1e-6)] * 2
    assert found[1, 0, 0] == -10.0
    mean = S1 | {"mean": [-12.0, -20.0], "std": [2.0, 2.0]}
    routes = ROUTES | {"s1-grd": {"tower": "s1", "input": "bands", "statistics": "tower"}}
    found = brought(config(routes, s1=mean), chip("s1-grd", data, valid))
    assert found[0, 0, 0] == 0.0
    assert found[:, 2, 2].tolist() == [1.0, 5.0]


def test_sensor_statistics_and_names_go_together():
    named = VIT | {"bands": 13, "band_names": S2_L1C_BANDS}
    routes = {"s2-l2a": {"tower": "s2", "input": "bands", "fill": {"B10": 0.5}}}
    made = chip("s2-l2a")
    found = brought(config(routes, s2=named), made)
    np.testing.assert_array_equal(found[[0, 11, 12]], made.sensor.normalize(made.data)[[0, 10, 11]])
    assert (found[10] == 0.5).all()


@pytest.mark.parametrize(
    ("sensor_name", "change", "tower", "message"),
    [
        ("s2-l2a", {"fill": {}}, {}, r"lacks band\(s\) B10"),
        ("s2-l2a", {"fill": {"B04": 0, "B10": 0}}, {}, "B04 cannot be filled"),
        ("s2-l2a", {}, {"band_names": S2_L2A_BANDS}, "12 band_names .* but bands: 13"),
        ("s2-l2a", {}, {"band_names": [*S2_L1C_BANDS[:-1], "B01"]}, "lists a band twice"),
        ("s2-l2a", {}, {"band_names": None}, "must say its band_names"),
        ("s2-l2a", {}, {"mean": [0.0], "std": [1e4]}, "13 bands, but 1 mean, 1 std"),
        ("s2-l2a", {}, {"units": "db"}, "is in reflectance1e4, the statistics of tower 's2' in db"),
        ("s2-l2a", {}, {"units": None}, "statistics of tower 's2' in None"),
        ("s2-l2a", {"statistics": "sensor", "nodata": 0.0}, {}, "needs statistics: tower"),
        ("s2-l2a", {"input": "rgb"}, {}, "fill, statistics and nodata are for input: bands"),
        ("rgb", {"fill": {}}, {}, r"lacks band\(s\) B1, B5"),
    ],
)
def test_routes_that_cannot_be(sensor_name, change, tower, message):
    with pytest.raises(CheckpointError, match=message):
        config({sensor_name: ROUTES["s2-l2a"] | change}, s2=S2 | tower)


def test_a_tower_name_may_not_hold_the_sign_of_batch_keys():
    with pytest.raises(CheckpointError, match="holds '@'"):
        tiny_config(towers={"a@b": VIT}, sensors={"*": {"tower": "a@b"}})


def test_batches_go_by_tower():
    assert [config().batch_key(name) for name in ROUTES] == ["s1", "s1", "s2", "s2"]
    assert split_key("s2") == ("s2", None)
    assert split_key("all@s2-l2a") == ("all", "s2-l2a")


def test_names_come_through_config_json(tmp_path):
    model = tiny_model(config())
    model.save_pretrained(tmp_path)
    again = ModelConfig.load(tmp_path)
    assert again == model.config.model_copy(update={"digest": again.digest})
    assert again.towers["s2"].band_names == S2_L1C_BANDS
    assert again.sensors["s2-l2a"].fill == {"B10": 0.0}


def test_what_older_models_say_of_themselves_stays():
    directory = packaged("swath-mini")
    written = json.loads((Path(directory) / "config.json").read_text())
    loaded = ModelConfig.load(directory)
    assert json.loads(loaded.identity())["towers"] == written["towers"]
    assert json.loads(loaded.identity())["sensors"] == written["sensors"]
    again = json.loads(loaded.to_json())
    assert (again["towers"], again["sensors"]) == (written["towers"], written["sensors"])


def test_the_guides_configurations_are_valid():
    guide = Path(__file__).parents[2] / "docs" / "guides" / "sensors_and_towers.md"
    blocks = [block.split("```")[0] for block in guide.read_text().split("```yaml\n")[1:]]
    first, second = (ModelConfig.parse(yaml.safe_load(block)) for block in blocks)
    assert [first.batch_key(name) for name in ("s1-grd", "s2-l2a", "sar")] == ["s1", "s2", "rgb"]
    assert second.batch_key("sar") == "all@sar"


def test_names_and_routes_are_part_of_the_identity():
    routes = ROUTES | {"s2-l2a": ROUTES["s2-l2a"] | {"fill": {"B10": 5}}}
    turned = config(s1=S1 | {"band_names": ["VH", "VV"]})
    assert len({config().identity(), config(routes).identity(), turned.identity()}) == 3


@pytest.mark.data
def test_real_patches_with_one_file_a_band_reach_thirteen_by_name(shared_data):
    source = open_source(str(shared_data / "bigearthnet_sample" / "BigEarthNet-S2"))
    made = next(iter(cut(source, 120, 120)))
    found = brought(config(), read_chip(made, min_valid=0.0))
    files = {Path(layer.href).stem.split("_")[-1]: layer.href for layer in made.scene.layers}
    assert len(files) == 12
    for name in ("B02", "B03", "B04", "B08"):  # 10 m bands, at their own size
        with rasterio.open(files[name]) as file:
            wanted = file.read(1) / np.float32(1e4)
        np.testing.assert_allclose(found[S2_L1C_BANDS.index(name.replace("B0", "B"))], wanted, atol=1e-6)
    assert (found[S2_L1C_BANDS.index("B10")] == 0).all()
    with rasterio.open(files["B12"]) as file:
        assert found[S2_L1C_BANDS.index("B12")].mean() == pytest.approx(file.read(1).mean() / 1e4, rel=0.02)
