"""What a run needs to go on after a kill: one folder, replaced as a whole, never half written."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
import yaml
from torch import Tensor

from swath.errors import TrainingError
from swath.models.precision import choose_device
from swath.provenance import made_with
from swath.training.parts import RecipePart

_MODEL, _AVERAGE, _STATE = "model.safetensors", "average.safetensors", "state.pt"
_NAMED = 5
"""Fields that a message names at most."""


def save_state(
    folder: Path, model: Mapping[str, Tensor], average: Mapping[str, Tensor], state: Mapping[str, Any]
) -> None:
    """Write a checkpoint beside its place and then move it there, so that a kill at any moment leaves a whole one.

    Args:
        folder: where it goes; replaced if it exists.
        model: the state dict in training.
        average: the state dict of the moving average.
        state: optimiser state and progress: tensors, numbers, strings, lists and dictionaries only.
    """
    fresh, old = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for name, tensors in ((_MODEL, model), (_AVERAGE, average)):
        # Channels-last filters are stored in the plain order; values are the same.
        plain = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
        safetensors.torch.save_file(plain, fresh / name)
    torch.save(dict(state), fresh / _STATE)
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def find_state(folder: Path) -> Path | None:
    """The checkpoint to go on from: `folder`, or what it replaced where a kill came between the two renames."""
    for place in (folder, folder.with_name(folder.name + ".old")):
        if (place / _STATE).is_file():
            return place
    return None


def load_state(folder: Path) -> tuple[dict[str, Tensor], dict[str, Tensor], dict[str, Any]]:
    """Read what `save_state` wrote: model, average, state. Nothing in the files is executed.

    Raises:
        TrainingError: a file is missing or damaged.
    """
    try:
        model = safetensors.torch.load_file(folder / _MODEL)
        average = safetensors.torch.load_file(folder / _AVERAGE)
        state = torch.load(folder / _STATE, weights_only=True, map_location="cpu")
    except Exception as error:  # torch and safetensors raise many kinds for a damaged file
        raise TrainingError(f"cannot go on from {folder}: {error}; delete it to start anew") from error
    return model, average, state


def claim(folder: Path, recipe: RecipePart, ignored: Mapping[str, Any]) -> None:
    """Write a run's recipe into its folder, and what runs it; where a run can go on, see that it is of the same recipe.

    Args:
        folder: the run's folder; made where it is not there.
        recipe: the recipe.
        ignored: fields that may differ: True, or the fields of a part.

    Raises:
        TrainingError: the folder holds a run of another recipe.
    """
    file = folder / "recipe.yaml"
    if find_state(folder / "last") is not None and file.is_file():
        here = recipe.parse(yaml.safe_load(file.read_text(encoding="utf-8")), str(file))
        differing = _differing(here.model_dump(exclude=dict(ignored)), recipe.model_dump(exclude=dict(ignored)))
        if differing:
            raise TrainingError(
                f"{folder} holds a run of another recipe (see {file}; it differs in {', '.join(differing[:_NAMED])}); "
                "give another output=, or delete it"
            )
    folder.mkdir(parents=True, exist_ok=True)
    file.write_text(recipe.to_yaml(), encoding="utf-8")
    with (folder / "started.jsonl").open("a", encoding="utf-8") as opened:
        opened.write(json.dumps(_started(recipe)) + "\n")


def _differing(one: object, other: object, where: str = "") -> list[str]:
    """Names of the fields in which two recipes differ."""
    if isinstance(one, dict) and isinstance(other, dict):
        keys = [*one, *(key for key in other if key not in one)]
        return [
            name
            for key in keys
            for name in _differing(one.get(key), other.get(key), f"{where}.{key}" if where else str(key))
        ]
    return [] if one == other else [where]


def _started(recipe: RecipePart) -> dict[str, Any]:
    """What a start of a run ran on: a run that goes on after a kill has an entry for every start."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": sys.argv,
        "seed": getattr(recipe, "seed", None),
        "device": str(choose_device()),
        "processes": int(os.environ.get("WORLD_SIZE", "1")),
        "threads": torch.get_num_threads(),
        **made_with(),
    }
