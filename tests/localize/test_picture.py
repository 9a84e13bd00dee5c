"""Titles of panels fit their width, however long the text is."""

from __future__ import annotations

import pytest
from PIL import Image, ImageDraw, ImageFont

from swath.localize.picture import _fit


class Pen(ImageDraw.ImageDraw):
    """Counts how often it measures."""

    measured = 0

    def textlength(self, *args: object, **settings: object) -> float:
        self.measured += 1
        return super().textlength(*args, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "runway", "a harbour with many ships\nand\0boats", "0" * 4000, "m i" * 1000])
def test_a_title_fits_and_costs_few_measurements(text: str) -> None:
    pen, font = Pen(Image.new("RGB", (8, 8))), ImageFont.load_default(14)
    line = _fit(text, pen, font, 100)
    assert pen.measured <= 15
    assert pen.textlength(line, font=font) <= 100
    whole = " ".join(text.replace("\0", " ").split())
    if line != whole:
        assert line.endswith("…")
        assert pen.textlength(whole[: len(line)] + "…", font=font) > 100, "one more sign would not fit"
        assert whole.startswith(line[:-1])
