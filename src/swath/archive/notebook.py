"""Hits in a notebook: a grid of thumbnails. Everything that comes from files or users is escaped."""

from __future__ import annotations

import base64
import html

from swath.archive.hits import Hit, Hits, score_text

_GRID = "display:grid;grid-template-columns:repeat(auto-fill,minmax(150px,1fr));gap:10px"
_PICTURE = "width:100%;aspect-ratio:1;object-fit:cover;border-radius:3px;background:#e8ebef;display:block"


def render(hits: Hits) -> str:
    """HTML with the query and one figure a hit; pictures are embedded, nothing is loaded from elsewhere."""
    count = f"{len(hits)} hit{'' if len(hits) == 1 else 's'}"
    doubt = "" if hits.matches_well or not hits else " · nothing in this archive matches well"
    return (
        f'<div class="swath-hits"><p><b>{html.escape(hits.title)}</b> · {count}{doubt}</p>'
        f'<div style="{_GRID}">{"".join(_figure(hit) for hit in hits)}</div></div>'
    )


def _figure(hit: Hit) -> str:
    kind = _media_type(hit.thumbnail)
    picture = f'<div style="{_PICTURE}"></div>'
    if hit.thumbnail is not None and kind:
        data = base64.b64encode(hit.thumbnail).decode()
        picture = f'<img alt="hit {hit.rank}" style="{_PICTURE}" src="data:{kind};base64,{data}">'
    date = hit.datetime.date().isoformat() if hit.datetime else "no date"
    tip = html.escape(f"{hit.href} {hit.window}")
    return (
        f'<figure style="margin:0;font-size:12px" title="{tip}">{picture}<figcaption>'
        f"{hit.rank} · {score_text(hit.score)}<br>{html.escape(hit.sensor)} · {html.escape(date)}</figcaption></figure>"
    )


def _media_type(data: bytes | None) -> str | None:
    """The picture's type by its first bytes; None if it is no picture that a page may show."""
    if data is None:
        return None
    return {b"\x89PN": "image/png", b"\xff\xd8\xff": "image/jpeg"}.get(data[:3])
