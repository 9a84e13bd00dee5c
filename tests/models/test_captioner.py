from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from generate.models import TEXT, VIT, tiny_config, tiny_model, two_towers
from swath.chips import Pixels
from swath.errors import CheckpointError, EmptyChipError, InputError
from swath.models import Captioner, DualEncoder, ModelConfig
from swath.models.captioner import look
from swath.models.decoding import Decoding
from swath.models.layers import KeyValues
from swath.sensors import SENSORS

CAPTIONER = {"width": 64, "layers": 2, "heads": 2, "queries": 5, "pooler_heads": 2}
CONVNET = {"type": "convnet", "image_size": 32, "widths": [8, 16], "depths": [1, 1], "hidden": 24}
GREEDY = Decoding("greedy", max_length=12)


def image(seed: int, sensor: str = "rgb", size: int = 40) -> Pixels:
    bands = len(SENSORS[sensor].bands)
    data = np.random.default_rng(seed).integers(0, 255, (bands, size, size))
    kind = np.uint8 if SENSORS[sensor].units == "dn8" else np.float32
    return Pixels(data.astype(kind), np.ones((size, size), dtype=bool), SENSORS[sensor])


def written_sharply(config: ModelConfig, seed: int = 0) -> Captioner:
    """A captioner with weights large enough that its choices differ from image to image."""
    model = tiny_model(config, seed)
    with torch.no_grad():
        for value in model.text_decoder.parameters():
            if value.ndim > 1:
                value.mul_(3)
    return Captioner(model)


@pytest.fixture(scope="module")
def captioner() -> Captioner:
    return written_sharply(tiny_config(captioner=CAPTIONER))


@pytest.fixture(scope="module")
def images() -> list[Pixels]:
    return [image(seed) for seed in range(5)]


@pytest.mark.parametrize("tower", [VIT, CONVNET])
def test_a_tower_for_any_bands_writes_about_every_sensor(tower):
    entry = tower | {"bands": "any"}
    routes = {"*": {"tower": "any", "input": "bands"}}
    captioner = written_sharply(tiny_config(captioner=CAPTIONER, towers={"any": entry}, sensors=routes))
    for sensor in ("sar", "s1-grd", "s2-l2a"):
        assert captioner.caption([image(0, sensor)], GREEDY)[0]
        batch = captioner.model.prepare(image(0, sensor))[None]
        key = captioner.model.config.batch_key(sensor)
        module, inputs = captioner.model.tower_inputs(batch, key)
        pooled, tokens, seen = look(module, *inputs)
        assert torch.equal(pooled, captioner.model.raw_images(batch, key)[0])
        assert torch.equal(tokens, seen)


@pytest.mark.parametrize("tower", [VIT, CONVNET])
@pytest.mark.parametrize("method", ["greedy", "beam", "nucleus"])
def test_with_and_without_cache_the_words_are_the_same(tower, method, images):
    captioner = written_sharply(tiny_config(captioner=CAPTIONER, towers={"rgb": tower}))
    context = captioner.look(images)
    decoding = Decoding(method, max_length=20, min_length=3, beams=3)
    with_cache = captioner.write(context, decoding)
    assert [entry.ids for entry in with_cache] == [
        entry.ids for entry in captioner.write(context, decoding, cache=False)
    ]
    assert len({entry.ids for entry in with_cache}) > 1  # the image says what is written


def test_open_clips_layout_writes_too(images):
    config = tiny_config(
        embed_dim=64,
        text=TEXT | {"type": "coca"},
        towers={"rgb": VIT | {"queries": 4, "pooler_heads": 2}},
        captioner=CAPTIONER | {"queries": 0},
    )
    captioner = written_sharply(config)
    context = captioner.look(images)
    assert context.shape == (5, 3, 64)
    cached, whole = (captioner.write(context, GREEDY, cache=cache) for cache in (True, False))
    assert [entry.ids for entry in cached] == [entry.ids for entry in whole]


@pytest.mark.parametrize("method", ["greedy", "beam", "nucleus"])
def test_batches_change_nothing(captioner, images, method):
    decoding = Decoding(method, max_length=10, beams=3, seed=2)
    together = captioner.caption(images, decoding)
    assert captioner.caption(images, decoding, batch_size=2) == together
    rest = captioner.caption(images[3:], decoding, first=3)
    assert rest == together[3:]


def test_any_sensor_is_written_about():
    config = ModelConfig.parse(two_towers().model_dump() | {"captioner": CAPTIONER})
    mixed = [image(0), image(1, "s1-grd"), image(2)]
    assert len(written_sharply(config).caption(mixed, GREEDY)) == 3
    with pytest.raises(InputError, match="one sensor at a time"):  # 16 and 4 patches
        written_sharply(config).caption([image(0), image(1, "s2-l2a")], GREEDY)
    assert written_sharply(config).caption([image(1, "s2-l2a")], GREEDY)


def test_words_read_one_by_one_have_the_states_of_a_whole_text(captioner):
    text = captioner.model.text
    ids = torch.randint(0, 500, (2, 9))
    past = [KeyValues() for _ in text.transformer.resblocks]
    with torch.no_grad():
        whole = text.read(ids)
        parts = [text.read(part, past) for part in (ids[:, :1], ids[:, 1:5], ids[:, 5:])]
    torch.testing.assert_close(torch.cat(parts, dim=1), whole, atol=1e-5, rtol=0)


def test_saved_and_loaded_it_writes_the_same(captioner, images, tmp_path):
    captioner.model.save_pretrained(tmp_path / "model")
    loaded = Captioner.from_pretrained(tmp_path / "model", dtype="float32", device="cpu")
    assert loaded.caption(images, GREEDY) == captioner.caption(images, GREEDY)
    assert loaded.id.startswith(f"{loaded.model.model_id}+")
    other = written_sharply(tiny_config(captioner=CAPTIONER), seed=1)
    other.model.save_pretrained(tmp_path / "other")
    assert Captioner.from_pretrained(tmp_path / "other", device="cpu").id != loaded.id


def test_a_captioner_changes_neither_vectors_nor_model_id(images, tmp_path):
    plain = tiny_model()
    with_captioner = DualEncoder(tiny_config(captioner=CAPTIONER)).eval()
    missing = with_captioner.load_state_dict(plain.state_dict(), strict=False)
    assert all(key.startswith("text_decoder.") for key in missing.missing_keys)
    assert with_captioner.model_id == plain.model_id
    assert torch.equal(with_captioner.encode_pixels(images).pooled, plain.encode_pixels(images).pooled)
    assert "captioner" not in plain.config.to_json()
    saved = with_captioner.save_pretrained(tmp_path / "both")
    assert DualEncoder.from_pretrained(saved, dtype="float32", device="cpu").model_id == plain.model_id


def test_a_model_without_captioner_is_refused(model_directory):
    with pytest.raises(CheckpointError, match=r"'tiny' has no captioner.*swath train"):
        Captioner.from_pretrained(model_directory, device="cpu")


@pytest.fixture(scope="module")
def model_directory(tmp_path_factory):
    return tiny_model().save_pretrained(tmp_path_factory.mktemp("plain"))


def test_weights_without_the_captioners_keys_are_refused(model_directory, tmp_path):
    for name in ("model.safetensors", "README.md"):
        (tmp_path / name).write_bytes((model_directory / name).read_bytes())
    config = json.loads((model_directory / "config.json").read_text()) | {"captioner": CAPTIONER}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=r"there is no captioner\.safetensors in "):
        Captioner.from_pretrained(tmp_path, device="cpu")
    save_file({"text_decoder.other": torch.zeros(1)}, tmp_path / "captioner.safetensors")
    with pytest.raises(CheckpointError, match=r"missing keys: text_decoder\."):
        Captioner.from_pretrained(tmp_path, device="cpu")


def test_a_captioner_lies_in_a_file_of_its_own(captioner, model_directory, tmp_path):
    saved = captioner.model.save_pretrained(tmp_path / "model")
    written = load_file(saved / "captioner.safetensors")
    assert written
    assert all(key.startswith("text_decoder.") for key in written)
    assert set(load_file(saved / "model.safetensors")) == set(load_file(model_directory / "model.safetensors"))
    tiny_model().save_pretrained(saved)
    assert not (saved / "captioner.safetensors").exists()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"width": 48}, "captioner.width is 48, but the text tower's is 64"),
        ({"queries": 0}, "tokens have 48; give captioner.queries"),
        ({"depth": 3}, "captioner.depth"),
        ({"heads": 0}, "captioner.heads"),
    ],
)
def test_configurations_that_do_not_fit_are_refused(change, said):
    with pytest.raises(CheckpointError, match=said):
        DualEncoder(tiny_config(captioner=CAPTIONER | change))


def test_no_image_no_caption(captioner):
    with pytest.raises(InputError, match="no images"):
        captioner.caption([])
    with pytest.raises(InputError, match="no images"):
        captioner.write(torch.empty(0, 16, 48))


def test_an_image_of_nothing_but_nan_is_named(captioner):
    empty = Pixels(np.full((2, 32, 32), np.nan, np.float32), np.zeros((32, 32), dtype=bool), SENSORS["s1-grd"])
    with pytest.raises(EmptyChipError, match="image 1 has no valid pixel"):
        captioner.caption([image(0), empty])


def test_nan_in_what_is_seen_is_refused(captioner, images):
    context = captioner.look(images).clone()
    context[2, 0, 0] = torch.nan
    with pytest.raises(InputError, match="not finite"):
        captioner.write(context, GREEDY)


def test_captions_longer_than_the_context_are_refused(captioner, images):
    with pytest.raises(InputError, match="max_length 33 is over the model's context length of 32"):
        captioner.caption(images, Decoding("greedy", max_length=33))
    assert captioner.caption(images[:1], Decoding("greedy", max_length=32))
