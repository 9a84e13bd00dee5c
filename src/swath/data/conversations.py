"""LLaVA-style conversation files: ``[{id, image, conversations: [{from: "human" | "gpt", value}]}]``."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from swath.chips import Chip
from swath.data.dataset import Failure
from swath.data.images import UnreadableImageError, image_chip
from swath.data.karpathy import load_json
from swath.data.questions import Question, QuestionLayout, QuestionSet
from swath.errors import DataError

_PEEK = 1 << 12
_IMAGE = re.compile(r"\s*<image>\s*")

Speaker = Literal["human", "gpt"]


@dataclass(frozen=True, slots=True)
class Turn:
    """What one side says.

    Attributes:
        speaker: ``human`` asks, ``gpt`` answers.
        text: without the ``<image>`` mark.
    """

    speaker: Speaker
    text: str


@dataclass(frozen=True, slots=True)
class Conversation:
    """A conversation about one image: human and gpt in turn, human first, gpt last.

    Attributes:
        id: its name in the file.
        chip: the image; None for a conversation about no image.
        turns: question, answer, question, answer...
    """

    id: str
    chip: Chip | None
    turns: tuple[Turn, ...]

    def exchanges(self) -> Iterator[tuple[str, str]]:
        """Each question with its answer."""
        for at in range(0, len(self.turns), 2):
            yield self.turns[at].text, self.turns[at + 1].text


@dataclass(frozen=True, slots=True)
class Conversations:
    """What a conversation file holds.

    Attributes:
        name: the file's name without ending.
        entries: the conversations whose image can be read.
        failures: what was left out, and why.
    """

    name: str
    entries: tuple[Conversation, ...]
    failures: tuple[Failure, ...] = ()

    def __len__(self) -> int:
        return len(self.entries)


def read_conversations(
    path: str | Path, *, images: str | Path | None = None, sensor: str | None = None
) -> Conversations:
    """Read a conversation file. A conversation whose image is missing is left out and reported; the others stay.

    Image paths are relative to `images`, by default the file's folder. An absolute path of another machine is looked
    for by its longest end that exists there.

    Args:
        path: the JSON file.
        images: the image folder.
        sensor: the images' sensor; recognised by default.

    Raises:
        DataError: not such a file, a conversation that begins with gpt, has no answer, or an empty turn (with its
            place); or no conversation is left.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"there is no conversation file {path}")
    document = load_json(path)
    if not isinstance(document, list) or not document:
        raise DataError(f"{path} is no conversation file: a list of {{id, image, conversations}} is needed")
    root = Path(images) if images is not None else path.parent
    entries: list[Conversation] = []
    failures: list[Failure] = []
    for number, entry in enumerate(document):
        where = f"{path}, entry {number}"
        if not isinstance(entry, Mapping):
            raise DataError(f"{where} is no object")
        turns = _turns(entry.get("conversations"), where)
        name = entry.get("image")
        if name is not None and not isinstance(name, str):
            raise DataError(f"{where}: image must be one path, found {name!r:.80}")
        found = _chip(root, name, sensor) if name else None
        if isinstance(found, Failure):
            failures.append(found)
            continue
        entries.append(Conversation(str(entry.get("id", number)), found, turns))
    if not entries:
        raise DataError(f"{path}: no conversation is left; {failures[0].message} (image folder: --images)")
    return Conversations(path.stem, tuple(entries), tuple(failures))


def _turns(value: object, where: str) -> tuple[Turn, ...]:
    if not isinstance(value, list) or not value:
        raise DataError(f'{where} has no list "conversations"')
    turns: list[Turn] = []
    for number, entry in enumerate(value):
        wanted: Speaker = "gpt" if number % 2 else "human"
        place = f"{where}, conversations[{number}]"
        speaker = entry.get("from") if isinstance(entry, Mapping) else None
        if speaker != wanted:
            raise DataError(f"{place} is from {speaker!r}, not {wanted!r}: human begins, then both take turns")
        text = entry.get("value")
        text = _IMAGE.sub(" ", text).strip() if isinstance(text, str) else ""
        if not text:
            raise DataError(f"{place} says nothing (value is empty or no text)")
        turns.append(Turn(wanted, text))
    if len(turns) % 2:
        raise DataError(f"{where} ends with a question; a conversation needs an answer to each")
    return tuple(turns)


def _chip(root: Path, name: str, sensor: str | None) -> Chip | Failure:
    parts = Path(name).parts
    # Files written on another machine have its absolute paths (SAR-TEXT's RS-VQA_conv.json has).
    places = [root / name, *(root.joinpath(*parts[at:]) for at in range(1, len(parts)))]
    for place in places:
        try:
            return image_chip(place, name, sensor)
        except FileNotFoundError:
            continue
        except UnreadableImageError as error:
            return Failure("unreadable image", name, str(error))
    return Failure("missing image", name, f"there is no image {name} under {root}")


def _find(path: Path) -> Path | None:
    def holds(file: Path) -> bool:
        with file.open("rb") as opened:
            return b'"conversations"' in opened.read(_PEEK)

    if path.is_file():
        return path if path.suffix == ".json" and holds(path) else None
    found = [file for file in sorted(path.glob("*.json")) if holds(file)]
    if len(found) > 1:
        raise DataError(f"{path} holds several conversation files ({', '.join(f.name for f in found)}); name one")
    return found[0] if found else None


def _read(path: Path, images: Path | None, sensor: str | None) -> QuestionSet:
    """Each question with its answer, for evaluation; turns before it are not told."""
    found = read_conversations(path, images=images, sensor=sensor)
    questions: list[Question] = []
    chips: dict[str, Chip] = {}
    for entry in found.entries:
        if entry.chip is None:
            continue
        name = entry.chip.scene.id
        chips[name] = entry.chip
        for number, (asked, answer) in enumerate(entry.exchanges()):
            questions.append(Question(f"{entry.id}-{number}", name, asked, answer))
    return QuestionSet(found.name, chips, tuple(questions), found.failures)


CONVERSATIONS = QuestionLayout("conversations", 'a .json list with "conversations" (LLaVA)', _find, _read)
