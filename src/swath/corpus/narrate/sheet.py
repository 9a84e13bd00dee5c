"""Review sheets: some images with their captions, for people to judge; as a page, and as a picture."""

from __future__ import annotations

import base64
import html
import json
import random
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from swath.chips import Chip
from swath.corpus.long.parts import table_settings
from swath.corpus.narrate.table import NARRATED
from swath.data import read_dataset
from swath.errors import SwathError
from swath.raster import read_chip, thumbnail

_THUMB, _GAP, _TEXT = 150, 10, 430
_PAPER, _INK, _FAINT = (255, 255, 255), (25, 25, 25), (110, 110, 110)

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font: 15px/1.45 system-ui, sans-serif; margin: 2em auto; max-width: 70em; padding: 0 1em; color: #1c2321 }}
article {{ display: grid; grid-template-columns: 260px 1fr; gap: 1.4em; border-top: 1px solid #ccd; padding: 1em 0 }}
img {{ width: 256px; image-rendering: pixelated; background: #000 }} h2 {{ font-size: .95em; overflow-wrap: anywhere }}
li {{ margin: .3em 0 }} small, .gone {{ color: #667 }} label {{ margin-right: .6em; white-space: nowrap }}
@media (max-width: 40em) {{ article {{ grid-template-columns: 1fr }} }}
</style></head><body>
<h1>{title}</h1>
<p>{count} of {total} images, drawn with seed {seed}. Is each sentence true of its image?
<button id="save">Save the verdicts</button></p>
{articles}
<script>
document.getElementById("save").onclick = () => {{
  const rows = [...document.querySelectorAll("input:checked")]
    .map(box => [box.dataset.image, box.dataset.caption, box.value]);
  const text = [["image", "caption", "verdict"], ...rows]
    .map(row => row.map(cell => '"' + cell.replaceAll('"', '""') + '"').join(",")).join("\\n");
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], {{type: "text/csv"}}));
  link.download = "verdicts.csv";
  link.click();
}};
</script></body></html>
"""


def write_sheet(table: Path, to: Path, count: int = 24, seed: int = 0) -> Path:
    """Write a page of randomly drawn images with captions, sources and rejected captions, and boxes to judge them.

    Everything is in the one file; nothing is loaded from elsewhere.

    Args:
        table: a narrated corpus.
        to: the HTML file to write.
        count: images to draw.
        seed: of the draw; the same seed draws the same images.

    Raises:
        InputError: the table is no narrated corpus.
    """
    chips, rows, total = _drawn(table, count, seed)
    articles = "\n".join(_article(chip, row) for chip, row in zip(chips, rows, strict=True))
    title = html.escape(f"Review sheet: {table.stem}")
    page = _PAGE.format(title=title, count=len(rows), total=total, seed=seed, articles=articles)
    to.parent.mkdir(parents=True, exist_ok=True)
    to.write_text(page, encoding="utf-8")
    return to


def picture(table: Path, count: int = 8, seed: int = 0, columns: int = 2, captions: int = 3) -> Image.Image:
    """A review sheet as a picture: thumbnails with their first captions.

    Args:
        table: a narrated corpus.
        count: images to draw.
        seed: of the draw.
        columns: images side by side.
        captions: captions shown of each.

    Raises:
        InputError: the table is no narrated corpus.
    """
    chips, rows, _ = _drawn(table, count, seed)
    width, height = _THUMB + _TEXT + 2 * _GAP, _THUMB + _GAP
    lines = -(-len(rows) // columns)
    sheet = Image.new("RGB", (columns * width + _GAP, lines * height + _GAP), _PAPER)
    draw, font, small = ImageDraw.Draw(sheet), ImageFont.load_default(13), ImageFont.load_default(11)
    for place, (chip, row) in enumerate(zip(chips, rows, strict=True)):
        left, top = _GAP + place % columns * width, _GAP + place // columns * height
        shown = _small(chip)
        if shown is not None:
            sheet.paste(shown, (left, top))
        draw.text((left + _THUMB + _GAP, top), textwrap.shorten(str(row["image"]), 70), fill=_FAINT, font=small)
        text = "\n".join(part for caption in row["captions"][:captions] for part in _wrapped(caption))
        draw.multiline_text((left + _THUMB + _GAP, top + 18), text, fill=_INK, font=font, spacing=4)
    return sheet


def _drawn(table: Path, count: int, seed: int) -> tuple[list[Chip], list[Mapping[str, Any]], int]:
    """Chips and rows of randomly drawn images, and how many there are."""
    import pyarrow.parquet as pq

    table_settings(table, NARRATED)
    rows = {row["image"]: row for row in pq.read_table(table).to_pylist()}
    pairs = {pair.name: pair for pair in read_dataset(table)}
    names = [name for name in rows if name in pairs]
    chosen = sorted(random.Random(seed).sample(range(len(names)), min(count, len(names))))
    return [pairs[names[at]].chip for at in chosen], [rows[names[at]] for at in chosen], len(rows)


def _wrapped(caption: str) -> Sequence[str]:
    first, *others = textwrap.wrap(caption, 62)
    return [f"- {first}", *(f"  {line}" for line in others)]


def _small(chip: Chip) -> Image.Image | None:
    try:
        pixels = read_chip(chip, size=_THUMB, min_valid=0.0)
    except SwathError:
        return None  # an image that has since gone leaves a blank, not a sheet undone
    shown = Image.fromarray(np.ascontiguousarray(np.moveaxis(pixels.to_rgb(), 0, 2)))
    shown.thumbnail((_THUMB, _THUMB))
    return shown


def _article(chip: Chip, row: Mapping[str, Any]) -> str:
    try:
        data = base64.b64encode(thumbnail(read_chip(chip, min_valid=0.0), 256)).decode()
        shown = f'<img alt="" src="data:image/jpeg;base64,{data}">'
    except SwathError as error:
        shown = f"<p class='gone'>{html.escape(str(error))}</p>"
    sources: dict[int, list[str]] = {}
    for one in row["sentences"]:
        sources.setdefault(one["caption"], []).extend(one["sources"])
    items = [
        _item(str(row["image"]), number, text, sources.get(number, []))
        for number, text in [*enumerate(row["captions"]), *((-1, text) for text in row["long_captions"])]
    ]
    gone = [
        f"<li class='gone'><s>{html.escape(entry['text'])}</s> {html.escape(entry['reason'])} "
        f"{html.escape(entry['detail'])}</li>"
        for entry in row["rejected"]
    ]
    facts = html.escape(json.dumps([[f["kind"], f["subject"], f["value"], f["source"]] for f in row["facts"]]))
    about = html.escape(f"{row['route']}, written by {row['writer']} {row['model']} {row['split']} {row['origin']}")
    return (
        f"<article><div>{shown}</div><div><h2>{html.escape(str(row['image']))}</h2><small>{about}</small>"
        f"<ol>{''.join(items)}</ol><ul>{''.join(gone)}</ul><details><summary>facts</summary><small>{facts}</small></details>"
        "</div></article>"
    )


def _item(image: str, number: int, text: str, sources: Sequence[str]) -> str:
    name = html.escape(f"{image}:{number}", quote=True)
    about = f'data-image="{html.escape(image, quote=True)}" data-caption="{html.escape(text, quote=True)}"'
    boxes = "".join(
        f'<label><input type="radio" name="{name}" value="{verdict}" {about}>{verdict}</label>'
        for verdict in ("true", "false", "unclear")
    )
    return f"<li>{html.escape(text)} <br>{boxes}<small>{html.escape(', '.join(dict.fromkeys(sources)))}</small></li>"
