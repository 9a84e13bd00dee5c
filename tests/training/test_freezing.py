from __future__ import annotations

from pathlib import Path

import pytest
import torch

from generate.models import tiny_model
from generate.recipes import tiny_recipe
from swath.errors import RecipeError
from swath.models import DualEncoder
from swath.training import train
from swath.training.freezing import learning_factor
from swath.training.objective import ObjectiveRecipe
from swath.training.optimizers import build_optimizers
from swath.training.recipe import OptimRecipe
from swath.training.start import starting_model
from swath.training.step import TrainingModel


def test_frozen_parts_keep_weights_and_statistics(tmp_path: Path) -> None:
    frozen = "optim.freeze=[text, towers.rgb.stem, towers.rgb.blocks.0]"
    recipe = tiny_recipe(tmp_path, frozen, "optim.epochs=2", "optim.average=0")
    torch.manual_seed(recipe.seed)
    before = starting_model(recipe).state_dict()
    after = DualEncoder.from_pretrained(train(recipe).directory / "best", dtype="float32").state_dict()
    kept = {name for name, value in before.items() if torch.equal(after[name], value)}
    still = {name for name in before if name.startswith(("visual.stem", "visual.blocks.0."))}
    still |= {name for name in before if not name.startswith(("visual.", "logit_scale"))}
    assert still <= kept
    assert any("running_mean" in name for name in still)
    assert {"visual.proj.weight", "visual.blocks.1.conv1.weight", "visual.head.1.running_mean"}.isdisjoint(kept)


def test_frozen_modules_run_as_in_use_while_the_others_train() -> None:
    model = TrainingModel(tiny_model(), ObjectiveRecipe(), 0, frozen=("text", "logit_scale")).train()
    assert not model.encoder.text.training
    assert model.encoder.towers["rgb"].training
    assert not model.encoder.logit_scale.requires_grad
    model.eval()
    assert not model.encoder.towers["rgb"].training


def test_rates_follow_the_longest_name() -> None:
    factors = {"towers": 0.5, "towers.rgb.proj": 2.0, "text": 0.1}
    assert learning_factor("towers.rgb.stem.0.weight", factors) == 0.5
    assert learning_factor("towers.rgb.proj.weight", factors) == 2.0
    assert learning_factor("textual.weight", factors) == 1.0
    assert learning_factor("logit_scale", factors) == 1.0


@pytest.mark.parametrize("matrices", ["adamw", "muon"])
def test_every_parameter_has_its_rate_once(matrices: str) -> None:
    model = TrainingModel(tiny_model().requires_grad_(True), ObjectiveRecipe(), 0)
    settings = OptimRecipe.model_validate(
        {"matrices": matrices, "lr": 1e-3, "matrix_lr": 2e-3, "lr_factors": {"text": 0.1, "towers.rgb.conv1": 3.0}}
    )
    rates = {}
    for optimizer in build_optimizers(model, settings):
        for group in optimizer.param_groups:
            for value in group["params"]:
                assert id(value) not in rates
                assert group["highest_lr"] == group["lr"]
                rates[id(value)] = group["lr"] / (2e-3 if type(optimizer).__name__ == "Muon" else 1e-3)
    for name, value in model.named_parameters():
        own = name.removeprefix("encoder.")
        factor = 0.1 if own.startswith("text.") else 3.0 if own.startswith("towers.rgb.conv1.") else 1.0
        assert rates[id(value)] == pytest.approx(factor)


def test_names_that_stand_for_nothing_are_refused() -> None:
    with pytest.raises(RecipeError, match=r"optim\.freeze: .*'tower'; its parts: .*text"):
        TrainingModel(tiny_model(), ObjectiveRecipe(), 0, frozen=("tower",))
    model = TrainingModel(tiny_model().requires_grad_(True), ObjectiveRecipe(), 0)
    with pytest.raises(RecipeError, match=r"optim\.lr_factors: .*'txt'"):
        build_optimizers(model, OptimRecipe(lr_factors={"txt": 0.1}))
    frozen = TrainingModel(tiny_model().requires_grad_(True), ObjectiveRecipe(), 0, frozen=("text", "towers"))
    frozen.encoder.logit_scale.requires_grad_(False)
    with pytest.raises(RecipeError, match="leaves nothing to train"):
        build_optimizers(frozen, OptimRecipe())
