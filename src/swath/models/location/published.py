"""Location encoders from and to the files that SatCLIP and GeoCLIP publish.

- SatCLIP: a Lightning checkpoint: ``state_dict`` with the location encoder under ``model.location.`` beside the image
  tower, and ``hyper_parameters`` with its sizes; float64.
- GeoCLIP: a plain state dict, ``LocEnc0.`` to ``LocEnc2.``, or the whole model's with ``location_encoder.`` before it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor

from swath.errors import CheckpointError
from swath.models.checkpoint import compare
from swath.models.config import checked
from swath.models.convert import read_foreign
from swath.models.files import whole
from swath.models.location.encoders import (
    FIRST_WEIGHT,
    GeoCLIPEncoder,
    GeoCLIPOptions,
    LocationEncoder,
    SatCLIPEncoder,
    SatCLIPOptions,
    on_analytic,
)

SATCLIP_PREFIX = "model.location."
GEOCLIP_PREFIX = "location_encoder."

_SATCLIP_SIZES = ("legendre_polys", "num_hidden_layers", "capacity")
# What SatCLIP's own loader asks for besides sizes; the last three are not used with spherical harmonics.
_SATCLIP_FIXED = {"le_type": "sphericalharmonics", "pe_type": "siren"}
_SATCLIP_UNUSED = {"min_radius": 1, "max_radius": 360, "frequency_num": 16}


def read_published(path: str | Path) -> LocationEncoder:
    """Read a location encoder, whichever of the two layouts the file has.

    Args:
        path: ``.ckpt``, ``.pth``, ``.pt``, or GeoCLIP's state dict as ``.safetensors``.

    Returns:
        the encoder, ready to encode, with weights as stored (SatCLIP publishes float64).

    Raises:
        CheckpointError: no such file, unsafe, damaged, of neither layout, another kind of location encoder, or keys
            or shapes that do not fit.
    """
    path = Path(path)
    data = read_foreign(path)
    if isinstance(data, dict) and isinstance(data.get("hyper_parameters"), dict):
        return _read_satclip(data, path)
    state = data.get("state_dict", data) if isinstance(data, dict) else {}
    if isinstance(state, dict):
        branches = {key.removeprefix(GEOCLIP_PREFIX): value for key, value in _tensors(state)}
        branches = {key: value for key, value in branches.items() if key.startswith("LocEnc")}
        if branches:
            return _read_geoclip(branches, path)
    raise CheckpointError(
        f"{path} holds no location encoder: neither SatCLIP's layout (hyper_parameters, and state_dict with "
        f"{SATCLIP_PREFIX}*) nor GeoCLIP's (LocEnc0.*)"
    )


def write_published(encoder: LocationEncoder, path: str | Path) -> None:
    """Write a location encoder in its layout, for SatCLIP's or GeoCLIP's own code to load.

    SatCLIP's code knows no orthonormal harmonics; for an encoder on these, the first layer's weights take up the
    scale of the analytic ones, which gives the same vectors.

    Args:
        encoder: what to write; of a `LocationTower`, its ``encoder``.
        path: the file; it appears whole or not at all.

    Raises:
        CheckpointError: it cannot be written.
    """
    state = {key: value.detach().cpu() for key, value in encoder.state_dict().items()}
    with whole(Path(path)) as place:
        torch.save(_satclip_file(encoder, state) if isinstance(encoder, SatCLIPEncoder) else state, place)


def _read_satclip(data: Mapping[str, Any], path: Path) -> SatCLIPEncoder:
    sizes, stored = data["hyper_parameters"], data.get("state_dict")
    if not isinstance(stored, dict):
        raise CheckpointError(f"{path} has hyper_parameters but no state_dict")
    missing = [name for name in (*_SATCLIP_SIZES, "embed_dim") if not _is_size(sizes.get(name))]
    if missing:
        raise CheckpointError(f"{path}: hyper_parameters lacks {', '.join(missing)} (whole numbers from 1 on)")
    for name, wanted in _SATCLIP_FIXED.items():
        if sizes.get(name, wanted) != wanted:
            raise CheckpointError(f"{path}: {name} is {sizes[name]!r}; of SatCLIP's encoders swath has {wanted!r}")
    said = {name: sizes[name] for name in _SATCLIP_SIZES}
    said["harmonics"] = sizes.get("harmonics_calculation", "analytic")
    options = checked(SatCLIPOptions, said, f"{path}: hyper_parameters")
    state = {
        key.removeprefix(SATCLIP_PREFIX): value for key, value in _tensors(stored) if key.startswith(SATCLIP_PREFIX)
    }
    with torch.device("meta"):
        encoder = SatCLIPEncoder(options, sizes["embed_dim"])
    return _fill(encoder, state, path)


def _read_geoclip(state: dict[str, Tensor], path: Path) -> GeoCLIPEncoder:
    count = len({key.split(".")[0] for key in state})
    drawn = [state.get(f"LocEnc{index}.capsule.0.b") for index in range(count)]
    hidden, head = state.get("LocEnc0.capsule.1.weight"), state.get("LocEnc0.head.0.weight")
    if hidden is None or head is None or any(b is None for b in drawn):
        raise CheckpointError(f"{path}: a LocEnc branch lacks capsule.0.b, capsule.1.weight or head.0.weight")
    found = [b for b in drawn if b is not None]
    options = GeoCLIPOptions(
        sigmas=tuple(_sigma(b, path) for b in found), frequencies=len(found[0]), capacity=len(hidden)
    )
    with torch.device("meta"):
        encoder = GeoCLIPEncoder(options, len(head))
    return _fill(encoder, state, path)


def _tensors(state: Mapping[Any, Any]) -> list[tuple[str, Tensor]]:
    return [(str(key), value) for key, value in state.items() if isinstance(value, Tensor)]


def _is_size(value: object) -> bool:
    return isinstance(value, int) and value >= 1


def _sigma(b: Tensor, path: Path) -> float:
    """The power of two nearest to the spread of drawn frequencies: the file does not say what they were drawn with."""
    spread = float(b.double().square().mean().sqrt())
    if not (math.isfinite(spread) and spread > 0):
        raise CheckpointError(f"{path}: the random frequencies (capsule.0.b) are all zero or not finite")
    return 2.0 ** round(math.log2(spread))


_Encoder = TypeVar("_Encoder", SatCLIPEncoder, GeoCLIPEncoder)


def _fill(encoder: _Encoder, state: Mapping[str, Tensor], path: Path) -> _Encoder:
    misfits = compare({key: tuple(value.shape) for key, value in encoder.state_dict().items()}, state)
    if misfits:
        raise CheckpointError(f"{path} does not fit a {encoder.kind} location encoder: {'; '.join(misfits)}")
    encoder.load_state_dict(dict(state), assign=True)
    return encoder.eval().requires_grad_(False)


def _satclip_file(encoder: SatCLIPEncoder, state: dict[str, Tensor]) -> dict[str, Any]:
    options, harmonics = encoder.options, encoder.options.harmonics
    if harmonics == "orthonormal":
        harmonics = "analytic"
        state[FIRST_WEIGHT] = on_analytic(state[FIRST_WEIGHT], options)
    sizes = options.model_dump(include=set(_SATCLIP_SIZES)) | {"embed_dim": encoder.width}
    return {
        "state_dict": {SATCLIP_PREFIX + key: value for key, value in state.items()},
        "hyper_parameters": sizes | _SATCLIP_FIXED | _SATCLIP_UNUSED | {"harmonics_calculation": harmonics},
    }
