"""What was trained beside a model's frozen parts, put beside that model's own weights: a captioner, vision towers."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from swath.errors import CheckpointError
from swath.models import checkpoint
from swath.models.adapters.transformers import FOLDER
from swath.models.answerer.config import CONFIG as ANSWERER
from swath.models.answerer.config import WEIGHTS as ANSWERER_WEIGHTS
from swath.models.config import ModelConfig
from swath.models.files import same
from swath.models.hub import resolve
from swath.models.keys import is_text, vision_prefix
from swath.models.precision import DType, choose_dtype

TOLERANCE = 2e-2
"""Largest difference, relative to a tensor's largest value, that rounding a model's weights can leave."""


def attach_captioner(
    model: str | Path, trained: str | Path, out: str | Path, dtype: DType | torch.dtype = "float16"
) -> ModelConfig:
    """Write a model with the captioner of another one; its own weights and answerer stay, and so does its id.

    Args:
        model: a name or directory of `DualEncoder.from_pretrained`.
        trained: the directory of the model with the captioner; its towers are those of `model`.
        out: the directory to write.
        dtype: precision in which the captioner is stored.

    Returns:
        the configuration as written.

    Raises:
        CheckpointError: `trained` has no captioner, or its towers are not those of `model`: a decoder knows only what
            its own towers show it.
        ModelError: there is no such model.
    """
    own, other = resolve(str(model)), resolve(str(trained))
    config, source = ModelConfig.load(own), ModelConfig.load(other)
    if source.captioner is None:
        raise CheckpointError(f"{trained} has no captioner to attach")
    state = checkpoint.read_weights(own / checkpoint.WEIGHTS_FILE)
    misfits = _misfits(state, checkpoint.read_weights(other / checkpoint.WEIGHTS_FILE))
    if misfits:
        raise CheckpointError(
            f"the captioner of {trained} was trained on other towers than those of {model} ({misfits[0]}, ...): train "
            "it with init on this model and with its towers under optim.freeze"
        )
    precision = choose_dtype(dtype, torch.device("cpu"))
    written = checkpoint.read_weights(other / checkpoint.CAPTIONER_FILE)
    state |= {key: value.to(precision) for key, value in written.items()}
    provenance = {**config.provenance, "captioner": source.provenance.get("captioner", str(source.name))}
    config = config.model_copy(update={"captioner": source.captioner, "provenance": provenance})

    def others(place: Path) -> None:
        if not same(place, own):
            for file in (ANSWERER_WEIGHTS, ANSWERER):  # the id stays, and with it the features that an answerer knows
                if (own / file).is_file():
                    shutil.copyfile(own / file, place / file)

    return checkpoint.write(state, config, Path(out), others)


def attach_towers(
    model: str | Path,
    trained: str | Path,
    towers: Sequence[str],
    out: str | Path,
    dtype: DType | torch.dtype = "float16",
) -> ModelConfig:
    """Write a model with vision towers of another one, which was trained with the same text tower.

    The sensors that `trained` sends to these towers go there now; a tower of the same name is replaced.

    Args:
        model: a name or directory of `DualEncoder.from_pretrained`.
        trained: the model that has the towers.
        towers: their names.
        out: the directory to write.
        dtype: precision in which the towers are stored.

    Returns:
        the configuration as written.

    Raises:
        CheckpointError: `trained` has no such tower, or its text tower is another one: vectors of two text towers do
            not compare.
        ModelError: there is no such model.
    """
    own, other = resolve(str(model)), resolve(str(trained))
    config, source = ModelConfig.load(own), ModelConfig.load(other)
    missing = [name for name in towers if name not in source.towers]
    if missing or not towers:
        raise CheckpointError(
            f"{trained} has no tower {', '.join(missing) or '(none named)'}: {', '.join(source.towers)}"
        )
    if source.text.model_dump(exclude={"sentences"}) != config.text.model_dump(exclude={"sentences"}):
        raise CheckpointError(f"{trained} has another text tower than {model}; towers of one cannot serve the other")
    state = checkpoint.read_state(own, config)
    found = checkpoint.read_weights(other / checkpoint.WEIGHTS_FILE)
    misfits = _misfits(_texts(state), _texts(found))
    if misfits:
        raise CheckpointError(
            f"the towers of {trained} were trained with another text tower than that of {model} ({misfits[0]}, ...): "
            "train them with init on this model and with text under optim.freeze"
        )
    prefixes = tuple(vision_prefix(name) for name in towers)
    precision = choose_dtype(dtype, torch.device("cpu"))
    state = {key: value for key, value in state.items() if not key.startswith(prefixes)}
    state |= {
        key: value.to(precision) if value.is_floating_point() else value
        for key, value in found.items()
        if key.startswith(prefixes)
    }

    def others(place: Path) -> None:
        if (own / FOLDER).is_dir() and not same(place, own):
            shutil.copytree(own / FOLDER, place / FOLDER, dirs_exist_ok=True)

    return checkpoint.write(state, _with_towers(config, source, towers), Path(out), others)


def _with_towers(config: ModelConfig, source: ModelConfig, towers: Sequence[str]) -> ModelConfig:
    """The configuration with another one's towers, and the routes to them."""
    routes = {sensor: route for sensor, route in source.sensors.items() if route.tower in towers}
    note = {"towers": f"{', '.join(towers)} of {source.name} ({source.provenance.get('recipe', 'recipe unknown')})"}
    return config.model_copy(
        update={
            "towers": {**config.towers, **{name: source.towers[name] for name in towers}},
            "sensors": {**config.sensors, **routes},
            "provenance": {**config.provenance, **note},
        }
    )


def _texts(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights of the text tower."""
    return {key: value for key, value in state.items() if is_text(key)}


def _misfits(state: Mapping[str, torch.Tensor], other: Mapping[str, torch.Tensor]) -> list[str]:
    """What tells two sets of weights apart, beyond rounding."""
    misfits = checkpoint.compare({key: tuple(value.shape) for key, value in state.items()}, other)
    return misfits or [key for key, value in state.items() if _differ(value, other[key])]


def _differ(one: torch.Tensor, other: torch.Tensor) -> bool:
    if not one.is_floating_point():
        return False
    gap = (one.float() - other.float()).abs().max()
    return bool(gap > TOLERANCE * other.float().abs().max().clamp(min=1e-6))
