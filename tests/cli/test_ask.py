"""`swath ask` and `swath evaluate vqa`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from typer.testing import Result

from data.test_questions import sample
from generate import assistants
from generate.models import tiny_model
from generate.rasters import s2_scene, write_image
from swath.cli.ask import read_window
from swath.models.answerer import AnswererConfig, CompactAnswerer

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def answering(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory with an answerer of random weights."""
    torch.manual_seed(0)
    encoder = tiny_model()
    place = encoder.save_pretrained(tmp_path_factory.mktemp("answering") / "tiny")
    config = AnswererConfig(
        base=encoder.model_id, dim=encoder.dim, words=("rural", "urban"), counts=(0, 1, 7), members=1
    )
    CompactAnswerer(encoder, config).save(place)
    return place


def test_one_image_one_question_one_answer(run: Run, answering: Path, tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", 64, 64)
    done = run("ask", tmp_path / "a.png", "how many ships are there?", "--model", answering)
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() in {"0", "1", "7"}


def test_images_of_any_sensor_and_further_questions(
    run_json: Callable[..., Any], answering: Path, tmp_path: Path
) -> None:
    write_image(tmp_path / "a.png", 64, 64)
    s2_scene(tmp_path / "s2.tif", 64)
    (tmp_path / "broken.tif").write_bytes(b"II*\0 this is no TIFF")
    files = [tmp_path / name for name in ("a.png", "s2.tif", "broken.tif")]
    found = run_json("ask", *files, "how many ships?", "--then", "Is a road present?", "--model", answering)
    assert [(Path(row["image"]).name, row["type"]) for row in found["answers"]] == [
        ("a.png", "count"),
        ("a.png", "whether"),
        ("s2.tif", "count"),
        ("s2.tif", "whether"),
    ]
    assert "+answerer@" in found["model"]
    assert Path(found["failures"][0]["image"]).name == "broken.tif"


def test_a_window_of_a_scene_is_asked_about_alone(
    run_json: Callable[..., Any], answering: Path, tmp_path: Path
) -> None:
    from PIL import Image

    left, right = (np.random.default_rng(seed).integers(0, 255, (64, 64, 3)).astype(np.uint8) for seed in (1, 2))
    Image.fromarray(np.hstack([left, right])).save(tmp_path / "both.png")
    Image.fromarray(right).save(tmp_path / "right.png")
    ask = ["how many ships?", "--model", answering]
    part = run_json("ask", tmp_path / "both.png", *ask, "--window", "64,0,64,64")["answers"][0]
    alone = run_json("ask", tmp_path / "right.png", *ask)["answers"][0]
    assert (part["answer"], part["confidence"]) == (alone["answer"], alone["confidence"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.png", " "], "the question is empty"),
        (["a.png", "how many?", "--then", ""], "the question is empty"),
        (["a.png", "how many?", "--window", "1,2,3"], "col,row,width,height"),
        (["a.png", "how many?", "--window", "0,0,0,9"], "no window"),
    ],
)
def test_bad_usage_ends_with_2(run: Run, answering: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    write_image(tmp_path / "a.png", 32, 32)
    done = run("ask", tmp_path / arguments[0], *arguments[1:], "--model", answering)
    assert done.exit_code == 2
    assert message in done.output


def test_an_image_of_nothing_but_nan_ends_with_1(run: Run, answering: Path, tmp_path: Path) -> None:
    from rasterio import open as create

    with create(tmp_path / "nan.tif", "w", driver="GTiff", width=32, height=32, count=2, dtype="float32") as file:
        file.write(np.full((2, 32, 32), np.nan, np.float32))
        file.descriptions = ("VV", "VH")
    done = run("ask", tmp_path / "nan.tif", "how many ships?", "--model", answering, "--sensor", "s1-grd")
    assert done.exit_code == 1
    assert "valid pixels" in done.output


def test_a_model_without_answerer_says_so(run: Run, model: Path, tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", 32, 32)
    done = run("ask", tmp_path / "a.png", "how many ships?", "--model", model)
    assert done.exit_code == 1
    assert "has no answerer" in done.output


def test_windows_are_four_whole_numbers() -> None:
    assert read_window("0,512, 256,256") == (0, 512, 256, 256)


def test_an_assistant_answers_and_streams_in_one_conversation(run: Run, tmp_path: Path) -> None:
    folder = assistants.qwen2_vl(tmp_path / "model")
    write_image(tmp_path / "a.png", 32, 32)
    ask = ["ask", tmp_path / "a.png", "how many ships ?", "--then", "is a road present ?", "--model", folder]
    asked = run(*ask, "--longest", 5, "--json", "--device", "cpu")
    assert asked.exit_code == 0, asked.output
    answers = [row["answer"] for row in json.loads(asked.stdout)["answers"]]
    streamed = run(*ask, "--longest", 5, "--stream", "--device", "cpu")
    assert streamed.exit_code == 0, streamed.output
    assert all(answer.strip() in streamed.stdout for answer in answers)


def test_evaluation_tells_the_prior_beside(
    run: Run, run_json: Callable[..., Any], answering: Path, tmp_path: Path
) -> None:
    file = sample(tmp_path, images=4)
    found = run_json("evaluate", "vqa", answering, file, "--rounds", 50, "--to", tmp_path / "report")
    assert (found["images"], found["questions"]) == (4, 8)
    assert found["metrics"]["prior_presence"] == 100
    assert {"accuracy", "average_accuracy", "accuracy_count", "exact", "normalised"} <= set(found["metrics"])
    assert set(found["intervals"]) == set(found["metrics"])
    assert len((tmp_path / "report" / "answers.jsonl").read_text().splitlines()) == 8
    shown = run("evaluate", "vqa", answering, file, "--rounds", 50)
    assert shown.exit_code == 0, shown.output
    assert "average of types" in shown.stdout
    assert "trained on these questions" not in shown.stderr


@pytest.mark.parametrize(
    ("learned", "split", "seen"),
    [
        ({"name": "set", "split": None}, "all", True),
        ({"name": "set", "split": None}, "test", True),
        ({"name": "set", "split": "train"}, "all", True),
        ({"name": "set", "split": "train"}, "train", True),
        ({"name": "set", "split": "train"}, "test", False),
        ({"name": "other", "split": None}, "all", False),
    ],
)
def test_evaluation_on_what_was_learned_says_so(
    run: Run, answering: Path, tmp_path: Path, learned: dict[str, str | None], split: str, seen: bool
) -> None:
    rows = [
        {"image": "0.png", "type": "count", "question": "How many?", "answer": "1", "split": name}
        for name in ("train", "test")
    ]
    file = sample(tmp_path, images=1, questions=rows)
    model = shutil.copytree(answering, tmp_path / "model")
    config = AnswererConfig.load(model).model_copy(update={"provenance": {"data": [learned]}})
    (model / "answerer.json").write_text(config.to_json())
    done = run("evaluate", "vqa", model, file, "--rounds", 0, "--split", split, "--to", tmp_path / "report")
    assert done.exit_code == 0, done.output
    assert ("trained on these questions" in done.stderr) is seen
    assert json.loads((tmp_path / "report/report.json").read_text())["settings"]["seen_in_training"] is seen


def test_questions_of_a_missing_place_end_with_1(run: Run, answering: Path, tmp_path: Path) -> None:
    done = run("evaluate", "vqa", answering, tmp_path / "nothing.json")
    assert done.exit_code == 1
    assert "no such file" in done.output
