"""Readers of questions: RSVQA's files, one file, tables of labels."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from generate.rasters import write_image
from swath.data.questions import QuestionSet
from swath.data.read_questions import read_questions
from swath.errors import DataError


def sample(folder: Path, images: int = 6, **changes: Any) -> Path:
    """One file with two questions an image."""
    folder.mkdir(parents=True, exist_ok=True)
    names = [f"{number}.png" for number in range(images)]
    for number, name in enumerate(names):
        write_image(folder / name, 32, 32, seed=number)
    questions = [
        {"qid": 2 * at + second, "image": name, "type": kind, "question": text, "answer": answer}
        for at, name in enumerate(names)
        for second, (kind, text, answer) in enumerate(
            [("presence", "Is a road present?", "yes"), ("count", "How many roads are there?", at)]
        )
    ]
    document = {"images": [{"file": name} for name in names], "questions": questions} | changes
    (folder / "set.json").write_text(json.dumps(document))
    return folder / "set.json"


def published(folder: Path) -> Path:
    """RSVQA's triple for two splits, with entries of the other split inactive in each."""
    (folder / "Images_LR").mkdir(parents=True)
    for number in range(4):
        write_image(folder / "Images_LR" / f"{number}.png", 32, 32, seed=number)
    for split, active in (("train", (0, 1, 2)), ("test", (3,))):
        questions, answers, images = [], [], []
        for number in range(4):
            on = number in active
            images.append({"id": number, "active": on})
            entry = {"id": 10 + number, "active": on}
            own = {"img_id": number, "type": "count", "question": "How many roads are there?", "answers_ids": [number]}
            questions.append(entry | own if on else entry)
            answers.append({"id": number, "question_id": 10 + number, "answer": str(number), "active": on})
        stem = f"LR_split_{split}"
        for what, entries in (("questions", questions), ("answers", answers), ("images", images)):
            (folder / f"{stem}_{what}.json").write_text(json.dumps({what: entries}))
    return folder


def test_one_file_gives_questions_and_chips(tmp_path: Path) -> None:
    found = read_questions(sample(tmp_path))
    assert (len(found), len(found.images), found.types) == (12, 6, {"presence": 6, "count": 6})
    assert found.questions[3].answer == "1"  # a number in the file is a text here
    assert found.images["1.png"].sensor.name == "rgb"


def test_the_published_triple_keeps_each_split_to_its_active_entries(tmp_path: Path) -> None:
    found = read_questions(published(tmp_path))
    assert found.splits == {"test": 1, "train": 3}
    assert [question.answer for question in found.split("train").questions] == ["0", "1", "2"]
    assert set(found.split("test").images) == {"3"}
    assert read_questions(tmp_path / "LR_split_test_questions.json").splits == {"test": 1}


def test_a_question_without_answer_names_its_file(tmp_path: Path) -> None:
    folder = published(tmp_path)
    (folder / "LR_split_test_answers.json").write_text(json.dumps({"answers": [{"question_id": 1, "answer": "2"}]}))
    with pytest.raises(DataError, match=r"question 13 has no answer in LR_split_test_answers\.json"):
        read_questions(folder)


def test_a_missing_image_loses_its_questions_only(tmp_path: Path) -> None:
    file = sample(tmp_path)
    (tmp_path / "2.png").unlink()
    (tmp_path / "3.png").write_bytes(b"no image")
    found = read_questions(file)
    assert len(found) == 8
    assert [(failure.kind, failure.name) for failure in found.failures] == [
        ("missing image", "2.png"),
        ("unreadable image", "3.png"),
    ]


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"image": "0.png", "question": "  ", "answer": "yes"}, r"questions\[0\]: the question is empty"),
        ({"image": "0.png", "question": "Is it?", "answer": ""}, r"questions\[0\]: the answer is empty"),
        ({"question": "Is it?", "answer": "yes"}, r"questions\[0\]: the image is empty"),
    ],
)
def test_a_broken_entry_is_named(tmp_path: Path, entry: dict[str, str], message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_questions(sample(tmp_path, questions=[entry]))


def test_what_holds_no_questions_is_refused_with_the_layouts(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(DataError, match=r"X_questions\.json"):
        read_questions(tmp_path)
    with pytest.raises(DataError, match="no such file"):
        read_questions(tmp_path / "nothing")


def test_folds_share_no_image_and_lose_no_question(tmp_path: Path) -> None:
    found = read_questions(sample(tmp_path))
    folds = found.folds(3, seed=1)
    for train, test in folds:
        assert not set(train.images) & set(test.images)
        assert len(train) + len(test) == len(found)
    assert sorted(question.id for _, test in folds for question in test.questions) == sorted(
        question.id for question in found.questions
    )
    with pytest.raises(DataError, match="6 images"):
        found.folds(7)


LABELS = ("airplane", "dock", "grass", "sea")


def labelled(folder: Path) -> tuple[Path, Path]:
    """Class folders of pictures, and a table of labels for them."""
    rows = ["IMAGE\\LABEL," + ",".join(LABELS)]
    for number in range(8):
        name = f"{'ab'[number % 2]}{number}"
        (folder / "images" / name[0]).mkdir(parents=True, exist_ok=True)
        write_image(folder / "images" / name[0] / f"{name}.png", 32, 32, seed=number)
        rows.append(",".join([name, *(str(number >> bit & 1) for bit in range(4))]))
    (folder / "table.csv").write_text("\n".join(rows) + "\n")
    return folder / "images", folder / "table.csv"


def has(number: int) -> set[str]:
    """The labels that `labelled` gives image `number`."""
    return {label for bit, label in enumerate(LABELS) if number >> bit & 1}


def test_every_generated_answer_follows_from_the_table(tmp_path: Path) -> None:
    images, table = labelled(tmp_path)
    found = read_questions(images, labels=table)
    built, natural = {"airplane", "dock"}, {"grass", "sea"}
    for question in found.questions:
        own = has(int(Path(question.image).stem[1:]))
        sizes = {"built things": len(own & built), "natural things": len(own & natural), "things": len(own)}
        if question.type == "presence":
            label = question.text.removeprefix("Are there ").removesuffix(" in the image?")
            assert question.answer == ("yes" if label in own else "no")
        elif question.type == "count":
            group = question.text.removeprefix("How many kinds of ").removesuffix(" are there?")
            assert question.answer == str(sizes[group])
        elif "equal" in question.text:
            assert question.answer == ("yes" if sizes["built things"] == sizes["natural things"] else "no")
        else:
            first = "built things" if "more kinds of built" in question.text else "natural things"
            second = "natural things" if first == "built things" else "built things"
            assert question.answer == ("yes" if sizes[first] > sizes[second] else "no")
    assert read_questions(images, labels=table).questions == found.questions  # the seed decides, nothing else


def test_an_image_outside_the_table_is_named(tmp_path: Path) -> None:
    images, table = labelled(tmp_path)
    write_image(images / "a" / "other.png", 32, 32)
    with pytest.raises(DataError, match=r"other\.png.*has no row"):
        read_questions(images, labels=table)


@pytest.mark.data
def test_the_samples_of_rsvqa_and_ucm_are_read_whole(shared_data: Path) -> None:
    sets: list[QuestionSet] = [read_questions(shared_data / "rsvqa" / name) for name in ("lr_s2.json", "hr_usgs.json")]
    assert [len(one) for one in sets] == [2504, 2501]
    assert all(len(one.images) == 25 and not one.failures for one in sets)
