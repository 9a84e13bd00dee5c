from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

import swath
from generate import captions
from generate.processes import run_in_two, torchrun
from generate.recipes import tiny_recipe
from generate.sensors import radar_and_bands
from generate.sentence_encoder import sentence_encoder
from swath.errors import CheckpointError, DataError, MissingExtraError, ModelError, RecipeError, TrainingError
from swath.models import DualEncoder, ModelConfig
from swath.training import Recipe, loop, recipe_names, train
from swath.training.average import WeightAverage
from swath.training.checkpoint import find_state, load_state, save_state
from swath.training.elimination import REPORT
from swath.training.kinds import load_recipe
from swath.training.logs import Means
from swath.training.validation import Validation


class Killed(BaseException):
    """Stands for a kill: nothing in the loop may catch it."""


def _killed_after(method: Callable[..., Any], calls: int) -> Callable[..., Any]:
    """The method, of which every call but the first few is a kill."""
    left = iter(range(calls))

    def limited(*arguments: object) -> object:
        if next(left, None) is None:
            raise Killed
        return method(*arguments)

    return limited


def weights(file: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(file)


def test_a_run_leaves_a_model_logs_and_its_recipe(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path)
    result = train(recipe)
    assert result.steps == 8
    assert [entry["epoch"] for entry in result.history] == [1, 2, 3, 4]
    assert result.best == max(entry["mR"] for entry in result.history)
    model = DualEncoder.from_pretrained(result.model, dtype="float32")
    assert Validation(recipe, model)(model)["mR"] == pytest.approx(result.best)
    assert Recipe.load(result.directory / "recipe.yaml") == recipe
    lines = [json.loads(line) for line in (result.directory / "metrics.jsonl").read_text().splitlines()]
    losses = [line["contrastive"] for line in lines if line["group"] == "train"]
    assert losses[-1] < losses[0]
    assert [line["size"] for line in lines if line["group"] == "train"] == [24, 24, 32, 32]
    (started,) = [json.loads(line) for line in (result.directory / "started.jsonl").read_text().splitlines()]
    assert (started["seed"], started["processes"], started["swath"]) == (0, 1, swath.__version__)
    assert started["packages"]["torch"] == version("torch")
    assert datetime.fromisoformat(started["date"]) <= datetime.now(UTC)


ALL_TERMS = (
    "objective.local={scale: 5.0}",
    "objective.elimination={ratio: 0.5, start_epoch: 1, scheme: split}",
    "objective.keywords={reasoner: {layers: 1, dropout: 0.1}, rate: 0.5}",
)


@pytest.mark.parametrize(("moment", "terms"), [("in an epoch", ()), ("while saving", ()), ("in an epoch", ALL_TERMS)])
def test_a_killed_run_goes_on_to_the_same_bits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str, terms: tuple[str, ...]
) -> None:
    whole = train(tiny_recipe(tmp_path, f"output={tmp_path / 'whole'}", *terms))
    cut = tiny_recipe(tmp_path, f"output={tmp_path / 'cut'}", *terms)
    calls = {"count": 0}
    module, name, at = {
        "in an epoch": (loop.TrainingSet, "batch", 6),
        "while saving": (torch, "save", 3),
    }[moment]
    original = getattr(module, name)

    def kill(*args: object, **options: object) -> object:
        calls["count"] += 1
        if calls["count"] == at:
            raise Killed
        return original(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(module, name, kill)
        with pytest.raises(Killed):
            train(cut)
    again = train(cut)
    for file in ("last/model.safetensors", "last/average.safetensors", "best/model.safetensors"):
        first, second = weights(whole.directory / file), weights(again.directory / file)
        assert first.keys() == second.keys()
        assert all(torch.equal(first[key], second[key]) for key in first), file
    assert again.history == whole.history
    assert again.best == whole.best
    if terms:
        logged = [json.loads(line) for line in (again.directory / "metrics.jsonl").read_text().splitlines()]
        assert max(line.get("eliminated", 0.0) for line in logged) > 0
        assert (again.directory / REPORT).read_text() == (whole.directory / REPORT).read_text()


@pytest.fixture
def scaled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradients are scaled as on a GPU in fp16, and all else is float32: a power of two changes no bit."""

    def open_scaled(recipe: Recipe) -> Any:
        accelerator = original(recipe)
        scaler = accelerator.scaler = torch.amp.GradScaler("cpu", growth_interval=3)
        accelerator.unscale_gradients = lambda: [scaler.unscale_(one.optimizer) for one in accelerator._optimizers]
        return accelerator

    original = loop._accelerator
    monkeypatch.setattr(loop, "_accelerator", open_scaled)


@pytest.mark.usefixtures("scaled")
def test_the_scale_of_gradients_goes_on_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = train(tiny_recipe(tmp_path, f"output={tmp_path / 'whole'}"))
    cut = tiny_recipe(tmp_path, f"output={tmp_path / 'cut'}")
    with monkeypatch.context() as patch:
        patch.setattr(loop._Run, "_train_epoch", _killed_after(loop._Run._train_epoch, 2))
        with pytest.raises(Killed):
            train(cut)
    again = train(cut)
    first, second = (load_state(run.directory / "last")[2]["scaler"] for run in (whole, again))
    assert first["scale"] == 2.0**18  # twice in eight steps
    assert first["_growth_tracker"] == 2
    assert second == first


def test_every_optimizer_takes_the_same_steps_with_scaled_gradients(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    plain = train(tiny_recipe(tmp_path, "optim.epochs=2", "batch.accumulate=2", f"output={tmp_path / 'plain'}"))
    request.getfixturevalue("scaled")
    scaled = train(tiny_recipe(tmp_path, "optim.epochs=2", "batch.accumulate=2", f"output={tmp_path / 'scaled'}"))
    first, second = (weights(run.directory / "last/model.safetensors") for run in (plain, scaled))
    assert [key for key in first if not torch.equal(first[key], second[key])] == []


def test_a_finished_run_is_not_repeated(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path)
    first = train(recipe)
    written = (first.directory / "last/model.safetensors").stat().st_mtime_ns
    second = train(recipe)
    assert (first.best, first.steps, first.history) == (second.best, second.steps, second.history)
    assert (first.directory / "last/model.safetensors").stat().st_mtime_ns == written


def test_every_start_of_a_run_is_noted(tmp_path: Path) -> None:
    train(tiny_recipe(tmp_path, "optim.epochs=1"))
    folder = train(tiny_recipe(tmp_path, "optim.epochs=1")).directory
    assert len((folder / "started.jsonl").read_text().splitlines()) == 2


def test_what_is_missing_is_told_before_images_are_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(*_: object) -> None:
        raise AssertionError("images were decoded")

    tiny_recipe(tmp_path)
    monkeypatch.setattr("swath.training.batches.Pictures.read", decode)
    with pytest.raises(DataError, match="has no split 'dev'"):
        train(tiny_recipe(tmp_path, "data.validation.split=dev"))
    with pytest.raises(ModelError, match="no model 'no-such-model'"):
        train(tiny_recipe(tmp_path, "init=no-such-model"))


@pytest.mark.parametrize("check", [False, True])
def test_images_that_memory_does_not_hold_are_told_before_they_are_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: bool
) -> None:
    monkeypatch.setattr("swath.training.memory.free_memory", lambda: 100_000)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "2")
    with pytest.raises(DataError, match=r"in each of 2 processes, and 0\.0 GiB are free: give data\.cache=FOLDER"):
        train(tiny_recipe(tmp_path), check=check)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "1")
    assert train(tiny_recipe(tmp_path, "data.cache=kept", "optim.epochs=1"), check=check).steps > 0
    assert (tmp_path / "data/kept").exists() != check, "a trial leaves nothing behind"


def test_images_in_files_give_the_same_weights_and_are_found_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trained(name: str, *overrides: str) -> dict[str, torch.Tensor]:
        run = train(tiny_recipe(tmp_path, "optim.epochs=1", f"output={tmp_path / name}", *overrides))
        return weights(run.directory / "last/model.safetensors")

    plain = trained("memory")
    kept = trained("files", "data.cache=kept")
    with monkeypatch.context() as patched:
        patched.setattr("swath.training.pictures._read", lambda *_: pytest.fail("an image was decoded again"))
        again = trained("again", "data.cache=kept")
    train(tiny_recipe(tmp_path, "optim.epochs=1", f"output={tmp_path / 'again'}"))  # where images lie changes no run
    for key, value in plain.items():
        assert torch.equal(value, kept[key])
        assert torch.equal(value, again[key])


def test_another_recipe_does_not_go_on_with_the_run(tmp_path: Path) -> None:
    train(tiny_recipe(tmp_path, "optim.epochs=1"))
    with pytest.raises(TrainingError, match=r"another recipe .*it differs in optim\.lr, seed\)"):
        train(tiny_recipe(tmp_path, "optim.epochs=1", "optim.lr=1e-4", "seed=3"))


def test_a_checkpoint_of_another_architecture_is_refused(tmp_path: Path) -> None:
    result = train(tiny_recipe(tmp_path, "optim.epochs=1"))
    (result.directory / "recipe.yaml").unlink()
    with pytest.raises(TrainingError, match=r"run/last holds .* another architecture .*wrong shapes.*; give another"):
        train(tiny_recipe(tmp_path, "optim.epochs=1", "model.embed_dim=8"))
    (result.directory / "recipe.yaml").unlink()
    with pytest.raises(TrainingError, match=r"run/last holds .*missing keys: .*give another output="):
        train(tiny_recipe(tmp_path, "optim.epochs=1", "model.text.layers=2"))


def test_processes_that_cannot_share_a_batch_evenly_are_refused() -> None:
    recipe = Recipe.load("swath_mini", ["batch.size=9", "batch.accumulate=2"])
    loop._check_shares(recipe, 1)
    with pytest.raises(RecipeError, match=r"batch\.size: 9 .* 2 processes .*accumulate=2; give a multiple of 4"):
        loop._check_shares(recipe, 2)


def test_a_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path, "optim.epochs=1")
    result = train(recipe)
    file = result.directory / "last/state.pt"
    file.write_bytes(file.read_bytes()[:50])
    with pytest.raises(TrainingError, match="delete it to start anew"):
        train(recipe)


def test_seeds_differ(tmp_path: Path) -> None:
    runs = [train(tiny_recipe(tmp_path, f"seed={seed}", f"output={tmp_path / str(seed)}")) for seed in (0, 1)]
    first, second = (weights(run.directory / "last/model.safetensors") for run in runs)
    assert any(not torch.equal(first[key], second[key]) for key in first)


def test_accumulation_sees_every_image_and_steps_once(tmp_path: Path) -> None:
    result = train(tiny_recipe(tmp_path, "batch.accumulate=2", "optim.epochs=1"))
    assert result.steps == 2


@pytest.mark.parametrize("override", ["precision=bf16", "batch.accumulate=2", "objective.keywords.strategy=random"])
def test_all_terms_run_and_are_logged(tmp_path: Path, override: str) -> None:
    result = train(tiny_recipe(tmp_path, *ALL_TERMS, "optim.epochs=2", override))
    lines = [json.loads(line) for line in (result.directory / "metrics.jsonl").read_text().splitlines()]
    first, second = (line for line in lines if line["group"] == "train")
    assert all(math.isfinite(first[name]) and first[name] > 0 for name in ("contrastive", "local", "keywords"))
    assert "eliminated" not in first
    assert 0 <= second["eliminated"] < 1
    assert 0 <= second["eliminated_local"] < 1


def test_starting_from_a_model(tmp_path: Path) -> None:
    first = train(tiny_recipe(tmp_path, "optim.epochs=1"))
    second = tiny_recipe(tmp_path, "optim.epochs=1", f"init={first.model}", f"output={tmp_path / 'second'}")
    assert train(second).steps == 2
    other = tiny_recipe(tmp_path, f"init={first.model}", "model.embed_dim=8", f"output={tmp_path / 'third'}")
    with pytest.raises(RecipeError, match=r"init: .*best.* another architecture .* as its config\.json does"):
        train(other)
    with pytest.raises(CheckpointError, match=r"config\.json"):
        train(tiny_recipe(tmp_path, f"init={tmp_path}", f"output={tmp_path / 'fourth'}"))


@pytest.mark.slow
@pytest.mark.parametrize("terms", [(), ALL_TERMS])
def test_two_processes_train_one_model(tmp_path: Path, terms: tuple[str, ...]) -> None:
    (tmp_path / "recipe.yaml").write_text(tiny_recipe(tmp_path, *terms).to_yaml())
    results = [json.loads(told) for told in torchrun("train", str(tmp_path / "recipe.yaml"), "--json")]
    assert [value["steps"] for value in results] == [8, 8]
    assert results[0]["history"] == results[1]["history"]
    assert (tmp_path / "run/best/config.json").is_file()


@pytest.mark.slow
def test_two_processes_can_check_a_recipe(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(tiny_recipe(tmp_path).to_yaml())
    torchrun("train", str(tmp_path / "recipe.yaml"), "--check")
    assert not (tmp_path / "run").exists()


COMMAND_AND_GROUP = """
import os
from torch import distributed
from swath.cli.app import app
os.environ |= {"RANK": str(rank), "LOCAL_RANK": str(rank), "WORLD_SIZE": "2"}
os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0"}
meet()
app(["train", arguments[0], "--check"], standalone_mode=False)
assert not distributed.is_initialized(), "the command left its group behind"
"""


@pytest.mark.slow
def test_the_command_leaves_no_group_of_processes(tmp_path: Path) -> None:
    (tmp_path / "recipe.yaml").write_text(tiny_recipe(tmp_path).to_yaml())
    run_in_two(COMMAND_AND_GROUP, tmp_path, str(tmp_path / "recipe.yaml"))


def test_progress_is_told_after_every_step(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    train(tiny_recipe(tmp_path, "optim.epochs=2"), progress=lambda done, total, rate: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_check_runs_everything_and_leaves_nothing(tmp_path: Path) -> None:
    result = train(tiny_recipe(tmp_path, "optim.epochs=50", "batch.size=4096"), check=True)
    assert result.steps == 2
    assert not (tmp_path / "run").exists()
    assert not result.directory.exists()


def test_check_runs_where_the_first_data_set_is_smaller_than_a_batch(tmp_path: Path) -> None:
    recipe = tiny_recipe(tmp_path)
    few, *_ = recipe.data.train
    few = few.model_copy(update={"path": few.path.with_name("few")})
    captions.karpathy(tmp_path / "data" / "few", per_class=3, name="few")
    data = recipe.data.model_copy(update={"train": (few, *recipe.data.train)})
    assert train(recipe.model_copy(update={"data": data}), check=True).steps >= 2


def small(model: ModelConfig, folder: Path) -> list[str]:
    """Overrides that make big towers small and without foreign weights; everything else of their recipe stays."""
    changed = []
    if int(model.text.options.get("width", 0)) > 256:
        changed += ["model.text.width=32", "model.text.heads=2", "model.text.layers=1", "model.text.merges=2000"]
    for name, tower in model.towers.items():
        if tower.type == "timm":
            changed += [f"model.towers.{name}.model=resnet10t", f"model.towers.{name}.weights=null"]
        if int(tower.options.get("width", 0)) > 256:
            changed += [f"model.towers.{name}.{key}" for key in ("width=32", "heads=2", "layers=1")]
    if model.captioner is not None and changed:
        changed += [f"model.captioner.{key}" for key in ("width=32", "heads=2", "layers=1", "pooler_heads=2")]
    if model.text.type == "transformers":
        changed += [f"model.text.source={sentence_encoder(folder / 'sentences', width=64)}"]
    # CoCa's decoder is as wide as the shared space; CLOSP's test encoder has a space of 64.
    return [*changed, f"model.embed_dim={64 if model.captioner is None else 32}"] if changed else []


@pytest.mark.parametrize("name", [name for name in recipe_names() if isinstance(load_recipe(name), Recipe)])
def test_every_shipped_recipe_runs(tmp_path: Path, name: str) -> None:
    """Two steps of the real model, or a small one of its kind, on generated data under the recipe's own paths."""

    overrides = small(Recipe.load(name).model, tmp_path)
    shipped = Recipe.load(name, overrides)
    for source in shipped.data.train:
        if (tmp_path / source.path).exists():
            continue
        if shipped.objective.bridge is not None:
            radar_and_bands(tmp_path / source.path)
            continue
        long = source.captions == "long" or shipped.objective.dual_text is not None
        if source.templates and not long:
            captions.class_folders(tmp_path / source.path, per_class=8)
        else:
            captions.karpathy(tmp_path / source.path, per_class=8, name=source.path.name, long=long)
    if not (tmp_path / shipped.data.validation.path).exists():
        captions.karpathy(tmp_path / shipped.data.validation.path, per_class=4)
    overrides += [f"data.root={tmp_path}"]
    if shipped.init_location is not None:
        overrides.append("init_location=null")
    if shipped.init is not None:
        overrides.append(f"init={DualEncoder(shipped.model).save_pretrained(tmp_path / 'start')}")
    overrides += [
        f"data.train.{place}.sensor={'rgb' if shipped.objective.bridge is None else 'null'}"
        for place, source in enumerate(shipped.data.train)
        if source.sensor is not None
    ]
    result = train(Recipe.load(name, overrides), check=True)
    assert result.steps == 2
    assert math.isfinite(result.best)


def test_a_run_whose_loss_is_not_finite_says_what_to_change(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"the loss became nan at step \d+: lower optim\.lr"):
        train(tiny_recipe(tmp_path, "objective.elimination={}", "optim.lr=1e30", "optim.clip=1e30"))


def test_a_loss_that_is_not_finite_stops_the_run() -> None:
    with pytest.raises(TrainingError, match=r"step 7.*optim\.lr"):
        Means().add({"loss": float("nan")}, 7)


def test_an_unknown_metric_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="mR"):
        train(tiny_recipe(tmp_path, "data.validation.metric=accuracy"))


def test_without_accelerate_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(MissingExtraError, match=r"swath\[train\]"):
        train(tiny_recipe(tmp_path))


def test_tensorboard_logs_are_written(tmp_path: Path) -> None:
    result = train(tiny_recipe(tmp_path, "tensorboard=true", "optim.epochs=1"))
    assert list((result.directory / "tensorboard").glob("events.*"))


def test_a_kill_between_the_two_renames_loses_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "last"
    save_state(folder, {"a": torch.ones(1)}, {}, {"step": 3})
    folder.rename(tmp_path / "last.old")
    found = find_state(folder)
    assert found is not None
    assert load_state(found)[2] == {"step": 3}


def test_the_average_follows_its_formula() -> None:
    from generate.models import tiny_model

    model = tiny_model()
    average = WeightAverage(model, 0.5)
    start = model.logit_scale.item()
    with torch.no_grad():
        model.logit_scale.fill_(start + 1)
    average.update(model, 0)  # weight of the past: min(0.5, 1 / 10)
    assert average.model.logit_scale.item() == pytest.approx(start + 0.9)
    average.update(model, 1000)
    assert average.model.logit_scale.item() == pytest.approx(start + 0.95)
