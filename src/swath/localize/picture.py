"""A heat map over a picture of its scene."""

from __future__ import annotations

import io
from bisect import bisect_right
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from swath.chips import Chip
from swath.localize.peaks import scaled
from swath.raster import read_chip

if TYPE_CHECKING:
    from swath.localize.heatmap import HeatMap

_STOPS = ((0.05, 0.03, 0.21), (0.42, 0.09, 0.43), (0.82, 0.25, 0.28), (0.98, 0.62, 0.10), (0.99, 1.00, 0.64))
"""Colours from low to high: dark to light in even steps of lightness, also without colour vision."""

_LINE, _GAP = 22, 6


def draw(heat: HeatMap, side: int) -> bytes:
    """One PNG: for each text a panel with the scene, the map over it, and numbered peaks."""
    window = heat.window
    pixels = read_chip(Chip(heat.scene, window), size=min(side, max(window.width, window.height)), min_valid=0.0)
    picture = np.moveaxis(pixels.to_rgb(), 0, -1).astype(np.float32)
    maps = heat.preview(*picture.shape[:2])
    height, width = picture.shape[:2]
    columns = min(len(heat.texts), 3)
    rows = -(-len(heat.texts) // columns)
    sheet = Image.new("RGB", (columns * (width + _GAP) - _GAP, rows * (height + _LINE + _GAP) - _GAP), (255, 255, 255))
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(14)
    for number, text in enumerate(heat.texts):
        x, y = number % columns * (width + _GAP), number // columns * (height + _LINE + _GAP)
        pen.text((x + 2, y + 2), _fit(text, pen, font, width - 4), fill=(20, 20, 20), font=font)
        sheet.paste(Image.fromarray(overlay(picture, maps[number])), (x, y + _LINE))
        for rank, peak in enumerate(heat.peaks(number), start=1):
            at = (
                x + (peak.x - window.col) * width / window.width,
                y + _LINE + (peak.y - window.row) * height / window.height,
            )
            pen.circle(at, 6, outline=(255, 255, 255), width=2)
            pen.text((at[0] + 9, at[1] - 9), str(rank), fill=(255, 255, 255), font=font, stroke_width=1, stroke_fill=0)
    out = io.BytesIO()
    sheet.save(out, "PNG")
    return out.getvalue()


def overlay(picture: NDArray[np.float32], heat: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Blend a map over a picture, the stronger the higher; where the map is NaN the picture stays.

    Args:
        picture: (H, W, 3), 0 to 255.
        heat: (H, W).
    """
    known = np.isfinite(heat)
    if not known.any():
        return np.rint(picture).astype(np.uint8)
    level = np.where(known, scaled(heat), 0.0)
    colours = _colours(level)
    share = np.where(known, 0.15 + 0.5 * level, 0.0)[..., None]
    blended: NDArray[np.uint8] = np.rint(picture * (1 - share) + 255.0 * colours * share).astype(np.uint8)
    return blended


def _fit(text: str, pen: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    if pen.textlength(line, font=font) <= width:
        return line

    def measure(count: int) -> float:
        return float(pen.textlength(line[:count] + "…", font=font))

    # Halving: letter by letter, a text of some thousand signs takes ten seconds.
    kept = bisect_right(range(len(line)), float(width), key=measure) - 1
    return line[: max(kept, 0)] + "…"


def glow(heat: HeatMap, side: int, text: int = 0) -> bytes:
    """One map alone as a PNG to lay over another picture of its window: the higher, the less transparent.

    Args:
        heat: the maps.
        side: longest side in pixels.
        text: which map.
    """
    window = heat.window
    shrink = min(1.0, side / max(window.width, window.height))
    height, width = (max(1, round(shrink * length)) for length in (window.height, window.width))
    values = heat.preview(height, width)[text]
    known = np.isfinite(values)
    level = np.where(known, scaled(values), 0.0) if known.any() else np.zeros((height, width))
    picture = np.zeros((height, width, 4), np.uint8)
    picture[..., :3] = np.rint(255.0 * _colours(level))
    picture[..., 3] = np.rint(255.0 * np.where(known, 0.1 + 0.7 * level, 0.0))
    out = io.BytesIO()
    Image.fromarray(picture, "RGBA").save(out, "PNG")
    return out.getvalue()


def _colours(level: NDArray[np.floating]) -> NDArray[np.float64]:
    stops = np.linspace(0.0, 1.0, len(_STOPS))
    return np.stack([np.interp(level, stops, [stop[band] for stop in _STOPS]) for band in range(3)], axis=-1)
