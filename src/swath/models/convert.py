"""`swath convert`: foreign CLIP weights to a model directory that cannot be loaded wrongly.

OpenCLIP files carry weights and nothing else: not the activation, not the context length, not the statistics of the
pixels. Loading them with the wrong ones gives wrong vectors and no error. Here each is asked for once, checked, and
written down.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from swath.errors import CheckpointError, InputError
from swath.models import checkpoint, zoo
from swath.models.architecture import Architecture, infer
from swath.models.config import CLIP_MEAN, CLIP_STD, ModelConfig, SensorInput, TextConfig, TowerConfig
from swath.models.dual_encoder import DualEncoder
from swath.models.files import same
from swath.models.layers import Activation
from swath.models.positions import KEEP
from swath.models.routing import ANY_SENSOR

SECOND_TABLE = "positional_embedding_res"
"""Key of Long-CLIP's second position table, of which the rows from 20 on count; those before come from the first."""

_WRAPPERS = ("state_dict", "model_state_dict", "model")
_PREFIXES = ("module.", "_orig_mod.", "model.")
# Written by OpenAI's and OpenCLIP's exporters beside the weights; sizes and masks that shapes already tell.
_NOT_WEIGHTS = frozenset({"input_resolution", "context_length", "vocab_size", "attn_mask", "text.attn_mask"})


def convert_checkpoint(
    source: str | Path,
    out: str | Path,
    *,
    name: str | None = None,
    activation: Activation | None = None,
    mean: tuple[float, ...] | None = None,
    std: tuple[float, ...] | None = None,
    license: str | None = None,  # noqa: A002 - the config's own word
) -> ModelConfig:
    """Check a foreign checkpoint and write it as a model directory.

    What is not given is taken from the zoo, where the name or the file's own name is known there.

    Args:
        source: an OpenCLIP state dict: ``.pt``, ``.bin``, ``.safetensors``; plain, or wrapped in ``state_dict`` or
            ``module.``; Long-CLIP's two position tables stay two (`swath.models.stretch.joined` joins them).
        out: the directory to write.
        name: the model's name; by default the zoo's, else the file's.
        activation: what the weights were trained with; cannot be seen from them.
        mean: of the training pixels (0 to 1) by band; CLIP's by default.
        std: as `mean`.
        license: licence of the weights.

    Returns:
        the configuration as written.

    Raises:
        CheckpointError: unsafe or damaged file, unknown activation, unsupported architecture, keys or shapes that do
            not fit, or another architecture than the zoo says; or the model cannot be written.
        InputError: the model's weights would take the place of `source`.
    """
    source, out = Path(source), Path(out)
    if same(source, out / checkpoint.WEIGHTS_FILE):
        raise InputError(f"the model's weights would take the place of {source}; write it to another directory")
    state = unwrap(read_foreign(source))
    entry = zoo.find(name) if name else None
    entry = entry or zoo.find_file(source.name)
    chosen = activation or (entry.activation if entry else None)
    if chosen is None:
        known = f"for {entry.name} it is not known: {entry.note}" if entry else f"{source.name} is not in the zoo"
        raise CheckpointError(
            f"the activation of {source} cannot be seen from its weights, and {known}; give --activation quickgelu "
            "(OpenAI's CLIP and what was fine-tuned from it) or gelu (most of OpenCLIP's own)"
        )
    architecture = infer(state, chosen, str(source))
    if entry and entry.architecture != architecture.name:
        raise CheckpointError(f"{source} is a {architecture.name}, but {entry.name} is a {entry.architecture}")
    config = build_config(
        architecture,
        name or (entry.name if entry else source.stem),
        mean=mean or (entry.mean if entry else CLIP_MEAN),
        std=std or (entry.std if entry else CLIP_STD),
        license=license or (entry.license if entry else "unknown"),
        kept_positions=KEEP if SECOND_TABLE in state else 0,
        provenance={"file": source.name, "activation": _activation_origin(activation, entry)},
    )
    with torch.device("meta"):
        model = DualEncoder(config)
    misfits = checkpoint.compare({key: tuple(value.shape) for key, value in model.state_dict().items()}, state)
    if misfits:
        raise CheckpointError(f"{source} does not fit a {architecture.name}: {'; '.join(misfits)}")
    return checkpoint.write(state, config, out)


def build_config(
    architecture: Architecture,
    name: str,
    *,
    mean: tuple[float, ...] = CLIP_MEAN,
    std: tuple[float, ...] = CLIP_STD,
    license: str = "unknown",  # noqa: A002 - the config's own word
    kept_positions: int = 0,
    provenance: Mapping[str, Any] | None = None,
) -> ModelConfig:
    """The configuration of a CLIP or CoCa model: one RGB tower that takes a rendered picture of every sensor.

    Raises:
        CheckpointError: the tower takes other than three bands.
    """
    text = architecture.text.model_dump(exclude={"kept_positions"})
    if architecture.captioner is not None:
        text["type"] = "coca"
    if kept_positions:
        text["kept_positions"] = kept_positions
    pooled = architecture.vision.queries > 0
    data = {
        "name": name,
        "embed_dim": architecture.embed_dim,
        "text": TextConfig(context_length=architecture.context_length, **text).model_dump(),
        "towers": {
            "rgb": TowerConfig(
                image_size=architecture.image_size,
                bands=architecture.bands,
                mean=mean,
                std=std,
                **architecture.vision.model_dump(exclude=None if pooled else {"queries", "pooler_heads"}),
            ).model_dump()
        },
        "sensors": {ANY_SENSOR: SensorInput(tower="rgb").model_dump()},
        "captioner": architecture.captioner,
        "license": license,
        "provenance": dict(provenance or {}),
    }
    return ModelConfig.parse(data, name)


def read_foreign(source: Path) -> Any:  # noqa: ANN401 - whatever the file holds
    """Read a checkpoint without running anything that is in it.

    Raises:
        CheckpointError: no such file, damaged, or holding anything but tensors and plain values.
    """
    if not source.is_file():
        raise CheckpointError(f"there is no file {source}")
    if source.suffix.lower() == ".safetensors":
        return checkpoint.read_weights(source)
    try:
        return torch.load(source, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError(
            f"{source} is refused: it holds more than tensors and could run code when loaded. If you trust where it "
            f"comes from, save only its state_dict from the program that wrote it. ({_first_line(error)})"
        ) from error
    except (RuntimeError, OSError, EOFError, ValueError, LookupError, TypeError, AttributeError) as error:
        if "TorchScript" in str(error):
            raise CheckpointError(
                f"{source} is a TorchScript program, which is code, and is refused; take the safetensors edition of "
                "the same model (for OpenAI's CLIP see: swath models)"
            ) from error
        raise CheckpointError(f"{source} is damaged or not a PyTorch checkpoint: {_first_line(error)}") from error


def unwrap(data: Any) -> dict[str, Tensor]:  # noqa: ANN401 - whatever the file holds
    """The plain state dict inside a checkpoint: wrappers and prefixes taken off.

    Raises:
        CheckpointError: there is no state dict inside.
    """
    for key in _WRAPPERS:
        if isinstance(data, dict) and isinstance(data.get(key), dict):
            data = data[key]
            break
    if not isinstance(data, dict) or not data or not all(isinstance(key, str) for key in data):
        raise CheckpointError("the file holds no state dict (a dictionary of tensors by name)")
    state = {key: value for key, value in data.items() if isinstance(value, Tensor)}
    while prefix := next((one for one in _PREFIXES if state and all(key.startswith(one) for key in state)), ""):
        state = {key.removeprefix(prefix): value for key, value in state.items()}
    state = {key: value for key, value in state.items() if key not in _NOT_WEIGHTS}
    if "text.positional_embedding" in state and "text.cls_emb" not in state:  # OpenCLIP with a separate text module
        state = {key.removeprefix("text."): value for key, value in state.items()}
    if state.get("logit_scale", torch.empty(())).shape == (1,):
        state["logit_scale"] = state["logit_scale"][0]
    return state


def _activation_origin(given: Activation | None, entry: zoo.ZooEntry | None) -> str:
    if entry is None or entry.activation is None:
        return f"{given}, as given"
    if given is None:
        return f"{entry.activation}, from the zoo: {entry.note}"
    return f"{given}, as given" + ("" if given == entry.activation else f" (the zoo says {entry.activation})")


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0][:200] if str(error).strip() else type(error).__name__
