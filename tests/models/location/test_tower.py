from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from tests.generate import location_files as files
from tests.generate.models import tiny_config, tiny_model

from swath.errors import CheckpointError, InputError, ModelError
from swath.models import DualEncoder
from swath.models.config import ModelConfig
from swath.models.ensemble import join
from swath.models.export import export_checkpoint
from swath.models.location import attach_location, read_published
from swath.models.precision import cast

SATCLIP = {"type": "satclip", "legendre_polys": 6, "num_hidden_layers": 2, "capacity": 32}
GEOCLIP = {"type": "geoclip", "frequencies": 16, "capacity": 32, "width": 24}
PLACES = [[16.4, 48.2], [-122.4, 37.8], [180.0, 10.0], [-180.0, 10.0], [0.0, 90.0]]


@pytest.mark.parametrize("entry", [SATCLIP, GEOCLIP])
def test_places_share_the_space_and_survive_saving(tmp_path, entry):
    model = tiny_model(tiny_config(location=entry))
    vectors = model.encode_locations(PLACES)
    assert vectors.shape == (5, model.dim)
    assert torch.allclose(vectors.norm(dim=1), torch.ones(5))
    assert torch.equal(vectors[2], vectors[3])
    assert torch.allclose(vectors, model.encode_locations(PLACES, batch_size=2), atol=1e-6)
    model.save_pretrained(tmp_path)
    back = DualEncoder.from_pretrained(tmp_path, dtype="float32", device="cpu")
    assert back.model_id == model.model_id
    assert torch.equal(back.encode_locations(PLACES), vectors)
    assert torch.equal(back.encode_texts(["a river"]).pooled, model.encode_texts(["a river"]).pooled)


def test_a_model_without_places_is_what_it_was(tmp_path):
    """Its identity, files and keys say nothing of locations; the digest is one from before there were any."""
    config = tiny_config()
    assert "location" not in json.loads(config.identity())
    assert "location" not in json.loads(config.to_json())
    assert ModelConfig.parse(json.loads(config.to_json())) == config
    model = tiny_model(config)
    assert not any("location" in key for key in model.state_dict())
    with pytest.raises(InputError, match="'tiny' has no location tower"):
        model.encode_locations(PLACES)


def test_the_location_tower_is_part_of_a_models_identity():
    plain, six = tiny_config(), tiny_config(location=SATCLIP)
    ten = tiny_config(location=SATCLIP | {"legendre_polys": 10})
    assert len({plain.identity(), six.identity(), ten.identity()}) == 3


def test_half_precision_leaves_places_alone(tmp_path):
    model = tiny_model(tiny_config(location=GEOCLIP))
    vectors = model.encode_locations(PLACES)
    model.save_pretrained(tmp_path, dtype="bfloat16")
    cast(model, torch.bfloat16)
    assert model.dtype == torch.bfloat16
    assert torch.equal(model.encode_locations(PLACES), vectors)
    back = DualEncoder.from_pretrained(tmp_path, dtype="bfloat16", device="cpu")
    assert torch.equal(back.encode_locations(PLACES), vectors)


@pytest.mark.parametrize("file", [files.satclip, files.geoclip])
def test_a_published_encoder_joins_a_model(tmp_path, file):
    torch.save(file(), tmp_path / "published.ckpt")
    model = tiny_model()
    joined = attach_location(model, read_published(tmp_path / "published.ckpt"))
    assert torch.equal(joined.encode_texts(["a river"]).pooled, model.encode_texts(["a river"]).pooled)
    assert joined.logit_scale == model.logit_scale
    joined.save_pretrained(tmp_path / "model")
    back = DualEncoder.from_pretrained(tmp_path / "model", dtype="float32", device="cpu")
    assert torch.equal(back.encode_locations(PLACES), joined.encode_locations(PLACES))


def test_a_model_that_writes_keeps_its_captioner(tmp_path):
    entry = {"width": 64, "layers": 1, "heads": 1, "queries": 4, "pooler_heads": 1}
    model = tiny_model(tiny_config(captioner=entry))
    torch.save(files.geoclip(), tmp_path / "published.pth")
    joined = attach_location(model, read_published(tmp_path / "published.pth"))
    assert joined.text_decoder is model.text_decoder


def test_a_model_in_half_precision_still_encodes_images(tmp_path):
    model = tiny_model()
    cast(model, torch.bfloat16)
    torch.save(files.geoclip(), tmp_path / "published.pth")
    joined = attach_location(model, read_published(tmp_path / "published.pth"))
    assert joined.dtype == torch.bfloat16
    images = torch.ones(1, 3, 32, 32)
    assert torch.equal(joined.encode_images(images, "rgb").pooled, model.encode_images(images, "rgb").pooled)


def test_gradients_reach_the_tower_but_not_the_random_frequencies():
    model = tiny_model(tiny_config(location=GEOCLIP)).train()
    model.forward_locations(torch.tensor(PLACES, dtype=torch.float64)).square().sum(0).prod().backward()
    grads = {name: weight.grad for name, weight in model.location.named_parameters()}
    assert grads
    assert all(grad is not None and torch.isfinite(grad).all() for grad in grads.values())
    assert not any(name.endswith(".b") for name in grads)


@pytest.mark.parametrize(
    ("lonlat", "message"),
    [([[48.2, 116.4]], "look swapped"), ([[np.nan, 1.0]], "not finite"), (np.empty((0, 2)), "no places")],
)
def test_what_is_no_place_is_refused(lonlat, message):
    with pytest.raises(InputError, match=message):
        tiny_model(tiny_config(location=SATCLIP)).encode_locations(lonlat)


def test_unknown_types_and_options_are_refused():
    with pytest.raises(ModelError, match="unknown location tower type 'grid'; known: geoclip, satclip"):
        DualEncoder(tiny_config(location={"type": "grid"}))
    with pytest.raises(CheckpointError, match="options of the 'satclip' tower: degrees"):
        DualEncoder(tiny_config(location=SATCLIP | {"degrees": 3}))


def test_what_has_no_room_for_places_says_so(tmp_path):
    model = tiny_model(tiny_config(location=SATCLIP))
    with pytest.raises(ModelError, match="location tower cannot be joined"):
        join([model, model], "both")
    model.save_pretrained(tmp_path)
    with pytest.raises(CheckpointError, match="location tower, for which these layouts have no place"):
        export_checkpoint(tmp_path, tmp_path / "out.pt")
