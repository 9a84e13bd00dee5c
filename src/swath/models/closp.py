"""CLOSP and GeoCLOSP from and to the directories that their authors publish.

``config.json`` and ``model.safetensors``, the latter with the module tree of their code: ``s1_encoder.`` and
``s2_encoder.`` (timm's keys, in ResNets and one vision transformer with the classifier of 1000 outputs),
``s1_projection.`` and ``s2_projection.``, ``text_model.`` (MiniLM), and in GeoCLOSP ``location_encoder.`` (SatCLIP's)
and ``location_projection.``. Architectures are read off the weights; the configuration is checked against them, kept,
and written back. (The names account for CLOSP-RN's published 299,001,336 bytes to the byte.)

Bands go by name. The S2 tower was trained on 13, with zeros for B10, which L2A does not have, and zeros where there
was no data; the S1 tower on decibels as they are, with 1e-6 where there was no data.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from swath.bands import S1_BANDS, S2_L1C_BANDS
from swath.errors import CheckpointError, InputError, ModelError
from swath.models import checkpoint, timm_shapes
from swath.models.adapters.transformers import FOLDER, TransformersText
from swath.models.config import CONFIG_FILE, ModelConfig, TowerConfig
from swath.models.files import same, whole
from swath.models.location.encoders import FIRST_WEIGHT, SatCLIPOptions, on_analytic
from swath.models.towers import parse_options

TEXT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
"""Where the text tower's configuration and tokenizer come from: CLOSP's directories have neither."""

TEXT_LENGTH = 64
"""Most tokens of a text in CLOSP's code."""

CHIP_SIZE = 120
"""Side of CrisisLandMark's images, which ResNets take as they are."""

LOGIT_SCALE = "logit_scale_init_value"
"""Key of the constant that similarities are multiplied by while training; it is no weight."""

_OWN_CONFIG = "closp_config"
# (prefix in CLOSP's file, prefix in swath's state dict)
_PREFIXES = (
    ("s1_encoder.", "towers.s1.backbone."),
    ("s2_encoder.", "towers.s2.backbone."),
    ("s1_projection.", "towers.s1.proj."),
    ("s2_projection.", "towers.s2.proj."),
    ("text_model.", "text.encoder."),
    ("location_encoder.", "location.encoder."),
    ("location_projection.", "location.projection."),
)
_BANDS = {"s1": S1_BANDS, "s2": S2_L1C_BANDS}
_SCALES = {"s1": (1.0, "db"), "s2": (1e4, "reflectance1e4")}
_ROUTES: dict[str, dict[str, Any]] = {
    "s1-grd": {"tower": "s1", "input": "bands", "statistics": "tower", "nodata": 1e-6},
    "s1-grd-linear": {"tower": "s1", "input": "bands", "statistics": "tower", "nodata": 1e-6},
    "s2-l1c": {"tower": "s2", "input": "bands", "statistics": "tower", "nodata": 0.0},
    "s2-l2a": {"tower": "s2", "input": "bands", "statistics": "tower", "nodata": 0.0, "fill": {"B10": 0.0}},
}


def is_closp(directory: Path) -> bool:
    """Whether a directory looks like one of CLOSP's: a configuration and weights, and not a swath model."""
    file = directory / CONFIG_FILE
    if not file.is_file() or not (directory / checkpoint.WEIGHTS_FILE).is_file():
        return False
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(data, dict) and "towers" not in data and any(key.startswith("s1_") for key in data)


def convert_closp(
    directory: str | Path, out: str | Path, *, name: str | None = None, text: str | None = None
) -> ModelConfig:
    """Write a CLOSP directory as a model directory.

    Args:
        directory: as published.
        out: the directory to write.
        name: the model's name; by default the directory's.
        text: directory or hub id of the text tower's configuration and tokenizer; by default the folder ``text``, which
            `export_closp` writes, else `TEXT_MODEL`.

    Returns:
        the configuration as written.

    Raises:
        CheckpointError: a file is missing or damaged, keys or shapes do not fit, or the configuration says otherwise.
        ModelError: the text tower's configuration and tokenizer cannot be found.
        MissingExtraError: timm or transformers is not installed.
        InputError: `out` is `directory`.
    """
    from swath.models.dual_encoder import DualEncoder

    directory, out = Path(directory), Path(out)
    if same(out, directory):
        raise InputError(f"{out} is the CLOSP directory itself; write the model to another one")
    settings = _settings(directory)
    stored = checkpoint.read_weights(directory / checkpoint.WEIGHTS_FILE)
    state = _renamed(stored, directory)
    state["logit_scale"] = torch.tensor(math.log(_scale(settings, directory)))
    config = _config(state, settings, name or directory.name, directory)
    found = text or (str(directory / FOLDER) if (directory / FOLDER).is_dir() else TEXT_MODEL)
    tower = config.text.model_copy(update={"source": found})
    try:
        model = DualEncoder(config.model_copy(update={"text": tower}))
    except CheckpointError:
        raise
    except ModelError as error:
        raise ModelError(f"{error}; where the text encoder is elsewhere, say so with --text DIRECTORY") from error
    misfits = checkpoint.compare({key: tuple(value.shape) for key, value in model.state_dict().items()}, state)
    if misfits:
        raise CheckpointError(f"{directory / checkpoint.WEIGHTS_FILE} does not fit: {'; '.join(misfits)}")
    # Weights are written as they are stored, so that they go out again bit by bit the same.
    return checkpoint.write(state, config, out, cast(TransformersText, model.text).save_files)


def export_closp(model: str | Path, out: str | Path) -> dict[str, Tensor]:
    """Write a model of CLOSP's form as a directory that CLOSP's code loads.

    Args:
        model: a name or directory of `DualEncoder.from_pretrained`.
        out: the directory; its configuration appears last.

    Harmonics of a location tower that are not SatCLIP's analytic ones go over into its first weight.

    Returns:
        the weights as written.

    Raises:
        CheckpointError: the model is of another form, so that CLOSP's code would give other vectors: other towers than
            s1 and s2 of timm, a text tower that is no transformers encoder, has a projection or does not take the first
            token, other bands or statistics; or a file cannot be written.
        InputError: `out` is the model's own directory.
        ModelError: there is no such model.
    """
    import safetensors.torch

    from swath.models.hub import resolve

    source, out = resolve(str(model)), Path(out)
    if same(out, source):
        raise InputError(f"{out} is the model itself; write CLOSP's directory to another place")
    config = ModelConfig.load(source)
    _check_form(config)
    if not (source / FOLDER).is_dir():
        raise CheckpointError(f"{source} lacks the folder {FOLDER!r} with its text encoder's configuration")
    state = checkpoint.read_weights(source / checkpoint.WEIGHTS_FILE)
    scale = math.exp(float(state.pop("logit_scale")))
    written = {published_name(key): value for key, value in state.items()}
    if config.location is not None:
        first = f"location_encoder.{FIRST_WEIGHT}"
        written[first] = on_analytic(written[first], parse_options(SatCLIPOptions, config.location))
    with whole(out / checkpoint.WEIGHTS_FILE) as place:
        safetensors.torch.save_file(written, place, metadata={"format": "pt"})
        (out / CONFIG_FILE).unlink(missing_ok=True)
    shutil.copytree(source / FOLDER, out / FOLDER, dirs_exist_ok=True)
    settings = dict(config.provenance.get(_OWN_CONFIG) or {"model_type": "closp"}) | _described(written)
    kept = settings.get(LOGIT_SCALE)
    # The logarithm is rounded: the constant that came in goes out as it was.
    if not isinstance(kept, int | float) or not math.isclose(kept, scale, rel_tol=1e-6):
        settings[LOGIT_SCALE] = scale
    with whole(out / CONFIG_FILE) as place:
        place.write_text(json.dumps(settings, indent=2) + "\n", encoding="utf-8")
    return written


def published_name(key: str) -> str:
    """What CLOSP's file calls a weight of a swath model.

    Raises:
        CheckpointError: it has no such part.
    """
    return _swapped(key, 1, 0)


def _settings(directory: Path) -> dict[str, Any]:
    file = directory / CONFIG_FILE
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"cannot read {file}: {error.strerror or error}") from error
    except ValueError as error:
        raise CheckpointError(f"{file} is not valid JSON: {error}") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{file} holds no table of settings")
    return data


def _scale(settings: Mapping[str, Any], directory: Path) -> float:
    scale = settings.get(LOGIT_SCALE, 1.0)
    if not isinstance(scale, int | float) or not 0 < scale < math.inf:
        raise CheckpointError(f"{directory / CONFIG_FILE}: {LOGIT_SCALE} is {scale!r}, not a number above 0")
    return float(scale)


def _swapped(key: str, old: int, new: int) -> str:
    for pair in _PREFIXES:
        if key.startswith(pair[old]):
            return pair[new] + key.removeprefix(pair[old])
    raise CheckpointError(f"{key} is no weight of CLOSP's; its are {', '.join(pair[old] for pair in _PREFIXES)}")


def _renamed(stored: Mapping[str, Tensor], directory: Path) -> dict[str, Tensor]:
    wanted = ("s1_encoder.", "s2_encoder.", "s1_projection.weight", "s2_projection.weight", "text_model.")
    lacking = [part for part in wanted if not any(key.startswith(part) for key in stored)]
    if lacking:
        raise CheckpointError(f"{directory / checkpoint.WEIGHTS_FILE} lacks {', '.join(lacking)}: it is no CLOSP model")
    return {_swapped(key, 0, 1): value for key, value in stored.items()}


def _config(state: Mapping[str, Tensor], settings: Mapping[str, Any], name: str, directory: Path) -> ModelConfig:
    width = state["towers.s1.proj.weight"].shape[0]
    weights = {key: value for key, value in state.items() if key != "logit_scale"}
    described = _described({published_name(key): value for key, value in weights.items()})
    wrong = [
        f"{key} is {settings[key]}, but the weights have {value}"
        for key, value in described.items()
        if key in settings and settings[key] != value
    ]
    if wrong:
        raise CheckpointError(f"{directory / CONFIG_FILE}: {'; '.join(wrong)}")
    data: dict[str, Any] = {
        "name": name,
        "embed_dim": width,
        "text": {
            "type": "transformers",
            "context_length": TEXT_LENGTH,
            "source": TEXT_MODEL,
            "pooling": "cls",
            "projection": False,
        },
        "towers": {key: _tower(key, state, directory) for key in _BANDS},
        "sensors": _ROUTES,
        "license": "creativeml-openrail-m",
        "provenance": {"layout": "closp", "directory": directory.name, _OWN_CONFIG: dict(settings)},
    }
    if "location.projection.weight" in state:
        data["location"] = _location(state, directory)
    return ModelConfig.parse(data, str(directory))


def _tower(key: str, state: Mapping[str, Tensor], directory: Path) -> dict[str, Any]:
    prefix = f"towers.{key}.backbone."
    own = {name.removeprefix(prefix): value for name, value in state.items() if name.startswith(prefix)}
    shape = timm_shapes.infer(own, f"{directory / checkpoint.WEIGHTS_FILE}: {key}_encoder")
    bands, (std, units) = _BANDS[key], _SCALES[key]
    if shape.bands != len(bands):
        raise CheckpointError(
            f"{directory}: {key}_encoder takes {shape.bands} bands, not {len(bands)}: {', '.join(bands)}"
        )
    return {
        "type": "timm",
        "model": shape.model,
        "arguments": shape.arguments,
        "head": shape.classes,
        "bias": True,
        "image_size": shape.image_size or CHIP_SIZE,
        "bands": len(bands),
        "band_names": bands,
        "mean": [0.0] * len(bands),
        "std": [std] * len(bands),
        "units": units,
        "resize": "squash",
        "interpolation": "bilinear",
    }


def _location(state: Mapping[str, Tensor], directory: Path) -> dict[str, Any]:
    layers = sorted(key for key in state if key.startswith("location.encoder.nnet.layers.") and key.endswith(".weight"))
    first, last = (state.get(f"location.encoder.{key}") for key in (FIRST_WEIGHT, "nnet.last_layer.weight"))
    if first is None or last is None:
        raise CheckpointError(f"{directory / checkpoint.WEIGHTS_FILE}: location_encoder is not SatCLIP's")
    return {
        "type": "satclip",
        "width": last.shape[0],
        "legendre_polys": math.isqrt(first.shape[1]),
        "num_hidden_layers": len(layers),
        "capacity": first.shape[0],
        "harmonics": "analytic",
    }


def _described(stored: Mapping[str, Tensor]) -> dict[str, Any]:
    """What CLOSP's configuration says of the sizes, as the weights have them."""
    found: dict[str, Any] = {}
    for key in _BANDS:
        head = next(
            (stored[name] for part in ("fc", "head") if (name := f"{key}_encoder.{part}.weight") in stored), None
        )
        found[f"{key}_embedding_dim"] = stored[f"{key}_projection.weight"].shape[1]
        found[f"{key}_head_dim"] = 0 if head is None else head.shape[0]
    location = stored.get("location_projection.weight")
    if location is not None:
        found["location_embedding_dim"] = location.shape[1]
    return found


def _check_form(config: ModelConfig) -> None:
    wrong = []
    if {name: tower.type for name, tower in config.towers.items()} != {"s1": "timm", "s2": "timm"}:
        wrong.append("its image towers are not s1 and s2, both of timm")
    else:
        for name, bands in _BANDS.items():
            tower = config.towers[name]
            if tower.band_names != bands:
                wrong.append(f"tower {name} takes {', '.join(tower.band_names or ())}, not {', '.join(bands)}")
            elif not _as_closp(config, name, tower):
                wrong.append(f"pixels of tower {name} are not just divided by {_SCALES[name][0]:g}")
            if not tower.options.get("bias", False):
                wrong.append(f"the projection of tower {name} has no bias")
    if config.text.type != "transformers" or config.text.options.get("projection", True):
        wrong.append("its text tower is no transformers encoder without projection")
    elif config.text.options.get("pooling") != "cls":
        wrong.append("its text tower does not take the first token (pooling: cls)")
    if config.location is not None and config.location.type != "satclip":
        wrong.append("its location tower is not SatCLIP's")
    elif config.location is not None and config.location.width in (None, config.embed_dim):
        wrong.append("its location tower has no projection")
    if config.captioner is not None:
        wrong.append("it writes captions")
    if wrong:
        raise CheckpointError(f"{config.name} cannot be written as CLOSP: {'; '.join(wrong)}")


def _as_closp(config: ModelConfig, name: str, tower: TowerConfig) -> bool:
    """Whether a tower sees pixels as CLOSP's code shows them: in the sensor's units, divided by one number."""
    scale, units = _SCALES[name]
    routes = [route for route in config.sensors.values() if route.tower == name]
    as_they_are = all(route.input == "bands" and route.statistics == "tower" for route in routes)
    return as_they_are and tower.units == units and set(tower.mean) == {0.0} and set(tower.std) == {scale}
