from __future__ import annotations

from pathlib import Path

import pytest
from torch import nn

from generate.recipes import tiny_recipe
from swath.errors import DataError, RecipeError
from swath.models import DualEncoder
from swath.training.batches import TrainingSet
from swath.training.masking import build_masker
from swath.training.objective import KeywordsRecipe


def test_keywords_come_from_the_training_captions_and_templates(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path)
    data, encoder = TrainingSet(recipe), DualEncoder(recipe.model)
    masker = build_masker(KeywordsRecipe(), data, recipe.data.root, encoder)
    assert {"planes", "forest", "picture"} <= masker.words
    assert "a" not in masker.words
    batch = data.batch(data.order(0)[:8], encoder, 24, (0,), masker)
    assert batch.masked is not None
    hidden = batch.masked.ids != batch.ids
    assert hidden.any()
    assert (batch.masked.targets[hidden] == batch.ids[hidden]).all()
    assert (batch.masked.targets[~batch.mask] < 0).all()


def test_masking_changes_nothing_else_in_a_batch(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path)
    data, encoder = TrainingSet(recipe), DualEncoder(recipe.model)
    masker = build_masker(KeywordsRecipe(rate=0.5), data, recipe.data.root, encoder)
    rows = data.order(0)[:8]
    plain, masked, again = (data.batch(rows, encoder, 24, (0,), use) for use in (None, masker, masker))
    assert plain.masked is None
    assert plain.ids.equal(masked.ids)
    assert plain.images["rgb"].equal(masked.images["rgb"])
    assert masked.masked is not None
    assert again.masked is not None
    assert masked.masked.ids.equal(again.masked.ids)


def test_a_list_of_words_takes_the_captions_place(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path)
    data, encoder = TrainingSet(recipe), DualEncoder(recipe.model)
    settings = KeywordsRecipe(words=Path("words.txt"))
    with pytest.raises(DataError, match=r"words\.txt"):
        build_masker(settings, data, recipe.data.root, encoder)
    (recipe.data.root / "words.txt").write_text("beach\n")
    assert build_masker(settings, data, recipe.data.root, encoder).words == {"beach"}


def test_another_tokenizer_is_refused(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path)
    data, encoder = TrainingSet(recipe), DualEncoder(recipe.model)
    encoder.text = nn.Identity()
    with pytest.raises(RecipeError, match="tokenizer"):
        build_masker(KeywordsRecipe(), data, recipe.data.root, encoder)
