"""The model that a run starts from."""

from __future__ import annotations

from swath.errors import InputError, ModelError, RecipeError
from swath.models import DualEncoder, ModelConfig
from swath.models.positions import KEEP
from swath.models.stretch import parted, stretched
from swath.training.recipe import Recipe
from swath.training.transplant import transplanted


def starting_model(recipe: Recipe) -> DualEncoder:
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


def _captioner(config: ModelConfig) -> dict[str, object] | None:
    return None if config.captioner is None else config.captioner.model_dump(exclude={"digest"})


def _lengthened(encoder: DualEncoder, recipe: Recipe) -> DualEncoder:
    wanted, found = recipe.model.text, encoder.config.text
    kept, before = (int(text.options.get("kept_positions", 0)) for text in (wanted, found))
    if wanted.context_length > found.context_length:
        encoder, before = stretched(encoder, keep=kept or KEEP, length=wanted.context_length), 0
    return parted(encoder, kept) if kept and kept != before else encoder
