"""The door of questions: `read_questions` recognises a layout and reads it."""

from __future__ import annotations

from pathlib import Path

from swath.data.conversations import CONVERSATIONS
from swath.data.label_questions import questions_of_labels
from swath.data.questions import QuestionLayout, QuestionSet
from swath.data.rsvqa import RSVQA, SAMPLE
from swath.errors import DataError

QUESTION_LAYOUTS: tuple[QuestionLayout, ...] = (SAMPLE, RSVQA, CONVERSATIONS)
"""Every layout, in the order in which they are tried: the more telling first."""


def read_questions(
    path: str | Path, *, images: str | Path | None = None, sensor: str | None = None, labels: str | Path | None = None
) -> QuestionSet:
    """Read questions in any layout that swath knows.

    Args:
        path: the folder or file; or, with `labels`, any data set that `swath.data.read_dataset` reads.
        images: the image folder, where it is not beside the questions.
        sensor: the images' sensor; recognised by default.
        labels: a table with a column a label (UCM's 17); questions are then generated from it.

    Raises:
        DataError: nothing is there, the layout is not recognised, or the file is broken.
    """
    path = Path(path)
    if not path.exists():
        raise DataError(f"no questions at {path}: no such file or folder")
    if labels is not None:
        return questions_of_labels(path, Path(labels), sensor=sensor)
    for layout in QUESTION_LAYOUTS:
        found = layout.find(path)
        if found is not None:
            return layout.read(found, None if images is None else Path(images), sensor)
    listed = "".join(f"\n  {layout.name}: {layout.looks_like}" for layout in QUESTION_LAYOUTS)
    raise DataError(f"{path} holds no questions in a layout that swath knows:{listed}")
