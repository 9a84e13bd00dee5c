"""`swath ask`: questions about images, answered."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from swath.cli.options import DeviceOption
from swath.cli.output import JsonOption, note, print_json, print_table
from swath.errors import SourceError, SwathError

if TYPE_CHECKING:
    from swath.chips import Pixels
    from swath.models.answers import Answer, Answerer


def ask(
    images: Annotated[list[str], typer.Argument(metavar="IMAGE...", help="Images or scenes, of any sensor.")],
    question: Annotated[str, typer.Argument(help="Such as: how many ships are there?")],
    then: Annotated[
        list[str] | None,
        typer.Option("--then", help="A further question; an assistant knows what was said. Repeatable."),
    ] = None,
    window: Annotated[
        str | None, typer.Option(metavar="COL,ROW,WIDTH,HEIGHT", help="Ask about this window, in pixels of the scene.")
    ] = None,
    model: Annotated[
        str, typer.Option(help="A model with an answerer, or any image-text-to-text model of transformers.")
    ] = "swath-mini",
    sensor: Annotated[str | None, typer.Option(help="Read images as this sensor; else it is recognised.")] = None,
    stream: Annotated[bool, typer.Option("--stream", help="Print an assistant's words as they come.")] = False,
    longest: Annotated[int, typer.Option(min=1, help="Tokens of an assistant's longest answer.")] = 128,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Ask about images. An image that cannot be read is listed and stops nothing.

    Example: swath ask harbour.tif "how many ships are there?" --then "are there more ships than docks?"
    """
    from swath.models.answerer import parse

    questions = [question, *(then or ())]
    for one in questions:
        parse(one)
    place = None if window is None else read_window(window)
    read, failures = _read(images, sensor, place)
    answerer = open_answerer(model, device=device, longest=longest)
    rows: list[dict[str, Any]] = []
    for name, pixels in read:
        answers = _talk(answerer, pixels, questions, stream=stream and not as_json)
        rows += [
            {"image": name, "question": asked, **answer.to_dict()}
            for asked, answer in zip(questions, answers, strict=True)
        ]
    if as_json:
        print_json({"model": answerer.model_id, "answers": rows, "failures": failures})
    elif not stream:
        _show(rows, single=len(rows) == 1)
    for failure in failures:
        note(f"left out {failure['image']}: {failure['reason']}")


def read_window(text: str) -> tuple[int, int, int, int]:
    """``col,row,width,height`` (bad usage, exit 2, where the text has another form)."""
    try:
        col, row, width, height = (int(part) for part in text.split(","))
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not col,row,width,height in pixels, for example 0,512,256,256") from None
    if min(col, row) < 0 or min(width, height) < 1:
        raise typer.BadParameter(f"{text!r} is no window: col and row are 0 or more, width and height 1 or more")
    return col, row, width, height


def open_answerer(model: str, *, device: str = "auto", longest: int = 128) -> Answerer:
    """The compact answerer of a swath model, or an assistant.

    Raises:
        CheckpointError: a swath model without an answerer.
        ModelError: there is no such model.
        MissingExtraError: an assistant is wanted and transformers is not installed.
    """
    from swath.models.answerer import is_dual_encoder, load_answerer

    if is_dual_encoder(model):
        return load_answerer(model, device=device)
    from swath.models.assistant import Assistant

    return Assistant.from_pretrained(model, device=device, most_new=longest)


def _read(
    images: list[str], sensor: str | None, place: tuple[int, int, int, int] | None
) -> tuple[list[tuple[str, Pixels]], list[dict[str, str]]]:
    from swath.chips import Chip, Window
    from swath.raster import read_chip, scene_from_file, scene_grid

    found: list[tuple[str, Pixels]] = []
    failures: list[dict[str, str]] = []
    for name in images:
        try:
            scene = scene_from_file(name, sensor=sensor)
            grid = scene_grid(scene)
            window = Window(0, 0, grid.width, grid.height) if place is None else Window(*place)
            found.append((name, read_chip(Chip(scene, window, scene.footprint), min_valid=0.0)))
        except SwathError as error:
            if len(images) == 1:
                raise
            failures.append({"image": name, "reason": str(error)})
    if not found:
        raise SourceError(f"none of {len(images)} images can be read: {failures[0]['reason']}")
    return found, failures


def _talk(answerer: Answerer, pixels: Pixels, questions: list[str], *, stream: bool) -> list[Answer]:
    from swath.models.answers import Answer

    chat = getattr(answerer, "chat", None)
    if chat is None:
        return answerer.answer([pixels] * len(questions), questions)
    talk = chat(pixels)
    if not stream:
        return [talk.ask(question) for question in questions]
    answers = []
    for question in questions:
        said = ""
        for piece in talk.stream(question):
            said += piece
            sys.stdout.write(piece)
            sys.stdout.flush()
        sys.stdout.write("\n")
        answers.append(Answer(said.strip(), float("nan"), "open"))
    return answers


def _show(rows: list[dict[str, Any]], *, single: bool) -> None:
    if single:
        typer.echo(rows[0]["answer"])
        note(f"confidence {rows[0]['confidence']:.2f}")
        return
    print_table(
        ["*image", "*question", "*answer", ">confidence"],
        [[row["image"], row["question"], row["answer"], f"{row['confidence']:.2f}"] for row in rows],
    )
