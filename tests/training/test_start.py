from __future__ import annotations

from pathlib import Path

import pytest
import torch

from generate.models import TEXT, tiny_config, tiny_model
from generate.recipes import tiny_recipe
from swath.errors import RecipeError
from swath.models.positions import stretch_positions
from swath.training import Recipe
from swath.training.start import starting_model


def recipe(folder: Path, **text: object) -> Recipe:
    """A recipe that starts from a saved model of 32 positions, with another text tower."""
    base = tiny_recipe(folder)
    init = tiny_model().save_pretrained(folder / "start")
    return base.model_copy(update={"init": str(init), "model": tiny_config(text=TEXT | text)})


def test_a_longer_context_is_stretched_and_kept_rows_are_no_parameters(tmp_path: Path) -> None:
    asked = recipe(tmp_path, context_length=68, kept_positions=20)
    model = starting_model(asked)
    expected = stretch_positions(tiny_model().text.positional_embedding.detach(), keep=20, ratio=4)
    torch.testing.assert_close(model.text.positions().detach(), expected)
    trained = {name for name, _ in model.named_parameters() if "positional_embedding" in name and "text" in name}
    assert trained == {"text.positional_embedding_res"}
    assert model.config == asked.model


def test_the_same_context_starts_as_it_was_saved(tmp_path: Path) -> None:
    model = starting_model(recipe(tmp_path))
    for name, value in tiny_model().state_dict().items():
        torch.testing.assert_close(model.state_dict()[name], value)


def test_another_architecture_or_a_shorter_context_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="another architecture"):
        starting_model(recipe(tmp_path, layers=1))
    with pytest.raises(RecipeError, match="another architecture"):
        starting_model(recipe(tmp_path, context_length=16))
