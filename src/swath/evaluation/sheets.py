"""Picture sheets: some queries with their first five answers, right ones framed green, wrong ones red.

An answer that is not the query's own but carries its very text is framed amber: the papers' definition calls it wrong,
the caption-aware one right.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from swath.data import Dataset, Pair
from swath.errors import EvaluationError, SwathError
from swath.evaluation.report import RetrievalReport
from swath.evaluation.retrieval import RetrievalResult
from swath.raster import read_chip

RIGHT, SHARED, WRONG = (22, 140, 64), (222, 155, 20), (200, 38, 38)
_THUMB, _FRAME, _GAP, _TEXT_WIDTH = 128, 5, 8, 300
_PAPER, _INK = (255, 255, 255), (20, 20, 20)


@dataclass(frozen=True, slots=True)
class _Cell:
    colour: tuple[int, int, int]
    pair: Pair | None = None
    text: str = ""


def write_sheets(
    report: RetrievalReport, dataset: Dataset, directory: str | Path, *, queries: int = 8, seed: int = 0
) -> list[Path]:
    """Write ``t2i.png`` and ``i2t.png`` with randomly chosen queries.

    Args:
        report: with its first answers.
        dataset: the data set that the report is of.
        directory: made where it does not exist.
        queries: how many queries a sheet shows.
        seed: of the choice; equal seeds choose equal queries, so the sheets of two models can be laid side by side.

    Returns:
        the two files.

    Raises:
        EvaluationError: the report has no first answers, or is of another data set.
    """
    if report.first_images is None or report.first_captions is None:
        raise EvaluationError("this report keeps no first answers: evaluate again to draw picture sheets")
    pairs = {pair.name: pair for pair in (dataset if report.split is None else dataset.split(report.split)).pairs}
    missing = [name for name in report.images if name not in pairs]
    if missing:
        raise EvaluationError(f"image {missing[0]} of the report is not in {dataset.name}: give the data set it is of")
    shown = [pairs[name] for name in report.images]
    captions = _captions(report, shown)
    rng = np.random.default_rng(seed)
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for way, first in (("t2i", report.first_images), ("i2t", report.first_captions)):
        chosen = np.sort(rng.permutation(len(first))[:queries])
        rows = [_row(way, int(query), first[query], report.result, shown, captions) for query in chosen]
        path = folder / f"{way}.png"
        _draw(rows).save(path)
        files.append(path)
    return files


def _captions(report: RetrievalReport, pairs: Sequence[Pair]) -> list[str]:
    long = report.settings.get("captions") == "long"
    # Where every row is a pair of its own, an image is there once for each of its captions.
    once = {pair.name: pair for pair in pairs}.values()
    captions = [text for pair in once for text in (pair.long_captions if long else pair.captions)]
    if len(captions) != report.result.relation.captions:
        raise EvaluationError(
            f"the report is of {report.result.relation.captions} captions, its images have {len(captions)} in the data "
            "set: give the data set it is of"
        )
    return captions


def _row(
    way: str,
    query: int,
    answers: NDArray[np.int64],
    result: RetrievalResult,
    pairs: Sequence[Pair],
    captions: Sequence[str],
) -> list[_Cell]:
    owner, text = result.relation.caption_image, result.relation.text
    if way == "t2i":
        carriers = set(owner[text == text[query]].tolist())
        cells = [_Cell(_INK, text=captions[query])]
        for answer in answers.tolist():
            colour = RIGHT if answer == owner[query] else SHARED if answer in carriers else WRONG
            cells.append(_Cell(colour, pair=pairs[answer]))
        return cells
    own_texts = set(text[owner == query].tolist())
    cells = [_Cell(_INK, pair=pairs[query])]
    for answer in answers.tolist():
        colour = RIGHT if owner[answer] == query else SHARED if text[answer] in own_texts else WRONG
        cells.append(_Cell(colour, text=captions[answer]))
    return cells


def _draw(rows: Sequence[Sequence[_Cell]]) -> Image.Image:
    widths = [max(_THUMB if row[column].pair else _TEXT_WIDTH for row in rows) for column in range(len(rows[0]))]
    height = _THUMB + _GAP
    sheet = Image.new("RGB", (sum(widths) + _GAP * (len(widths) + 1), height * len(rows) + _GAP), _PAPER)
    for line, row in enumerate(rows):
        left = _GAP
        for cell, width in zip(row, widths, strict=True):
            sheet.paste(_picture(cell) if cell.pair else _label(cell), (left, _GAP + line * height))
            left += width + _GAP
    return sheet


def _picture(cell: _Cell) -> Image.Image:
    side = _THUMB - 2 * _FRAME
    framed = Image.new("RGB", (_THUMB, _THUMB), cell.colour)
    try:
        pixels = read_chip(cell.pair.chip, size=side, min_valid=0.0) if cell.pair else None
    except SwathError:
        return framed  # an image that has since gone leaves a blank in its colour, not a sheet undone
    if pixels is not None:
        image = Image.fromarray(np.moveaxis(pixels.to_rgb(), 0, 2))
        framed.paste(image.resize((side, side), Image.Resampling.BILINEAR), (_FRAME, _FRAME))
    return framed


def _label(cell: _Cell) -> Image.Image:
    label = Image.new("RGB", (_TEXT_WIDTH, _THUMB), _PAPER)
    draw = ImageDraw.Draw(label)
    draw.rectangle((0, 0, _FRAME - 1, _THUMB), fill=cell.colour)
    lines = textwrap.wrap(cell.text, 44)
    text = "\n".join([*lines[:7], "..."] if len(lines) > 8 else lines)
    draw.multiline_text((_FRAME + 6, 4), text, fill=_INK, font=ImageFont.load_default(12), spacing=2)
    return label
