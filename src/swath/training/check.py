"""Trying a recipe out: a run of two steps in a folder that is gone afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from swath.training.recipe import Recipe

EPOCHS = 2
_IMAGES = 8
"""In a batch, where no more are needed for two a process and part."""


def batch_shape(recipe: Recipe, processes: int) -> tuple[int, int]:
    """Images in a batch of the trial, and the parts it is cut into."""
    parts = min(recipe.batch.accumulate, 2)
    share = 2 * processes * parts
    size = share * max(1, _IMAGES // share)
    return (size, parts) if size <= recipe.batch.size else (recipe.batch.size, recipe.batch.accumulate)


def shortened(recipe: Recipe, folder: Path, processes: int) -> Recipe:
    """The recipe with small batches, one of each source in an epoch, two epochs, and every term taking part."""
    size, parts = batch_shape(recipe, processes)
    batch = recipe.batch.model_copy(update={"size": size, "accumulate": parts})
    sources = tuple(source.model_copy(update={"per_epoch": size}) for source in recipe.data.train)
    validation = recipe.data.validation.model_copy(update={"every": 1})
    data = recipe.data.model_copy(update={"train": sources, "validation": validation})
    optim = recipe.optim.model_copy(update={"epochs": EPOCHS})
    weak = recipe.objective.elimination
    weak = None if weak is None else weak.model_copy(update={"start_epoch": 1})
    objective = recipe.objective.model_copy(update={"elimination": weak})
    return recipe.model_copy(
        update={"batch": batch, "data": data, "optim": optim, "output": folder, "objective": objective}
    )


@contextmanager
def passing_folder(accelerator: Any) -> Iterator[Path]:  # noqa: ANN401 - a type of an optional package
    """A temporary folder that all processes know; the main one makes it, and removes it when all are done."""
    from accelerate.utils import broadcast_object_list

    made = tempfile.mkdtemp() if accelerator.is_main_process else ""
    (path,) = broadcast_object_list([made])
    try:
        yield Path(path)
        accelerator.wait_for_everyone()
    finally:
        if accelerator.is_main_process:
            shutil.rmtree(path, ignore_errors=True)
