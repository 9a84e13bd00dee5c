"""The audit as one HTML page with small pictures: no script, no link outwards, every value escaped."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING

from swath.chips import Chip
from swath.data.audit.duplicates import DuplicateGroup
from swath.errors import SwathError
from swath.raster import read_chip, thumbnail

if TYPE_CHECKING:
    from swath.data.audit.audit import AuditReport

SHOWN = 200
"""Findings of a kind that the page shows; audit.json has all."""

_PICTURE = 112

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color:#1c2430;background:#fff}
h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2.5rem;border-bottom:1px solid #d5dae0;padding-bottom:.3rem}
table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #e6e9ed;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}
.group{display:flex;flex-wrap:wrap;gap:1rem;margin:1rem 0;padding:.8rem;border:1px solid #e6e9ed;border-radius:.5rem}
figure{margin:0;width:9rem;font-size:.8rem}
figcaption{overflow-wrap:anywhere}
img{display:block;border-radius:.25rem}
.tag{display:inline-block;background:#fdecc8;border-radius:.25rem;padding:0 .4rem;font-size:.8rem}
.note{color:#5a6572}
@media(prefers-color-scheme:dark){body{background:#14181d;color:#e4e8ec}th,td,.group,h2{border-color:#333b44}
.tag{background:#5b4713}.note{color:#9aa5b1}}
"""


def render(report: AuditReport) -> str:
    """The page of a report; pictures are read again from their files (those that fail to are left out)."""
    sections = [
        _summary(report),
        *_duplicates(report.duplicates),
        *_contradictions(report),
        *_captions(report),
        *_images(report),
        *_exclusions(report),
    ]
    title = escape("Audit of " + ", ".join(map(str, report.settings["datasets"])))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:; '
        "style-src 'unsafe-inline'\">"
        f"<style>{_STYLE}</style></head><body><h1>{title}</h1>\n" + "\n".join(sections) + "\n</body></html>\n"
    )


def _summary(report: AuditReport) -> str:
    settings = ", ".join(f"{key} {value}" for key, value in report.settings.items() if key != "datasets")
    facts = _table(
        ("data set", "images", "captions", "distinct captions", "distinct sets", "shared by images", "repeats"),
        (
            (
                fact.dataset,
                fact.images,
                fact.slots,
                fact.distinct,
                fact.distinct_sets,
                f"{fact.shared} ({_percent(fact.shared, fact.slots)})",
                fact.repeated,
            )
            for fact in report.facts
        ),
    )
    counts = _table(("finding", "number"), ((key.replace("_", " "), value) for key, value in report.summary.items()))
    return f'<p class="note">{escape(settings)}</p>{counts}<h2>Captions in numbers</h2>{facts}'


def _duplicates(groups: Sequence[DuplicateGroup]) -> Iterator[str]:
    yield "<h2>Images that show the same</h2>"
    ordered = sorted(groups, key=lambda group: (not group.crosses_splits, not group.crosses_datasets))
    yield _left_out(len(groups)) if groups else '<p class="note">None found.</p>'
    for group in ordered[:SHOWN]:
        tags = {
            "across splits": group.crosses_splits,
            "across data sets": group.crosses_datasets,
            "near exact": group.near_exact,
        }
        figures = (
            _figure(
                member.row.chip,
                f"{_place(member.row.dataset, member.row.split, member.row.image)} "
                f"{member.distance} bits, difference {member.difference}",
            )
            for member in group.members[:SHOWN]
        )
        yield f'<div><div class="group">{"".join(figures)}<div>{_tags(tags)}</div></div></div>'


def _contradictions(report: AuditReport) -> Iterator[str]:
    yield "<h2>Captions that speak of another class</h2>"
    yield _left_out(len(report.contradictions)) if report.contradictions else '<p class="note">None found.</p>'
    for one in report.contradictions[:SHOWN]:
        chip = report.pictures.get((one.item.dataset, one.item.image))
        figure = _figure(chip, _place(one.item.dataset, one.item.split, one.item.image)) if chip else ""
        captions = "".join(f"<li>{escape(text)}</li>" for text in one.item.captions)
        yield (
            f'<div class="group">{figure}<div><b>{escape(one.item.label)}</b>, but the captions speak of '
            f"<b>{escape(one.looks_like)}</b> ({escape(', '.join(one.because))}; score {one.score:.1f})"
            f"<ul>{captions}</ul></div></div>"
        )


def _captions(report: AuditReport) -> Iterator[str]:
    yield "<h2>Captions shared between splits</h2>" + _table(
        ("captions of", "also in", "shared", "example"),
        (
            (
                "/".join(one.first),
                "/".join(one.second),
                f"{one.shared} of {one.of} ({_percent(one.shared, one.of)})",
                one.examples[0] if one.examples else "",
            )
            for one in report.overlaps[:SHOWN]
        ),
    )
    yield (
        "<h2>Captions that nearly agree</h2>"
        + _left_out(len(report.near_repeats))
        + _table(
            ("caption", "in", "nearly", "in", "similarity"),
            (
                (
                    one.first.text,
                    _place(one.first.dataset, one.first.split, one.first.image),
                    one.second.text,
                    _place(one.second.dataset, one.second.split, one.second.image),
                    f"{one.similarity:.2f}",
                )
                for one in sorted(report.near_repeats, key=lambda one: not one.across)[:SHOWN]
            ),
        )
    )
    yield (
        "<h2>Odd captions</h2>"
        + _left_out(len(report.odd))
        + _table(
            ("caption", "in", "why"),
            (
                (one.row.text, _place(one.row.dataset, one.row.split, one.row.image), one.reason)
                for one in report.odd[:SHOWN]
            ),
        )
    )


def _images(report: AuditReport) -> Iterator[str]:
    yield "<h2>Broken images</h2>" + _table(
        ("image", "why"), ((_place(one.dataset, one.split, one.image), one.reason) for one in report.broken[:SHOWN])
    )
    yield (
        "<h2>Left out when reading</h2>"
        + _left_out(len(report.failures))
        + _table(
            ("image", "what", "detail"),
            ((_place(name, one.split, one.name), one.kind, one.message) for name, one in report.failures[:SHOWN]),
        )
    )


def _exclusions(report: AuditReport) -> Iterator[str]:
    reasons = report.exclusions.reasons
    yield "<h2>What training should leave out</h2>" + _table(("reason", "lines"), reasons.items())
    yield '<p class="note">The list is exclusions.csv; edit it before use where you disagree.</p>'


def _figure(chip: Chip, caption: str) -> str:
    try:
        data = base64.b64encode(thumbnail(read_chip(chip, min_valid=0.0), _PICTURE)).decode("ascii")
    except SwathError:
        picture = '<span class="note">(cannot be shown)</span>'
    else:
        picture = f'<img alt="" width="{_PICTURE}" src="data:image/webp;base64,{data}">'
    return f"<figure>{picture}<figcaption>{escape(caption)}</figcaption></figure>"


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in header)
    body = "".join("<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>" if body else '<p class="note">None found.</p>'


def _cell(value: object) -> str:
    return f'<td class="n">{value}</td>' if isinstance(value, int) else f"<td>{escape(str(value))}</td>"


def _tags(tags: Mapping[str, bool]) -> str:
    return " ".join(f'<span class="tag">{escape(name)}</span>' for name, holds in tags.items() if holds)


def _left_out(count: int) -> str:
    return f'<p class="note">{SHOWN} of {count} shown; audit.json has all.</p>' if count > SHOWN else ""


def _place(dataset: str, split: str, image: str) -> str:
    return f"{dataset} / {split or '-'} / {image}"


def _percent(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"
