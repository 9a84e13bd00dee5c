"""Checkpoints of location encoders laid out as SatCLIP's and GeoCLIP's, and what these compute, in plain numpy."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.special import sph_harm_y
from torch import Tensor

Array = NDArray[np.float64]
DEGREES, CAPACITY, SATCLIP_WIDTH = 6, 24, 20
FREQUENCIES, HIDDEN, GEOCLIP_WIDTH = 12, 16, 10
SIGMAS = (1.0, 16.0, 256.0)


def satclip(seed: int = 0, **changes: Any) -> dict[str, Any]:
    """A Lightning checkpoint: float64 location encoder (twice, as the module tree has it) beside an image tower."""
    generator = torch.Generator().manual_seed(seed)

    def uniform(*shape: int, bound: float) -> Tensor:
        return (2 * torch.rand(*shape, generator=generator, dtype=torch.float64) - 1) * bound

    nnet = {}
    for index, width in enumerate((DEGREES**2, CAPACITY)):
        nnet[f"nnet.layers.{index}.weight"] = uniform(CAPACITY, width, bound=1 / width if index == 0 else 0.5)
        nnet[f"nnet.layers.{index}.bias"] = uniform(CAPACITY, bound=0.03)
    nnet["nnet.last_layer.weight"] = uniform(SATCLIP_WIDTH, CAPACITY, bound=0.5)
    nnet["nnet.last_layer.bias"] = uniform(SATCLIP_WIDTH, bound=0.5)
    state = {
        "model.logit_scale": torch.tensor(2.66),
        "model.visual.conv1.weight": torch.zeros(4, 13, 3, 3),
        **{f"model.{key}": value for key, value in nnet.items()},
        **{f"model.location.{key}": value for key, value in nnet.items()},
    }
    sizes = {
        "embed_dim": SATCLIP_WIDTH,
        "image_resolution": 256,
        "vision_layers": "moco_resnet50",
        "le_type": "sphericalharmonics",
        "pe_type": "siren",
        "frequency_num": 16,
        "max_radius": 0.01,
        "min_radius": 360,
        "legendre_polys": DEGREES,
        "harmonics_calculation": "analytic",
        "num_hidden_layers": 2,
        "capacity": CAPACITY,
    }
    return {"epoch": 499, "state_dict": state, "hyper_parameters": sizes | changes}


def geoclip(seed: int = 0) -> dict[str, Tensor]:
    """The state dict of GeoCLIP's location encoder."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for branch, sigma in enumerate(SIGMAS):
        state[f"LocEnc{branch}.capsule.0.b"] = sigma * torch.randn(FREQUENCIES, 2, generator=generator)
        sizes = {"capsule.1": (HIDDEN, 2 * FREQUENCIES), "capsule.3": (HIDDEN, HIDDEN), "capsule.5": (HIDDEN, HIDDEN)}
        for name, shape in (sizes | {"head.0": (GEOCLIP_WIDTH, HIDDEN)}).items():
            state[f"LocEnc{branch}.{name}.weight"] = torch.randn(*shape, generator=generator) / math.sqrt(shape[1])
            state[f"LocEnc{branch}.{name}.bias"] = 0.1 * torch.randn(shape[0], generator=generator)
    return state


def harmonics(lonlat: Array, degrees: int) -> Array:
    """(N, L * L) orthonormal real spherical harmonics by scipy, without the Condon-Shortley sign."""
    phi, theta = np.radians(lonlat[:, 0] + 180), np.radians(lonlat[:, 1] + 90)
    columns = []
    for degree in range(degrees):
        for order in range(-degree, degree + 1):
            value = sph_harm_y(degree, abs(order), theta, phi)
            part = value.imag if order < 0 else value.real
            columns.append(part * (1 if order == 0 else math.sqrt(2) * (-1) ** order))
    return np.stack(columns, axis=1)


def satclip_vectors(checkpoint: dict[str, Any], lonlat: Array) -> Array:
    """What SatCLIP's code computes in float64, its analytic harmonics (order 0 times pi) or closed form included."""
    state = {key: value.numpy() for key, value in checkpoint["state_dict"].items()}
    features = harmonics(lonlat, DEGREES)
    orders = np.concatenate([np.arange(-degree, degree + 1) for degree in range(DEGREES)])
    if checkpoint["hyper_parameters"]["harmonics_calculation"] == "analytic":
        features = features * np.where(orders == 0, math.pi, 1.0)
    else:
        features = features * (-1.0) ** orders
    for layer, frequency in (("layers.0", 30.0), ("layers.1", 1.0)):
        name = f"model.location.nnet.{layer}"
        features = np.sin(frequency * (features @ state[f"{name}.weight"].T + state[f"{name}.bias"]))
    last = "model.location.nnet.last_layer"
    return features @ state[f"{last}.weight"].T + state[f"{last}.bias"]


def geoclip_vectors(state: dict[str, Tensor], latlon: Array) -> Array:
    """What GeoCLIP's code computes, in float64; its axis order: latitude first."""
    lat, lon = np.radians(latlon).T
    theta = np.arcsin(math.sqrt(3) / 2 * np.sin(lat))
    a1, a2, a3, a4 = 1.340264, -0.081106, 0.000893, 0.003796
    below = 3 * (9 * a4 * theta**8 + 7 * a3 * theta**6 + 3 * a2 * theta**2 + a1)
    x = 2 * math.sqrt(3) * lon * np.cos(theta) / below
    y = a4 * theta**9 + a3 * theta**7 + a2 * theta**3 + a1 * theta
    position = np.stack([x, y], axis=1) * 66.50336 / 180
    total = np.zeros((len(latlon), GEOCLIP_WIDTH))
    for branch in range(len(SIGMAS)):
        own = {
            key.removeprefix(f"LocEnc{branch}."): value.double().numpy()
            for key, value in state.items()
            if key.startswith(f"LocEnc{branch}.")
        }
        phase = 2 * math.pi * position @ own["capsule.0.b"].T
        hidden = np.concatenate([np.cos(phase), np.sin(phase)], axis=1)
        for layer in ("capsule.1", "capsule.3", "capsule.5"):
            hidden = np.maximum(hidden @ own[f"{layer}.weight"].T + own[f"{layer}.bias"], 0)
        total += hidden @ own["head.0.weight"].T + own["head.0.bias"]
    return total
