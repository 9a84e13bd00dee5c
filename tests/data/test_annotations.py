from __future__ import annotations

import json

import pytest

from generate.captions import entries, karpathy, picture, save
from swath.data import read_dataset
from swath.data.dataset import Failure
from swath.errors import DataError, SensorError


def change(folder, edit):
    path = folder / "dataset_tiny.json"
    document = json.loads(path.read_text())
    edit(document["images"])
    path.write_text(json.dumps(document))
    return folder


def test_a_missing_image_is_recorded_and_the_rest_read(tmp_path):
    (karpathy(tmp_path) / "images" / "beach_0.png").unlink()
    data = read_dataset(tmp_path)
    assert len(data) == 11
    (failure,) = data.failures
    assert (failure.kind, failure.name, failure.split) == ("missing image", "beach_0.png", "train")
    assert str(tmp_path / "images" / "beach_0.png") in failure.message
    assert data.split("train").failures == (failure,)
    assert data.split("test").failures == ()


def test_a_file_that_is_no_image_is_recorded(tmp_path):
    karpathy(tmp_path)
    (tmp_path / "images" / "beach_0.png").write_text("<html>404</html>")
    (tmp_path / "images" / "beach_1.png").write_bytes(b"")
    data = read_dataset(tmp_path)
    assert [(failure.kind, failure.name) for failure in data.failures] == [
        ("unreadable image", "beach_0.png"),
        ("unreadable image", "beach_1.png"),
    ]


def test_blank_captions_are_recorded_and_left_out(tmp_path):
    def blank(images):
        images[0]["sentences"][1]["raw"] = " \t"
        images[3]["sentences"] = [{"raw": ""}]
        images[3].pop("class")

    data = read_dataset(change(karpathy(tmp_path), blank))
    assert data[0].captions == ("many planes are parked near a terminal .", "a white plane .")
    assert [failure.kind for failure in data.failures] == ["empty caption", "empty caption", "image without caption"]
    assert data.failures[0].message == "caption 2 of 3 is blank"
    assert (data.failures[2].name, data.failures[2].split) == ("beach_0.png", "train")
    assert "give it one, or leave it out" in data.failures[2].message
    assert "beach_0.png" not in [pair.name for pair in data]


def test_labels_alone_make_a_pair(tmp_path):
    data = read_dataset(change(karpathy(tmp_path), lambda images: images[0].update(sentences=[])))
    assert data[0].captions == ()
    assert data[0].labels == ("airport",)
    assert data.failures == ()


def test_strict_raises_at_the_first_failure(tmp_path):
    (karpathy(tmp_path) / "images" / "beach_0.png").unlink()
    with pytest.raises(DataError, match=r"'beach_0.png': missing image"):
        read_dataset(tmp_path, strict=True)


def test_nothing_usable_is_an_error_that_names_the_folder(tmp_path):
    (tmp_path / "dataset_x.json").write_text(json.dumps({"images": entries()}))
    with pytest.raises(DataError, match=rf"no usable pair among 12 images under {tmp_path}.*images="):
        read_dataset(tmp_path)


def test_sensor_is_kept_and_checked(tmp_path):
    save(tmp_path / "images" / "a.png", picture(1)[:, :, 0])
    (tmp_path / "d.json").write_text(json.dumps({"images": [{"filename": "a.png", "sentences": ["ships ."]}]}))
    (radar,) = read_dataset(tmp_path, sensor="sar")
    assert radar.chip.sensor.name == "sar"
    assert [layer.index for layer in radar.chip.scene.layers] == [1]
    (grey,) = read_dataset(tmp_path)
    assert [layer.index for layer in grey.chip.scene.layers] == [1, 1, 1]
    save(tmp_path / "images" / "a.png", picture(1))
    with pytest.raises(DataError, match=r"lacks band.*of sensor 's2-l2a'"):
        read_dataset(tmp_path, sensor="s2-l2a")


def test_failures_are_values():
    assert Failure("missing image", "a", "b") == Failure("missing image", "a", "b", "")


def test_unknown_sensor(tmp_path):
    with pytest.raises(SensorError, match="unknown sensor"):
        read_dataset(karpathy(tmp_path), sensor="webcam")
