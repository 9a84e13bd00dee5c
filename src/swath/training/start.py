"""The model that a run starts from."""

from __future__ import annotations

from typing import cast

from swath.errors import InputError, ModelError, RecipeError
from swath.models import DualEncoder, ModelConfig
from swath.models.backbones import find_weights
from swath.models.checkpoint import compare
from swath.models.location import LocationTower, read_published
from swath.models.positions import KEEP
from swath.models.stretch import parted, stretched
from swath.training.recipe import Recipe
from swath.training.transplant import transplanted


def starting_model(recipe: Recipe) -> DualEncoder:
    """The model that a run starts from (see `_starting`), its location encoder a published one where the recipe says.

    Raises:
        RecipeError: ``init`` or ``init_location`` cannot become the recipe's model.
        ModelError: there is no such ``init``.
        CheckpointError: one of them cannot be read.
    """
    encoder = _starting(recipe)
    if recipe.init_location is not None:
        _fill_location(encoder, recipe.init_location)
    return encoder


def _starting(recipe: Recipe) -> DualEncoder:
    """A fresh model, or the recipe's ``init``, its text positions stretched or parted as the recipe's ``model`` asks.

    Where ``model.text.context_length`` is longer than that of ``init``, the positions are stretched, as Long-CLIP and
    LRSCLIP start (see `swath.models.positions`); with ``model.text.kept_positions`` the kept rows are not trained. What
    else may differ is said by ``init_fresh``, ``init_towers`` and ``init_unused`` (see `swath.training.transplant`).

    Raises:
        RecipeError: ``init`` cannot become the recipe's model.
        ModelError: there is no such ``init``.
        CheckpointError: it cannot be read.
    """
    if recipe.init is None:
        return DualEncoder(recipe.model)
    encoder = DualEncoder.from_pretrained(recipe.init, dtype="float32", device="cpu")
    try:
        encoder = _lengthened(encoder, recipe)
    except (ModelError, InputError) as error:
        raise RecipeError(
            f"init: {recipe.init!r} cannot be made the model that the recipe describes: {error}"
        ) from error
    if recipe.init_fresh or recipe.init_towers or recipe.init_unused:
        return transplanted(encoder, recipe)
    if encoder.config.identity() != recipe.model.identity():
        raise RecipeError(
            f"init: {recipe.init!r} is of another architecture than the recipe describes under model; "
            "describe it as its config.json does, say in what it differs (init_fresh, init_towers, init_unused), "
            "or leave init out"
        )
    if _captioner(encoder.config) != _captioner(recipe.model):
        raise RecipeError(
            f"init: the captioner of {recipe.init!r} is not the one under model.captioner; name text_decoder under "
            "init_fresh to begin with a new one, or under init_unused to go on without"
        )
    encoder.config = recipe.model
    return encoder


def _fill_location(encoder: DualEncoder, name: str) -> None:
    """Put the weights of a published location encoder into a model's."""
    file, _ = find_weights(name)
    found, mine = read_published(file), cast(LocationTower, encoder.location).encoder
    shapes = {key: tuple(value.shape) for key, value in mine.state_dict().items()}
    misfits = [] if found.options == mine.options else [f"{found.kind} with {found.options}"]
    misfits += compare(shapes, found.state_dict())
    if misfits:
        raise RecipeError(
            f"init_location: {file} is not the encoder that model.location describes ({mine.kind} with "
            f"{mine.options}): {'; '.join(misfits)}"
        )
    mine.load_state_dict(found.state_dict())


def _captioner(config: ModelConfig) -> dict[str, object] | None:
    return None if config.captioner is None else config.captioner.model_dump(exclude={"digest"})


def _lengthened(encoder: DualEncoder, recipe: Recipe) -> DualEncoder:
    wanted, found = recipe.model.text, encoder.config.text
    kept, before = (int(text.options.get("kept_positions", 0)) for text in (wanted, found))
    if wanted.context_length > found.context_length:
        encoder, before = stretched(encoder, keep=kept or KEEP, length=wanted.context_length), 0
    return parted(encoder, kept) if kept and kept != before else encoder
