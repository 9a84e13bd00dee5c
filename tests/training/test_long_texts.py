from __future__ import annotations

from pathlib import Path

import pytest
import torch

from generate import captions
from generate.recipes import tiny_recipe
from swath.errors import DataError
from swath.models import DualEncoder
from swath.training.batches import TrainingSet
from swath.training.long_texts import first_sentence

ONE_SOURCE = ("data.train=[{path: long}]", "objective.dual_text={}", "batch.size=4")


def test_every_image_of_a_batch_has_its_long_caption(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path, *ONE_SOURCE)
    captions.karpathy(recipe.data.root / "long", per_class=6, long=True)
    data, model = TrainingSet(recipe), DualEncoder(recipe.model)
    rows = data.order(0)[:4]
    long = data.batch(rows, model, 24, (0,)).long
    assert long is not None
    lengths = long.mask.sum(dim=1)
    assert torch.equal(lengths, lengths.sort().values)
    assert sorted(long.text_caption.tolist()) == sorted(long.image_caption.tolist())
    again = data.batch(rows, model, 24, (0,)).long
    assert again is not None
    assert torch.equal(again.ids, long.ids)


def test_an_image_without_a_long_caption_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"long caption of every image; .*_\d\.(png|jpg)"):
        TrainingSet(tiny_recipe(tmp_path, "objective.dual_text={}"))


def test_the_first_sentence_stands_in() -> None:
    assert first_sentence("A white  plane. It stands. ") == "A white plane."
    assert first_sentence("a beach") == "a beach"
