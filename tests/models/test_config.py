from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generate.models import TEXT, VIT, tiny_config, two_towers
from swath.errors import CheckpointError, SensorError
from swath.models import ModelConfig
from swath.sensors import sensor


def test_round_trip_through_json(tmp_path):
    config = two_towers()
    (tmp_path / "config.json").write_text(config.to_json())
    assert ModelConfig.load(tmp_path) == config
    assert ModelConfig.load(tmp_path).towers["s2"].options["patch_size"] == 16


def test_route_by_name_and_by_sensor():
    config = two_towers()
    assert config.route("s2-l2a").input == "bands"
    assert config.route(sensor("s1-grd")).tower == "rgb"


def test_a_sensor_that_is_not_listed_is_refused():
    with pytest.raises(SensorError, match="takes no images of sensor 's2-l1c'; it takes rgb, s1-grd, s2-l2a"):
        two_towers().route("s2-l1c")


def test_a_wildcard_takes_every_other_sensor():
    config = tiny_config(sensors={"*": {"tower": "rgb"}})
    assert config.route("s2-l1c").tower == "rgb"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sensors": {"rgb": {"tower": "x"}}}, "names tower 'x'"),
        ({"sensors": {"s2-l2a": {"tower": "rgb", "input": "bands"}}}, "12 bands, tower 3"),
        ({"sensors": {"landsat": {"tower": "rgb", "input": "bands"}}}, "not in the catalogue"),
        ({"sensors": {"*": {"tower": "rgb", "input": "bands"}}}, "not in the catalogue"),
        ({"sensors": {"rgb": {"tower": "rgb"}}, "towers": {"rgb": VIT | {"bands": 12}}}, "does not take 3 bands"),
        ({"towers": {"rgb": VIT | {"resize": "stretch"}}}, "resize"),
        ({"embed_dim": 0}, "embed_dim"),
        ({"text": TEXT | {"context_length": 1}}, "context_length"),
        ({"sensors": {}}, "sensors"),
        ({"colour": 1}, "colour"),
    ],
)
def test_wrong_values_are_named(changes, said):
    with pytest.raises(CheckpointError, match=said):
        tiny_config(**changes)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "not valid JSON"),
        ("[]", "not the configuration of a swath model"),
        ('{"model_type": "clip"}', "swath convert"),
        (json.dumps(json.loads(tiny_config().to_json()) | {"format": 2}), "format 2"),
    ],
)
def test_files_that_are_not_a_configuration(tmp_path, text, said):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(CheckpointError, match=said):
        ModelConfig.load(tmp_path)


def test_a_folder_that_is_no_model_says_where_one_is(tmp_path):
    with pytest.raises(CheckpointError, match=r"config\.json: .*; .* is no model directory: give one, or a name"):
        ModelConfig.load(tmp_path)
    (tmp_path / "best").mkdir()
    (tmp_path / "best/config.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"the model of this training run is .*best$"):
        ModelConfig.load(tmp_path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="nowhere"):
        ModelConfig.load(tmp_path / "nowhere")


@given(st.sampled_from(["name", "license", "digest"]), st.text(min_size=1, max_size=8))
def test_identity_ignores_what_does_not_change_vectors(field, value):
    config = tiny_config()
    assert config.model_copy(update={field: value}).identity() == config.identity()


def test_identity_sees_statistics_and_options():
    plain = tiny_config()
    assert tiny_config(towers={"rgb": VIT | {"mean": (0.5, 0.5, 0.5)}}).identity() != plain.identity()
    assert tiny_config(towers={"rgb": VIT | {"activation": "quickgelu"}}).identity() != plain.identity()
