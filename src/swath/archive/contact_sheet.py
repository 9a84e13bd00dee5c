"""The contact sheet: all hits of a search on one picture."""

from __future__ import annotations

import io
import textwrap

from PIL import Image, ImageDraw, ImageFont

from swath.archive.hits import Hits, score_text
from swath.errors import InputError

TILE = 160
"""Side of a picture on the sheet, in pixels."""

_GAP, _CAPTION, _LINE = 12, 34, 18
_INK, _FAINT, _PAPER, _EMPTY = (28, 32, 38), (105, 112, 122), (255, 255, 255), (232, 235, 239)


def draw(hits: Hits, columns: int = 5) -> Image.Image:
    """Draw hits in rows of `columns`, each with rank, score, sensor and date; the query stands above.

    Raises:
        InputError: no column.
    """
    if columns < 1:
        raise InputError(f"a contact sheet needs at least one column, got {columns}")
    columns = max(1, min(columns, len(hits)))
    title_font, font = ImageFont.load_default(16), ImageFont.load_default(13)
    width = max(_GAP + columns * (TILE + _GAP), 480)
    title = textwrap.wrap(_drawable(hits.title) or "search", width=max(20, width // 9))[:3]
    head = _GAP + 24 * len(title) + _GAP // 2
    rows = max(1, -(-len(hits) // columns))
    sheet = Image.new("RGB", (width, head + rows * (TILE + _CAPTION + _GAP)), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for number, line in enumerate(title):
        pen.text((_GAP, _GAP + 24 * number), line, fill=_INK, font=title_font)
    if not hits:
        pen.text((_GAP, head + _GAP), "no hits", fill=_FAINT, font=title_font)
    for place, hit in enumerate(hits):
        x = _GAP + (place % columns) * (TILE + _GAP)
        y = head + (place // columns) * (TILE + _CAPTION + _GAP)
        sheet.paste(_tile(hit.thumbnail), (x, y))
        date = hit.datetime.date().isoformat() if hit.datetime else "no date"
        pen.text((x, y + TILE + 3), f"{hit.rank}   {score_text(hit.score)}", fill=_INK, font=font)
        pen.text((x, y + TILE + 3 + _LINE - 3), _fit(f"{hit.sensor}  {date}", pen, font), fill=_FAINT, font=font)
    return sheet


def _tile(thumbnail: bytes | None) -> Image.Image:
    """The thumbnail fitted into a square; a plain square where there is none that can be read."""
    tile = Image.new("RGB", (TILE, TILE), _EMPTY)
    if thumbnail is None:
        return tile
    try:
        with Image.open(io.BytesIO(thumbnail), formats=["JPEG", "PNG", "WEBP"]) as picture:
            fitted = picture.convert("RGB")
    except (OSError, ValueError, Image.DecompressionBombError):
        ImageDraw.Draw(tile).text((8, 8), "unreadable", fill=_FAINT, font=ImageFont.load_default(13))
        return tile
    scale = TILE / max(fitted.size)
    fitted = fitted.resize((max(1, round(fitted.width * scale)), max(1, round(fitted.height * scale))))
    tile.paste(fitted, ((TILE - fitted.width) // 2, (TILE - fitted.height) // 2))
    return tile


def _fit(text: str, pen: ImageDraw.ImageDraw, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    while pen.textlength(text, font=font) > TILE and len(text) > 1:
        text = text[:-2] + "…"
    return text


def _drawable(text: str) -> str:
    """Text in one line without control characters."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
