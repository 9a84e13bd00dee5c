"""Training adapters of an assistant on conversations: the shipped SAR-GPT recipe on a tiny model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch

from generate import assistants
from swath.errors import DataError, TrainingError
from swath.models.assistant import Assistant
from swath.raster import read_image
from swath.training import checkpoint
from swath.training.assistant import AssistantRecipe, pieces_of, train_assistant
from swath.training.kinds import load_recipe, train_any

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny LLaVA and six conversations, under the names of the shipped recipe."""
    folder = tmp_path_factory.mktemp("sar-gpt")
    assistants.llava(folder / "llava")
    assistants.conversations(folder, count=6).rename(folder / "SAR-VQA_conv.json")
    return folder


def recipe(world: Path, output: Path, *changes: str, model: str = "llava") -> AssistantRecipe:
    changed = [f"init={world / model}", f"data.root={world}", f"output={output}", "optim.batch=2", "optim.epochs=1"]
    found = load_recipe("sar_gpt", [*changed, "precision=float32", *changes])
    assert isinstance(found, AssistantRecipe)
    return found


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return safetensors.torch.load_file(folder / "adapter_model.safetensors")


def test_the_shipped_recipe_has_the_papers_adapters_and_lowers_the_loss(world: Path, tmp_path: Path) -> None:
    assert load_recipe("sar_gpt").lora.model_dump() == {"r": 64, "alpha": 16, "dropout": 0.05, "vision": False}  # type: ignore[attr-defined]
    result = train_any(recipe(world, tmp_path / "run", "optim.epochs=6", "optim.lr=0.02", "lora.dropout=0"))
    assert result.steps == 18
    losses = [entry["loss"] for entry in result.history]
    assert losses[-1] < 0.7 * losses[0]
    assistant = Assistant.from_pretrained(str(result.model), dtype="float32", device="cpu", most_new=8)
    before = Assistant.from_pretrained(str(world / "llava"), dtype="float32", device="cpu", most_new=8)
    image, question = read_image(str(world / "image-0.png")), "how many ships are there ? there are three ships ."
    taught, untaught = (one.answer([image], [question])[0].text for one in (assistant, before))
    assert taught.startswith("there are")
    assert not untaught.startswith("there are")


@pytest.mark.parametrize("family", [assistants.qwen2_vl, assistants.paligemma])
def test_other_families_train_by_the_same_recipe(world: Path, tmp_path: Path, family: Callable[..., Path]) -> None:
    family(world / family.__name__)
    result = train_any(recipe(world, tmp_path / "run", "optim.lr=0.02", model=family.__name__), check=True)
    assert result.steps == 1
    assert result.best > 0
    assert not (tmp_path / "run").exists()


def test_only_answers_are_learned(world: Path, tmp_path: Path) -> None:
    """The loss is that of the answers' tokens: the model's own cross-entropy under the marked labels."""
    from swath.training.assistant import _Run

    run = _Run(recipe(world, tmp_path / "run"), None, 1)
    (piece,) = run._encoded(run.conversations[0])
    model = run.model.eval()
    own = model(**piece.inputs, labels=piece.labels).loss
    tokens = int((piece.labels[:, 1:] >= 0).sum())
    assert float(run._loss(piece).detach()) == pytest.approx(float(own.detach()) * tokens, rel=1e-4)


def test_a_run_that_was_cut_off_goes_on_to_the_same_adapters(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("optim.save_every=1", "optim.lr=0.01")
    whole = train_assistant(recipe(world, tmp_path / "whole", *options))
    kept = checkpoint.save_state

    def killed(*arguments: object) -> None:
        kept(*arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoint, "save_state", killed)
    with pytest.raises(KeyboardInterrupt):
        train_assistant(recipe(world, tmp_path / "cut", *options))
    monkeypatch.setattr(checkpoint, "save_state", kept)
    again = train_assistant(recipe(world, tmp_path / "cut", *options))
    one, other = weights(whole.model), weights(again.model)
    assert all(torch.equal(one[key], other[key]) for key in one)
    with pytest.raises(TrainingError, match="another recipe"):
        train_assistant(recipe(world, tmp_path / "cut", "optim.lr=0.5"))


def test_a_long_conversation_is_cut_between_exchanges_each_piece_with_the_image(world: Path) -> None:
    from PIL import Image

    from swath.models.assistant import load_parts

    _, processor = load_parts(str(world / "llava"))
    told = [("how many ships are there ?", "there are three ships .")] * 50
    told[7] = ("how many ?", "ships " * 200)
    picture = Image.new("RGB", (32, 32))
    pieces, left_out = pieces_of(processor, told, picture, 128)
    assert left_out == 1
    assert len(pieces) > 5
    assert all(len(piece) <= 128 and "pixel_values" in piece.inputs for piece in pieces)
    answers = [processor.tokenizer.decode(piece.labels[0][piece.labels[0] >= 0]) for piece in pieces]
    assert sum(text.count("three ships") for text in answers) == 49


def test_a_conversation_whose_image_is_damaged_stops_nothing(world: Path, tmp_path: Path) -> None:
    """Missing images are left out when the file is read; damaged ones when they are needed."""
    folder = tmp_path / "data"
    file = assistants.conversations(folder, count=3)
    (folder / "image-1.png").unlink()
    damaged = folder / "image-2.png"
    damaged.write_bytes(damaged.read_bytes()[:60])
    file.rename(folder / "SAR-VQA_conv.json")
    result = train_assistant(recipe(world, tmp_path / "run", f"data.root={folder}"))
    assert result.steps == 1


def test_where_nothing_can_be_learned_the_run_fails(world: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="no conversation could be learned from"):
        train_assistant(recipe(world, tmp_path / "run", "max_length=16"))


def test_a_conversation_that_begins_with_gpt_is_refused_before_the_first_step(world: Path, tmp_path: Path) -> None:
    entry = {"id": "x", "image": "image-0.png", "conversations": [{"from": "gpt", "value": "a harbour"}]}
    (tmp_path / "SAR-VQA_conv.json").write_text(json.dumps([entry]))
    with pytest.raises(DataError, match="human begins"):
        train_assistant(recipe(world, tmp_path / "run", f"data.root={tmp_path}"))
