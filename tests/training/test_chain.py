"""Chains of tiny stages: what is skipped, what is done again, what goes on, and what each stage is said to add."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from generate import captions
from generate.recipes import tiny_recipe
from swath.data import read_dataset
from swath.data.parquet import write_parquet
from swath.errors import RecipeError, SensorError
from swath.models import DualEncoder
from swath.training import chain_run
from swath.training.chain import ChainRecipe
from swath.training.chain_result import ChainResult
from swath.training.kinds import load_recipe, train_any
from swath.training.recipe import Recipe, SourceRecipe


@pytest.fixture
def chain_file(tmp_path: Path) -> Path:
    """Two stages over a tiny base recipe; the second has other data, a frozen text tower and another rate."""
    recipe = tiny_recipe(tmp_path, per_class=4)
    captions.karpathy(tmp_path / "data/second", per_class=4, name="second", seed=3)
    document: dict[str, Any] = {
        "stages": [
            {"name": "first", "extends": "recipe.yaml", "optim": {"epochs": 2}},
            {
                "name": "second",
                "extends": "recipe.yaml",
                "data": {"train": [{"path": "second"}], "validation": {"path": "second"}},
                "objective": {"class_weight": 0.0},
                "optim": {"epochs": 1, "lr": 1.0e-3, "freeze": ["text"]},
            },
        ],
        "evaluation": [
            {"name": "pairs", "path": "pairs"},
            {"name": "second", "path": "second", "split": "test"},
        ],
        "data": {"root": str(recipe.data.root)},
        "output": str(tmp_path / "chain"),
    }
    file = tmp_path / "chain.yaml"
    file.write_text(yaml.safe_dump(document))
    return file


def run(file: Path, *overrides: str) -> ChainResult:
    result = train_any(load_recipe(file, overrides))
    assert isinstance(result, ChainResult)
    return result


def test_a_chain_trains_stage_after_stage_and_says_what_each_added(chain_file: Path) -> None:
    result = run(chain_file)
    first, second = result.stages
    assert (first.run.epochs, second.run.epochs) == (2, 1)
    assert not first.skipped
    recipe = yaml.safe_load((second.run.directory / "recipe.yaml").read_text())
    assert recipe["init"] == str(first.run.model)
    assert recipe["optim"]["lr"] == 1e-3
    models = [DualEncoder.from_pretrained(stage.run.model, dtype="float32") for stage in result.stages]
    frozen = [dict(model.text.named_parameters()) for model in models]
    assert all(value.equal(frozen[1][name]) for name, value in frozen[0].items())
    seen = [dict(model.towers["rgb"].named_parameters()) for model in models]
    assert any(not value.equal(seen[1][name]) for name, value in seen[0].items())
    assert [gain.before for gain in first.gains] == [None, None]
    for before, after in zip(first.gains, second.gains, strict=True):
        assert after.before == before.after
        assert after.low is not None
        assert after.high is not None
        assert after.difference is not None
        assert after.low - 1e-9 <= after.difference <= after.high + 1e-9
    assert result.model == result.directory / "best"
    assert DualEncoder.from_pretrained(result.model).model_id == models[1].model_id
    document = json.loads((result.directory / "chain.json").read_text())
    assert document["stages"][1]["gains"]["second"]["after"] == second.gains[1].after
    assert "| second | pairs |" in (result.directory / "chain.md").read_text()


def test_finished_stages_are_skipped_and_changed_ones_done_again(chain_file: Path) -> None:
    before = run(chain_file)
    again = run(chain_file)
    assert [stage.skipped for stage in again.stages] == [True, True]
    assert [stage.gains for stage in again.stages] == [stage.gains for stage in before.stages]
    other_end = run(chain_file, "stages.1.optim.lr=2e-3")
    assert [stage.skipped for stage in other_end.stages] == [True, False]
    assert other_end.stages[1].run.directory != before.stages[1].run.directory
    data = chain_file.parent / "data/pairs/dataset_tiny.json"
    data.write_text(data.read_text().replace("a white plane .", "a white aeroplane ."))
    other_data = run(chain_file)
    assert [stage.skipped for stage in other_data.stages] == [False, False]
    assert before.stages[0].run.model.is_dir()


def test_a_chain_that_was_killed_goes_on(chain_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Killed(BaseException):
        pass

    real, calls = chain_run.train_any, []

    def dies(recipe: Any, **options: Any) -> Any:
        calls.append(recipe.output)
        if len(calls) == 2:
            raise Killed
        return real(recipe, **options)

    monkeypatch.setattr(chain_run, "train_any", dies)
    with pytest.raises(Killed):
        run(chain_file)
    assert not (chain_file.parent / "chain/best").exists()
    result = run(chain_file)
    assert [stage.skipped for stage in result.stages] == [True, False]
    assert len(calls) == 3


def test_stages_left_out_need_a_model_that_has_them_behind_it(chain_file: Path) -> None:
    with pytest.raises(RecipeError, match="start"):
        load_recipe(chain_file, ["skip=[first]"])
    with pytest.raises(RecipeError, match=r"nonsense.*first, second"):
        load_recipe(chain_file, ["skip=[nonsense]", "start=x"])
    whole = run(chain_file)
    short = run(
        chain_file, "skip=[first]", f"start={whole.stages[0].run.model}", "output=" + str(chain_file.parent / "s")
    )
    assert [stage.name for stage in short.stages] == ["second"]
    assert short.stages[0].gains[0].before == whole.stages[0].gains[0].after
    ids = [DualEncoder.from_pretrained(stage.run.model).model_id for stage in (short.stages[0], whole.stages[1])]
    assert ids[0] == ids[1]


def test_check_tries_every_stage_and_leaves_nothing(chain_file: Path) -> None:
    result = train_any(load_recipe(chain_file), check=True)
    assert isinstance(result, ChainResult)
    assert [stage.run.steps for stage in result.stages] == [2, 2]
    assert not (chain_file.parent / "chain").exists()


def test_what_is_wrong_is_named(tmp_path: Path) -> None:
    stage = {"name": "one", "extends": "ebaker"}
    with pytest.raises(RecipeError, match="two of stage 'one'"):
        ChainRecipe.parse({"stages": [stage, stage]})
    with pytest.raises(RecipeError, match=r"stage one.*nonsense"):
        ChainRecipe.parse({"stages": [{**stage, "nonsense": 1}]})
    with pytest.raises(RecipeError, match="stages"):
        ChainRecipe.parse({"stages": []})
    with pytest.raises(RecipeError, match="cannot be a chain"):
        ChainRecipe.parse({"stages": [{"name": "one", "stages": [stage]}]})
    with pytest.raises(RecipeError, match="no recipe 'absent'"):
        ChainRecipe.parse({"stages": [{"extends": "absent"}]}, str(tmp_path / "chain.yaml"))


def test_a_set_that_a_model_cannot_see_is_a_reason_and_no_end(
    chain_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(*_: Any, **__: Any) -> None:
        raise SensorError("the model takes no radar")

    monkeypatch.setattr(chain_run, "evaluate_retrieval", refuses)
    result = run(chain_file, "stages.1.optim.epochs=1")
    assert [gain.reason for gain in result.stages[1].gains] == ["the model takes no radar"] * 2
    assert "the model takes no radar" in result.to_markdown()


@pytest.mark.parametrize("name", ["sar_rs_clip", "sar_rs_coca", "swath_mini_sar"])
def test_shipped_chains_run(tmp_path: Path, name: str) -> None:
    """Two steps of every stage, on generated data under the chain's own paths; transformers are made small."""
    chain = load_recipe(name)
    assert isinstance(chain, ChainRecipe)
    overrides = [f"data.root={tmp_path}"]
    for at, stage in enumerate(chain.stages):
        recipe = stage.recipe
        assert isinstance(recipe, Recipe)
        for place, source in enumerate((*recipe.data.train, recipe.data.validation)):
            sensor = "" if place == len(recipe.data.train) else f"stages.{at}.data.train.{place}.sensor=rgb"
            if source.sensor is not None:
                overrides.append(sensor or f"stages.{at}.data.validation.sensor=rgb")
            if (tmp_path / source.path).exists():
                continue
            if isinstance(source, SourceRecipe) and source.templates:
                captions.class_folders(tmp_path / source.path, per_class=8)
            elif source.path.suffix == ".parquet":
                folder = captions.karpathy(tmp_path / f"{source.path.stem}_images", per_class=8)
                write_parquet(read_dataset(folder), tmp_path / source.path, embed_images=True)
            else:
                captions.karpathy(tmp_path / source.path, per_class=8, name=source.path.name)
    first = chain.stages[0].recipe
    assert isinstance(first, Recipe)
    if int(first.model.text.options["width"]) > 256:
        overrides += ["model.text.width=32", "model.text.heads=2", "model.text.layers=1", "model.text.merges=2000"]
        overrides += [f"model.towers.rgb.{key}" for key in ("width=32", "heads=2", "layers=1")]
        overrides.append(f"model.embed_dim={64 if first.model.captioner is None else 32}")
        if first.model.captioner is not None:
            overrides += [f"model.captioner.{key}" for key in ("width=32", "heads=2", "layers=1")]
            overrides += ["model.towers.rgb.queries=4", "model.towers.rgb.pooler_heads=2"]
    else:
        overrides += ["model.text.layers=1", "model.towers.rgb.widths=[8, 16, 16]", "model.towers.rgb.depths=[1, 1, 1]"]
        overrides += [f"stages.{at}.augment.sizes=[32]" for at in range(len(chain.stages))]
    overrides.append("stages.0.init=null")
    result = train_any(load_recipe(name, overrides), check=True)
    assert isinstance(result, ChainResult)
    assert [stage.run.steps for stage in result.stages] == [2] * len(chain.stages)
