"""RSVQA's questions (Lobry et al. 2020): the published triple of files, and one file with questions and answers.

Published: ``X_questions.json`` (``id, img_id, type, question, active``), ``X_answers.json`` (``question_id, answer,
active``) and ``X_images.json`` (``id, active``), X naming the split (``LR_split_train``); images are ``ID.tif`` or
``ID.png`` in a folder. Entries of other splits stand in each file with ``active: false``.

One file: ``{"images": [{"file", ...}], "questions": [{"image", "type", "question", "answer", "split"?}]}``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from swath.data.images import IMAGE_SUFFIXES
from swath.data.karpathy import load_json
from swath.data.questions import Question, QuestionLayout, QuestionSet, gather, text_of
from swath.errors import DataError

_PEEK = 1 << 16
_QUESTIONS = "_questions.json"
_SPLIT = re.compile(r"_split_(\w+)$")


def find_sample(path: Path) -> Path | None:
    """The single file at `path`: the JSON itself, or the only one in the folder."""
    files = [path] if path.is_file() else sorted(path.glob("*.json"))
    found = [file for file in files if file.suffix == ".json" and _is_sample(file)]
    if len(found) > 1:
        raise DataError(f"{path} holds several question files ({', '.join(f.name for f in found)}); name one of them")
    return found[0] if found else None


def read_sample(path: Path, images: Path | None, sensor: str | None) -> QuestionSet:
    """Read one file with images and questions.

    Raises:
        DataError: an entry lacks its image, question or answer; the message names it.
    """
    document = load_json(path)
    entries = _list(document, "questions", path)
    root = images or path.parent
    questions = []
    for number, entry in enumerate(entries):
        where = f"{path}, questions[{number}]"
        questions.append(
            Question(
                str(entry.get("qid", number)),
                text_of(entry.get("image"), where, "the image"),
                text_of(entry.get("question"), where, "the question"),
                text_of(entry.get("answer"), where, "the answer"),
                str(entry.get("type") or "open"),
                str(entry.get("split") or ""),
            )
        )
    return gather(path.stem, {name: root / name for name in {q.image for q in questions}}, questions, sensor)


def find_published(path: Path) -> Path | None:
    """`path`, if it is a ``*_questions.json`` or a folder with some."""
    if path.is_file():
        return path if path.name.endswith(_QUESTIONS) else None
    return path if any(path.glob(f"*{_QUESTIONS}")) else None


def read_published(path: Path, images: Path | None, sensor: str | None) -> QuestionSet:
    """Read one split, or all splits of a folder.

    Raises:
        DataError: answers or images are missing, or an entry is broken; the message names file and entry.
    """
    files = [path] if path.is_file() else sorted(path.glob(f"*{_QUESTIONS}"))
    in_splits = [file for file in files if _SPLIT.search(file.name.removesuffix(_QUESTIONS))]
    questions: list[Question] = []
    for file in in_splits or files:
        questions += _questions(file)
    folder = images or _image_folder(path if path.is_dir() else path.parent)
    found = {file.stem: file for file in folder.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES}
    return gather(path.stem if path.is_file() else path.resolve().name, found, questions, sensor)


SAMPLE = QuestionLayout("questions", 'a .json file with "images" and "questions"', find_sample, read_sample)
RSVQA = QuestionLayout(
    "rsvqa",
    "X_questions.json, X_answers.json and X_images.json beside a folder of images",
    find_published,
    read_published,
)


def _is_sample(file: Path) -> bool:
    # The questions may come after more images than are worth looking at: the first question's keys tell.
    with file.open("rb") as opened:
        head = opened.read(_PEEK)
        opened.seek(max(0, file.stat().st_size - _PEEK))
        return b'"images"' in head and b'"answer"' in opened.read() and not file.name.endswith(_QUESTIONS)


def _questions(file: Path) -> list[Question]:
    stem = file.name.removesuffix(_QUESTIONS)
    split = _SPLIT.search(stem)
    beside = file.with_name(f"{stem}_answers.json")
    if not beside.is_file():
        raise DataError(f"{file} has no answers beside it; {beside.name} is missing")
    answers = {
        str(entry.get("question_id")): entry for entry in _list(load_json(beside), "answers", beside) if _active(entry)
    }
    found = []
    for number, entry in enumerate(_list(load_json(file), "questions", file)):
        if not _active(entry):
            continue
        where = f"{file}, questions[{number}]"
        name = text_of(entry.get("id"), where, "the id")
        if name not in answers:
            raise DataError(f"{where}: question {name} has no answer in {beside.name}")
        found.append(
            Question(
                name,
                text_of(entry.get("img_id"), where, "img_id"),
                text_of(entry.get("question"), where, "the question"),
                text_of(answers[name].get("answer"), where, "the answer"),
                str(entry.get("type") or "open"),
                split.group(1) if split else "",
            )
        )
    return found


def _active(entry: Mapping[str, Any]) -> bool:
    return entry.get("active", True) is True


def _list(document: object, key: str, path: Path) -> list[Mapping[str, Any]]:
    entries = document.get(key) if isinstance(document, Mapping) else None
    if not isinstance(entries, list) or not entries:
        raise DataError(f'{path} has no list "{key}"')
    for number, entry in enumerate(entries):
        if not isinstance(entry, Mapping):
            raise DataError(f"{path}, {key}[{number}] is no object")
    return entries


def _image_folder(folder: Path) -> Path:
    """The one folder below that holds images; the folder itself where the images lie in it."""
    places = [folder, *sorted(entry for entry in folder.iterdir() if entry.is_dir())]
    found = [place for place in places if any(e.suffix.lower() in IMAGE_SUFFIXES for e in place.iterdir())]
    if len(found) != 1:
        names = ", ".join(str(place) for place in found) or "none"
        raise DataError(f"{folder}: one folder with the images is needed, found {names}; name it (--images)")
    return found[0]
