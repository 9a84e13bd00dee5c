from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from generate import location_files
from generate.models import TEXT, tiny_config, tiny_model
from generate.recipes import tiny_recipe
from swath.errors import CheckpointError, RecipeError
from swath.models.location import read_published
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


WIDE = {"type": "convnet", "image_size": 32, "resize": "squash", "widths": [8, 8], "depths": [1, 1], "hidden": 12}
BANDS = {"rgb": {"tower": "rgb"}, "s2-l2a": {"tower": "s2", "input": "bands"}}


def grown(folder: Path, **fields: Any) -> Recipe:
    """A recipe with an RGB and a Sentinel-2 tower and places, that starts from a model with an RGB tower alone."""
    init = tiny_model(tiny_config(towers={"rgb": WIDE})).save_pretrained(folder / "start")
    model = tiny_config(
        towers={"rgb": WIDE, "s2": WIDE | {"bands": 12}},
        sensors=BANDS,
        location={"type": "satclip", "width": 8, "legendre_polys": 3, "capacity": 8},
    )
    return tiny_recipe(folder).model_copy(update={"init": str(init), "model": model} | fields)


def test_new_towers_start_fresh_or_as_another_tower(tmp_path: Path) -> None:
    old = tiny_model(tiny_config(towers={"rgb": WIDE}))
    torch.manual_seed(5)
    fresh = starting_model(grown(tmp_path, init_fresh=("towers.s2", "location")))
    copied = starting_model(grown(tmp_path, init_fresh=("location",), init_towers={"s2": "rgb"}))
    for model in (fresh, copied):
        for name, value in old.towers["rgb"].state_dict().items():
            assert torch.equal(model.towers["rgb"].state_dict()[name], value)
        assert torch.equal(model.text.token_embedding.weight, old.text.token_embedding.weight)
        assert model.location is not None
    before, s2 = old.towers["rgb"].state_dict(), copied.towers["s2"].state_dict()
    different = [name for name, value in before.items() if not torch.equal(s2[name], value)]
    assert different == ["stem.0.weight"]
    assert not torch.equal(fresh.towers["s2"].state_dict()["proj.weight"], before["proj.weight"])
    # Bands that a picture has keep their filters (B04 is red), the others take the mean; a grey scene looks the same.
    filters = s2["stem.0.weight"] * 4
    torch.testing.assert_close(filters[:, 3], before["stem.0.weight"][:, 0])
    torch.testing.assert_close(filters[:, 0], before["stem.0.weight"].mean(dim=1))
    torch.testing.assert_close(s2["stem.0.weight"].sum(dim=1), before["stem.0.weight"].sum(dim=1))


def test_a_tower_can_be_left_behind(tmp_path: Path) -> None:
    alone = tiny_config(towers={"s2": WIDE | {"bands": 12}}, sensors={"s2-l2a": BANDS["s2-l2a"]})
    recipe = grown(tmp_path, init_towers={"s2": "rgb"}, model=alone)
    assert list(starting_model(recipe).towers) == ["s2"]
    recipe = grown(tmp_path, init_fresh=("towers.s2",), init_unused=("towers.rgb",), model=alone)
    assert list(starting_model(recipe).towers) == ["s2"]


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"init_fresh": ("towers.s2",)}, r"missing keys: location\."),
        ({"init_fresh": ("location",)}, r"missing keys: towers\.s2\."),
        (
            {"init_fresh": ("location", "towers.s3")},
            r"init_fresh: .* no parameter under 'towers\.s3'; its parts: .*text",
        ),
        ({"init_towers": {"s2": "sar"}}, r"init_towers: no tower sar: model has rgb, s2; '.*' has rgb"),
        ({"init_fresh": ("location", "towers.s2"), "init_unused": ("location",)}, "init_unused: .* 'location'"),
    ],
)
def test_what_init_lacks_and_nobody_declared_is_named(tmp_path: Path, fields: dict[str, Any], named: str) -> None:
    with pytest.raises(RecipeError, match=named):
        starting_model(grown(tmp_path, **fields))


def test_parts_left_over_or_of_another_shape_are_named(tmp_path: Path) -> None:
    alone = tiny_config(towers={"s2": WIDE | {"bands": 12}}, sensors={"s2-l2a": BANDS["s2-l2a"]})
    with pytest.raises(RecipeError, match=r"unexpected keys: towers\.rgb\..* init_unused"):
        starting_model(grown(tmp_path, init_fresh=("towers.s2",), model=alone))
    wider = tiny_config(towers={"rgb": WIDE | {"hidden": 16}})
    with pytest.raises(RecipeError, match=r"wrong shapes: .*towers\.rgb\.head"):
        starting_model(grown(tmp_path, init_fresh=("towers.rgb.proj",), model=wider))


def test_the_location_encoder_starts_as_a_published_one(tmp_path: Path) -> None:
    torch.save(location_files.satclip(), tmp_path / "satclip.ckpt")
    location = {
        "type": "satclip",
        "width": location_files.SATCLIP_WIDTH,
        "legendre_polys": location_files.DEGREES,
        "num_hidden_layers": 2,
        "capacity": location_files.CAPACITY,
        "harmonics": "analytic",
    }
    base = tiny_recipe(tmp_path)
    asked = base.model_copy(
        update={"model": tiny_config(location=location), "init_location": str(tmp_path / "satclip.ckpt")}
    )
    published, places = read_published(tmp_path / "satclip.ckpt"), torch.tensor([[16.4, 48.2], [-70.6, -33.4]])
    model = starting_model(asked).eval()
    assert model.location is not None
    expected = published(places.double()).float()
    torch.testing.assert_close(model.location.encoder(places), expected, atol=1e-4, rtol=1e-4)
    other = asked.model_copy(update={"model": tiny_config(location=location | {"capacity": 8})})
    with pytest.raises(RecipeError, match=r"init_location: .*satclip\.ckpt is not the encoder .*wrong shapes"):
        starting_model(other)
    with pytest.raises(CheckpointError, match="no weights 'nothing'"):
        starting_model(asked.model_copy(update={"init_location": "nothing"}))
    with pytest.raises(RecipeError, match=r"describe it under model\.location"):
        tiny_recipe(tmp_path, "init_location=satclip.ckpt")


def test_without_init_there_is_nothing_to_say_about_it(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="say how to use init"):
        tiny_recipe(tmp_path, "init_fresh=[text]")


def test_a_recipe_that_leaves_its_model_to_init_leaves_the_captioner_and_its_calibration_behind(tmp_path: Path) -> None:
    writer = {"captioner": {"width": 64, "layers": 1, "heads": 2, "queries": 4, "pooler_heads": 2}}
    fusion = {"alpha": 0.9, "beta": 0.1, "global_std": 1.0, "local_std": 1.0}
    start = tiny_model(tiny_config(**writer, fusion=fusion))
    init = start.save_pretrained(tmp_path / "start")
    asked = tiny_recipe(tmp_path).model_dump(mode="json") | {"init": str(init), "model": {"name": "mine"}}
    recipe = Recipe.parse(asked)
    assert recipe.model.captioner is None
    assert recipe.model.fusion is None
    model = starting_model(recipe)
    assert model.text_decoder is None
    for name, value in model.state_dict().items():
        torch.testing.assert_close(value, start.state_dict()[name])
    assert Recipe.parse(recipe.model_dump(mode="json")) == recipe
