"""`swath search`: words, images, places and filters in, ranked hits out."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from swath.cli.output import JsonOption, note, print_json, print_table
from swath.cli.values import Box, Place, TruncationName, Weight, read_box, read_fusion, read_place, read_weight
from swath.errors import InputError

if TYPE_CHECKING:
    from swath.archive import Archive, Hit, Hits


class SimilarityName(StrEnum):
    """What scores a chip; see `swath.archive.refine.Similarity`."""

    pooled = "global"
    fused = "fused"


class RerankName(StrEnum):
    """How the first hits are sorted again; see `swath.archive.refine.Rerank`."""

    none = "none"
    bank = "bank"


class ScoresName(StrEnum):
    """Whether scores are on one scale for all sensors; see `swath.archive.refine.Scores`."""

    auto = "auto"
    raw = "raw"
    calibrated = "calibrated"


class _Form(StrEnum):
    """What is printed on standard output."""

    table = "table"
    json = "json"
    geojson = "geojson"
    stac = "stac"


def search(
    archive: Annotated[str, typer.Argument(help="The archive: a folder, or s3://...")],
    text: Annotated[str | None, typer.Argument(help="What to look for, from a keyword to a paragraph.")] = None,
    like: Annotated[str | None, typer.Option(help="An image file, or the id of a chip in the archive.")] = None,
    near: Annotated[
        Place | None, typer.Option(parser=read_place, metavar="LON,LAT", help="A place; alone it ranks by distance.")
    ] = None,
    radius: Annotated[
        float | None, typer.Option(metavar="KM", help="How near.", show_default="50 beside a text or image")
    ] = None,
    like_place: Annotated[
        Place | None,
        typer.Option(parser=read_place, metavar="LON,LAT", help="Look like this place; needs a location tower."),
    ] = None,
    place_weight: Annotated[
        float | None,
        typer.Option(metavar="W", help="Weight of the place's meaning; of --near, instead of its distance."),
    ] = None,
    bbox: Annotated[
        Box | None, typer.Option(parser=read_box, metavar="W,S,E,N", help="Only chips that touch this box.")
    ] = None,
    geometry: Annotated[Path | None, typer.Option(help="Only chips that touch what this GeoJSON file holds.")] = None,
    datetime: Annotated[
        str | None, typer.Option(help="Only from this time: 2020, 2020-06, 2020-06-01/2020-07-01, 2020/.. .")
    ] = None,
    sensor: Annotated[list[str] | None, typer.Option(help="Only this sensor or family (s2, s1); repeatable.")] = None,
    where: Annotated[str | None, typer.Option(help="Only rows for which this SQL condition holds.")] = None,
    k: Annotated[int, typer.Option("-k", "--limit", min=1, help="How many hits.")] = 20,
    more_like: Annotated[
        list[str] | None, typer.Option(help="Chip id, image file or text to favour; repeatable.")
    ] = None,
    less_like: Annotated[
        list[str] | None, typer.Option(help="Chip id, image file or text to avoid; repeatable.")
    ] = None,
    weight: Annotated[
        list[Weight] | None,
        typer.Option(parser=read_weight, metavar="PART=NUMBER", help="Weigh text, like, near, positives, negatives."),
    ] = None,
    similarity: Annotated[
        SimilarityName, typer.Option(help="Score by the cosine alone, or fused with local similarity.")
    ] = SimilarityName.pooled,
    fusion: Annotated[
        str | None, typer.Option(metavar="ALPHA,BETA|FILE", help="Weights of fused.", show_default="the model's")
    ] = None,
    candidates: Annotated[int, typer.Option(min=1, help="Chips that fused similarity is computed for.")] = 200,
    rerank: Annotated[
        RerankName, typer.Option(help="Sort the first hits again, asking back among a bank of captions.")
    ] = RerankName.none,
    rerank_k: Annotated[int, typer.Option(min=1, help="How many hits are sorted again.")] = 10,
    scores: Annotated[
        ScoresName, typer.Option(help="Cosines, or on one scale for all sensors; auto: calibrated for one text.")
    ] = ScoresName.auto,
    per_sensor: Annotated[
        bool, typer.Option("--per-sensor", help="The best hits of each sensor, side by side.")
    ] = False,
    truncation: Annotated[
        TruncationName, typer.Option(help="A text over the model's context: cut it and warn, refuse it, read windows.")
    ] = TruncationName.warn,
    model: Annotated[str | None, typer.Option(help="Where the archive's model lies, if it has moved.")] = None,
    as_json: JsonOption = False,
    as_geojson: Annotated[bool, typer.Option("--geojson", help="Print a GeoJSON FeatureCollection.")] = False,
    as_stac: Annotated[bool, typer.Option("--stac", help="Print a STAC ItemCollection.")] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the hits as a table: .csv, .geojson or .parquet.")
    ] = None,
    sheet: Annotated[Path | None, typer.Option(help="Write a contact sheet (PNG) here.")] = None,
    save_thumbs: Annotated[Path | None, typer.Option(help="Write the hits' pictures into this folder.")] = None,
    open_sheet: Annotated[bool, typer.Option("--open", help="Show a contact sheet on the screen.")] = False,
) -> None:
    """Find the chips that match best. Filters alone list what satisfies them, newest first.

    Example: swath search my-archive "harbour with ships" --near 2.1,41.3 --radius 50 --sensor s2

    A text that begins with a dash goes after two dashes: swath search my-archive -- "-text".
    """
    from swath.archive import Archive, Query

    form = _form(as_json, as_geojson, as_stac)
    weights = dict(weight or ())
    if place_weight is not None:
        if like_place is None and near is None:
            raise typer.BadParameter("--place-weight needs a place: --near or --like-place LON,LAT")
        weights["like_place"] = place_weight
        if like_place is None:
            # Of a place without radius the meaning stands for the distance.
            like_place, near = near, near if radius is not None or "near" in weights else None
    query = Query(
        text=text,
        like=like,
        near=near,
        radius_km=radius,
        positives=more_like or (),
        negatives=less_like or (),
        weights=weights,
        bbox=bbox,
        geometry=geometry,
        datetime=datetime,
        sensor=sensor or None,
        where=where,
        truncation=truncation.value,
        like_place=like_place,
    )
    listing = not query.ranks and not query.negatives
    if listing and query.filters.sql() is None:
        raise InputError("nothing to search by: give a text, --like, --near, --more-like, or a filter such as --bbox")
    opened = Archive.open(archive, _encoder(model))
    plain = similarity is SimilarityName.pooled and rerank is RerankName.none
    if listing and plain:
        hits = opened.browse(query, limit=k)
    else:
        hits = opened.search(
            query,
            k=k,
            similarity=similarity.value,
            rerank="bank" if rerank is RerankName.bank else None,
            fusion=read_fusion(fusion),
            candidates=candidates,
            rerank_k=rerank_k,
            scores=None if scores is ScoresName.auto else "raw" if scores is ScoresName.raw else "calibrated",
            per_sensor=per_sensor,
        )
    _print(hits, form)
    if not hits:
        _explain(opened, where)
    if out is not None:
        note(f"{len(hits)} hits in {hits.save(out)}")
    _draw(hits, sheet, save_thumbs, open_sheet)


def _form(as_json: bool, as_geojson: bool, as_stac: bool) -> _Form:
    chosen = [form for form, wanted in zip(list(_Form)[1:], (as_json, as_geojson, as_stac), strict=True) if wanted]
    if len(chosen) > 1:
        raise typer.BadParameter(f"choose one of {' and '.join(f'--{form}' for form in chosen)}")
    return chosen[0] if chosen else _Form.table


def _encoder(model: str | None) -> Any:  # noqa: ANN401 - an encoder, whose type is slow to import
    if model is None:
        return None
    from swath.models import DualEncoder

    return DualEncoder.from_pretrained(model)


def _print(hits: Hits, form: _Form) -> None:
    if form is _Form.json:
        print_json(hits.to_dict())
    elif form is _Form.geojson:
        print_json(hits.to_geojson())
    elif form is _Form.stac:
        print_json(hits.to_stac().to_dict())
    elif hits:
        print_table([">#", ">score", ">conf", "sensor", "date", "place", "*where", "id"], _rows(hits), wide=["id"])
        if not hits.matches_well:
            note(f"nothing in this archive matches well: confidence {hits.confidence:.2f}")


def _explain(archive: Archive, where: str | None) -> None:
    """Say why there are no hits, as far as one can tell."""
    from swath.archive.where import properties_in, quoted

    if len(archive) == 0:
        note(f"no hits: the archive is empty; fill it with: swath index SOURCE --to {archive.uri}")
        return
    note("no hits: no chip satisfies the filters")
    for name in properties_in(where or ""):
        if not archive.count(where=f"properties[{quoted(name)}] IS NOT NULL"):
            note(f"no chip has a property {name!r}")


def _rows(hits: Sequence[Hit]) -> list[list[str]]:
    return [
        [
            str(hit.rank),
            "" if hit.score is None else f"{hit.score:.3f}",
            "" if hit.confidence is None else f"{hit.confidence:.2f}",
            hit.sensor,
            hit.datetime.date().isoformat() if hit.datetime else "",
            _place(hit),
            f"{_shown(hit.href)} {','.join(map(str, hit.window))}",
            hit.id,
        ]
        for hit in hits
    ]


def _place(hit: Hit) -> str:
    """``34.05N 118.24W``; empty without georeference."""
    if hit.geometry is None:
        return ""
    point = hit.geometry.representative_point()
    return f"{abs(point.y):.2f}{'N' if point.y >= 0 else 'S'} {abs(point.x):.2f}{'E' if point.x >= 0 else 'W'}"


def _shown(href: str) -> str:
    """A path below the working directory without it, as one would type it."""
    path = Path(href)
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else href


def _draw(hits: Hits, sheet: Path | None, thumbs: Path | None, open_sheet: bool) -> None:
    if thumbs is not None:
        note(f"{len(hits.save_thumbnails(thumbs))} pictures in {thumbs}")
    if sheet is None and open_sheet:
        sheet = Path(tempfile.mkdtemp(prefix="swath-")) / "hits.png"
    if sheet is not None:
        note(f"contact sheet: {hits.contact_sheet(sheet)}")
        if open_sheet:
            typer.launch(str(sheet))
