"""A new model that starts with the weights of another one, as far as they have parts in common."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from swath.bands import RGB_BANDS
from swath.errors import CheckpointError, InputError, RecipeError
from swath.models import DualEncoder
from swath.models.checkpoint import compare
from swath.models.config import ModelConfig
from swath.models.stems import adapt_stem, stem_key, usual_bands
from swath.sensors import SENSORS
from swath.training.freezing import check_parts, under
from swath.training.recipe import Recipe


def transplanted(source: DualEncoder, recipe: Recipe) -> DualEncoder:
    """The recipe's model, filled from another one.

    Parts under `Recipe.init_fresh` stay as a fresh model has them; towers named in `Recipe.init_towers` are copied from
    another tower, their first layer carried over by the names of the bands (see `swath.models.stems`); everything else
    must be in `source` with the same shape, and `source` must have nothing else but what `Recipe.init_unused` names.

    Args:
        source: the model that `Recipe.init` names.
        recipe: what becomes of it.

    Raises:
        RecipeError: a name stands for nothing, or weights are missing, left over or of another shape; the message names
            them.
    """
    model = DualEncoder(recipe.model)
    towers = {name for name in recipe.init_towers if name not in model.towers}
    unknown = {name for name in recipe.init_towers.values() if name not in source.towers}
    if towers or unknown:
        known = f"model has {', '.join(model.towers)}; {recipe.init!r} has {', '.join(source.towers)}"
        raise RecipeError(f"init_towers: no tower {', '.join(sorted(towers | unknown))}: {known}")
    check_parts(model, recipe.init_fresh, "init_fresh")
    check_parts(source, recipe.init_unused, "init_unused")
    given, wanted = _weights(source), _weights(model)
    taken = {key: _origin(key, recipe.init_towers) for key in wanted if not _among(key, recipe.init_fresh)}
    found = {key: given[origin] for key, origin in taken.items() if origin in given}
    try:
        for name, origin in recipe.init_towers.items():
            _fit_bands(found, name, _bands(source.config, origin), _bands(model.config, name))
    except (CheckpointError, InputError) as error:
        raise RecipeError(f"init_towers: the first layer of a tower cannot be fitted: {error}") from error
    gone = (*recipe.init_unused, *recipe.init_fresh)  # what begins anew takes the place of what was there
    left = {key: given[key] for key in given.keys() - set(taken.values()) if not _among(key, gone)}
    misfits = compare({key: tuple(wanted[key].shape) for key in taken}, found | left)
    if misfits:
        raise RecipeError(
            f"init: {recipe.init!r} does not fit the recipe's model: {'; '.join(misfits)}. Declare parts that it lacks "
            "under init_fresh, parts that the model lacks under init_unused, towers to be copied under init_towers"
        )
    with torch.no_grad():
        for key, value in found.items():
            wanted[key].copy_(value)
    return model


def _weights(model: DualEncoder) -> dict[str, Tensor]:
    """Parameters and stored buffers by their names in the module tree, which is not that of files."""
    stored = {id(value) for value in model.state_dict(keep_vars=True).values()}
    tensors = dict(model.named_parameters()) | dict(model.named_buffers())
    return {name: value for name, value in tensors.items() if id(value) in stored}


def _among(key: str, parts: tuple[str, ...]) -> bool:
    return any(under(key, part) for part in parts)


def _origin(key: str, towers: Mapping[str, str]) -> str:
    """The key of the weight that a weight of the new model starts from."""
    for name, origin in towers.items():
        prefix = f"towers.{name}."
        if key.startswith(prefix):
            return f"towers.{origin}.{key.removeprefix(prefix)}"
    return key


def _fit_bands(found: dict[str, Tensor], tower: str, old: tuple[str, ...], new: tuple[str, ...]) -> None:
    """Carry the first layer of a tower over to other bands, in place."""
    prefix = f"towers.{tower}."
    own = {key.removeprefix(prefix): value for key, value in found.items() if key.startswith(prefix)}
    key = stem_key(own)
    found[prefix + key] = adapt_stem(own[key], old, new)


def _bands(config: ModelConfig, tower: str) -> tuple[str, ...]:
    """Names of the bands that a tower takes."""
    entry = config.towers[tower]
    if entry.band_names is not None:
        return tuple(entry.band_names)
    for sensor, route in config.sensors.items():
        if route.tower == tower:
            return RGB_BANDS if route.input == "rgb" else tuple(SENSORS[sensor].band_names)
    names = usual_bands(entry.band_count)
    if names is None:
        raise InputError(f"tower {tower!r} has no sensor that tells its bands: give its band_names")
    return names
