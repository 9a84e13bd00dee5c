from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.generate import location_files as files

from swath.errors import CheckpointError
from swath.lonlat import as_lonlat, from_latlon
from swath.models.location import (
    GeoCLIPEncoder,
    GeoCLIPOptions,
    SatCLIPEncoder,
    SatCLIPOptions,
    equal_earth,
    read_published,
    write_published,
)

LONLAT = np.array([[0.0, 0.0], [16.4, 48.2], [-122.4, 37.8], [139.7, 35.7], [-70.6, -33.4], [24.0, 89.0]])
PLACES = torch.from_numpy(as_lonlat(LONLAT))


@pytest.mark.parametrize("harmonics", ["analytic", "closed-form"])
def test_satclip_gives_what_its_own_code_gives(tmp_path, harmonics):
    checkpoint = files.satclip(harmonics_calculation=harmonics)
    torch.save(checkpoint, tmp_path / "satclip.ckpt")
    encoder = read_published(tmp_path / "satclip.ckpt")
    assert isinstance(encoder, SatCLIPEncoder)
    found = encoder(PLACES).numpy()
    assert found.shape == (len(LONLAT), files.SATCLIP_WIDTH)
    assert np.abs(found - files.satclip_vectors(checkpoint, LONLAT)).max() < 1e-9


def test_geoclip_gives_what_its_own_code_gives_of_latitude_first(tmp_path):
    state = files.geoclip()
    torch.save(state, tmp_path / "location_encoder_weights.pth")
    encoder = read_published(tmp_path / "location_encoder_weights.pth")
    assert isinstance(encoder, GeoCLIPEncoder)
    latlon = LONLAT[:, ::-1]
    found = encoder(torch.from_numpy(from_latlon(latlon))).numpy()
    assert np.abs(found - files.geoclip_vectors(state, latlon)).max() < 1e-4


def test_satclip_goes_out_as_it_came(tmp_path):
    checkpoint = files.satclip()
    torch.save(checkpoint, tmp_path / "in.ckpt")
    write_published(read_published(tmp_path / "in.ckpt"), tmp_path / "deep" / "out.ckpt")
    back = torch.load(tmp_path / "deep" / "out.ckpt", weights_only=True)
    wanted = {key: value for key, value in checkpoint["state_dict"].items() if key.startswith("model.location.")}
    assert back["state_dict"].keys() == wanted.keys()
    assert all(torch.equal(back["state_dict"][key], value) for key, value in wanted.items())
    sizes = ("legendre_polys", "num_hidden_layers", "capacity", "embed_dim", "le_type", "pe_type")
    for name in (*sizes, "harmonics_calculation"):
        assert back["hyper_parameters"][name] == checkpoint["hyper_parameters"][name]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["out.ckpt"]


@pytest.mark.parametrize("prefix", ["", "location_encoder."])
def test_geoclip_goes_out_as_it_came(tmp_path, prefix):
    state = files.geoclip()
    whole = {prefix + key: value for key, value in state.items()}
    if prefix:
        whole["logit_scale"] = torch.tensor(3.7)
    torch.save(whole, tmp_path / "in.pth")
    encoder = read_published(tmp_path / "in.pth")
    assert encoder.options.sigmas == files.SIGMAS
    write_published(encoder, tmp_path / "out.pth")
    back = torch.load(tmp_path / "out.pth", weights_only=True)
    assert back.keys() == state.keys()
    assert all(torch.equal(back[key], value) for key, value in state.items())


def test_an_encoder_on_orthonormal_harmonics_is_written_so_that_vectors_stay(tmp_path):
    torch.manual_seed(0)
    encoder = SatCLIPEncoder(SatCLIPOptions(legendre_polys=5, capacity=16), 8).double().eval()
    write_published(encoder, tmp_path / "own.ckpt")
    back = read_published(tmp_path / "own.ckpt")
    assert back.options.harmonics == "analytic"
    assert torch.allclose(back(PLACES), encoder(PLACES), atol=1e-10)


def test_equal_earth_spans_what_geoclip_scales_it_to():
    x, y = equal_earth(torch.tensor([[180.0, 0.0], [-180.0, 0.0], [0.0, 90.0], [0.0, 0.0]])).unbind(1)
    assert x.tolist() == pytest.approx([1.0, -1.0, 0.0, 0.0], abs=1e-6)
    assert y.tolist() == pytest.approx([0.0, 0.0, 0.48671, 0.0], abs=1e-4)


def test_fresh_encoders_have_the_published_sizes():
    satclip = SatCLIPEncoder(SatCLIPOptions(legendre_polys=10))
    geoclip = GeoCLIPEncoder(GeoCLIPOptions())
    assert satclip.state_dict()["nnet.layers.0.weight"].shape == (512, 100)
    assert satclip.state_dict()["nnet.last_layer.weight"].shape == (256, 512)
    shapes = {key.removeprefix("LocEnc2."): tuple(value.shape) for key, value in geoclip.state_dict().items()}
    assert shapes["capsule.0.b"] == (256, 2)
    assert shapes["capsule.1.weight"] == (1024, 512)
    assert shapes["head.0.weight"] == (512, 1024)
    assert not any(name.endswith(".b") for name, _ in geoclip.named_parameters())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda data: data["hyper_parameters"].pop("capacity"), "lacks capacity"),
        (lambda data: data["hyper_parameters"].update(le_type="grid"), "le_type is 'grid'"),
        (lambda data: data["hyper_parameters"].update(harmonics_calculation="discretized"), "harmonics"),
        (lambda data: data["hyper_parameters"].update(legendre_polys=7), r"wrong shapes.*layers.0.weight"),
        (lambda data: data["state_dict"].pop("model.location.nnet.last_layer.bias"), "missing keys.*last_layer.bias"),
        (lambda data: data.pop("hyper_parameters"), "holds no location encoder"),
        (lambda data: data.pop("state_dict"), "no state_dict"),
    ],
)
def test_satclip_files_that_do_not_fit_are_refused(tmp_path, change, message):
    checkpoint = files.satclip()
    change(checkpoint)
    torch.save(checkpoint, tmp_path / "bad.ckpt")
    with pytest.raises(CheckpointError, match=message) as caught:
        read_published(tmp_path / "bad.ckpt")
    assert "bad.ckpt" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.pop("LocEnc1.capsule.0.b"), "a LocEnc branch lacks"),
        (lambda state: state["LocEnc1.capsule.0.b"].zero_(), "all zero"),
        (lambda state: state.pop("LocEnc2.head.0.bias"), "missing keys: LocEnc2.head.0.bias"),
    ],
)
def test_geoclip_files_that_do_not_fit_are_refused(tmp_path, change, message):
    state = files.geoclip()
    change(state)
    torch.save(state, tmp_path / "bad.pth")
    with pytest.raises(CheckpointError, match=message):
        read_published(tmp_path / "bad.pth")


class _Code:
    def __reduce__(self):
        return (print, ("run",))


def test_a_file_that_could_run_code_is_refused(tmp_path, capsys):
    torch.save({"state_dict": {}, "hyper_parameters": {"capacity": _Code()}}, tmp_path / "unsafe.ckpt")
    with pytest.raises(CheckpointError, match="could run code"):
        read_published(tmp_path / "unsafe.ckpt")
    assert capsys.readouterr().out == ""
