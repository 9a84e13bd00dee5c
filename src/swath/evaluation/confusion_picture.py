"""A confusion matrix as a picture: rows are right classes, columns answers, dark where a row's images went."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_CELL, _GAP, _NAME = 30, 8, 22
_PAPER, _INK = (255, 255, 255), (20, 20, 20)
_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_DARK = np.array((8, 48, 107), dtype=np.float64)


def draw_confusion(matrix: NDArray[np.integer], classes: Sequence[str], path: Path) -> Path:
    """Write a picture; every cell shows its share of the row in per cent, where that is one or more.

    Args:
        matrix: (K, K) counts; rows are right classes.
        classes: K names; long ones are shortened.
        path: the PNG file to write.
    """
    font = ImageFont.load_default(11)
    names = [name if len(name) <= _NAME else f"{name[: _NAME - 1]}…" for name in classes]
    margin = 2 * _GAP + int(max(font.getlength(name) for name in names))
    side = margin + _CELL * len(names) + _GAP
    page = Image.new("RGB", (side, side), _PAPER)
    draw = ImageDraw.Draw(page)
    shares = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    for row, name in enumerate(names):
        middle = margin + _CELL * row + _CELL // 2
        draw.text((margin - _GAP, middle), name, fill=_INK, font=font, anchor="rm")
        _upright(page, name, (middle, margin - _GAP), font)
        for column in range(len(names)):
            _cell(draw, shares[row, column], margin + _CELL * column, margin + _CELL * row, font)
    path.parent.mkdir(parents=True, exist_ok=True)
    page.save(path, format="PNG", optimize=True)
    return path


def _cell(draw: ImageDraw.ImageDraw, share: float, left: int, top: int, font: _Font) -> None:
    colour = np.round(_DARK * share + 255 * (1 - share)).astype(int)
    box = (left, top, left + _CELL - 2, top + _CELL - 2)
    draw.rectangle(box, fill=(int(colour[0]), int(colour[1]), int(colour[2])))
    if share >= 0.005:
        ink = _PAPER if share > 0.5 else _INK
        draw.text((left + _CELL // 2, top + _CELL // 2), f"{100 * share:.0f}", fill=ink, font=font, anchor="mm")


def _upright(page: Image.Image, name: str, foot: tuple[int, int], font: _Font) -> None:
    """Write a name from below to above, its foot at a point."""
    width = int(font.getlength(name)) + 2
    label = Image.new("RGB", (width, _CELL), _PAPER)
    ImageDraw.Draw(label).text((0, _CELL // 2), name, fill=_INK, font=font, anchor="lm")
    page.paste(label.rotate(90, expand=True), (foot[0] - _CELL // 2, foot[1] - width))
