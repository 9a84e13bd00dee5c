"""The contact sheet: all hits of a search on one picture."""

from __future__ import annotations

import io
import textwrap

from PIL import Image, ImageDraw, ImageFont

from swath.archive.hits import Hit, Hits, score_text
from swath.errors import InputError
from swath.sensors import SENSORS

TILE = 160
"""Side of a picture on the sheet, in pixels."""

_GAP, _CAPTION, _LINE, _HEADING = 12, 34, 18, 28
_INK, _FAINT, _PAPER, _EMPTY = (28, 32, 38), (105, 112, 122), (255, 255, 255), (232, 235, 239)


def draw(hits: Hits, columns: int = 5) -> Image.Image:
    """Draw hits in rows of `columns`, each with rank, score, sensor and date; the query stands above.

    Raises:
        InputError: no column.
    """
    if columns < 1:
        raise InputError(f"a contact sheet needs at least one column, got {columns}")
    if hits.query.get("per_sensor"):
        return _side_by_side(hits)
    columns = max(1, min(columns, len(hits)))
    title_font = ImageFont.load_default(16)
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
        _show(sheet, hit, x, head + (place // columns) * (TILE + _CAPTION + _GAP))
    return sheet


def _side_by_side(hits: Hits) -> Image.Image:
    """A row of hits for each sensor, under its name; the query stands above."""
    title_font = ImageFont.load_default(16)
    rows = list(hits.by_sensor().items())
    width = max(_GAP + max((len(own) for _, own in rows), default=1) * (TILE + _GAP), 480)
    title = textwrap.wrap(_drawable(hits.title) or "search", width=max(20, width // 9))[:3]
    head = _GAP + 24 * len(title) + _GAP // 2
    height = _HEADING + TILE + _CAPTION + _GAP
    sheet = Image.new("RGB", (width, head + max(1, len(rows)) * height), _PAPER)
    pen = ImageDraw.Draw(sheet)
    for number, line in enumerate(title or ["search"]):
        pen.text((_GAP, _GAP + 24 * number), line, fill=_INK, font=title_font)
    if not rows:
        pen.text((_GAP, head + _GAP), "no hits", fill=_FAINT, font=title_font)
    for number, (name, own) in enumerate(rows):
        top = head + number * height
        told = f"{name}  {SENSORS[name].title}" if name in SENSORS else name
        pen.text((_GAP, top + 2), _drawable(told), fill=_INK, font=title_font)
        for place, hit in enumerate(own):
            _show(sheet, hit, _GAP + place * (TILE + _GAP), top + _HEADING)
    return sheet


def _show(sheet: Image.Image, hit: Hit, x: int, y: int) -> None:
    """One hit: its picture, and below it rank, score, sensor and date."""
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(13)
    sheet.paste(_tile(hit.thumbnail), (x, y))
    date = hit.datetime.date().isoformat() if hit.datetime else "no date"
    pen.text((x, y + TILE + 3), f"{hit.rank}   {score_text(hit.score)}", fill=_INK, font=font)
    pen.text((x, y + TILE + 3 + _LINE - 3), _fit(f"{hit.sensor}  {date}", pen, font), fill=_FAINT, font=font)


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
