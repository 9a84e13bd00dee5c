"""`swath localize`: where in a scene a text fits."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from swath.cli.options import DeviceOption
from swath.cli.output import JsonOption, note, print_json, print_table
from swath.cli.progress import progress
from swath.errors import InputError, SourceError, SwathError

if TYPE_CHECKING:
    from swath.chips import SceneRef
    from swath.localize import HeatMap


class ByName(StrEnum):
    """What is compared with a text; see `swath.localize.localize`."""

    windows = "windows"
    tokens = "tokens"


def localize(
    scene: Annotated[str, typer.Argument(help="A raster, a STAC item, or any source of scenes.")],
    texts: Annotated[list[str], typer.Argument(help="What to look for; several texts cost little more than one.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="A .tif for one scene, else a folder; .geojson and .png lie beside.")
    ],
    model: Annotated[str, typer.Option(help="See: swath models.")] = "swath-mini",
    scales: Annotated[
        str | None, typer.Option(help="Sides of the windows in pixels.", show_default="256,512,768, or fewer")
    ] = None,
    by: Annotated[ByName, typer.Option(help="Compare windows, or their tokens: finer and faster.")] = ByName.windows,
    pixel: Annotated[
        int | None, typer.Option(min=1, help="Side of a map's pixel in pixels of the scene.", show_default="scale / 32")
    ] = None,
    peaks: Annotated[int, typer.Option(min=1, help="Most peaks of a text.")] = 20,
    sensor: Annotated[str | None, typer.Option(help="Read the scene as this sensor; else it is recognised.")] = None,
    bands: Annotated[str | None, typer.Option(help="Names of the file's bands in file order, such as VV,VH.")] = None,
    batch_size: Annotated[int, typer.Option(min=1, help="Windows encoded at once.")] = 32,
    device: DeviceOption = "auto",
    as_json: JsonOption = False,
) -> None:
    """Write heat maps of a scene for one or several texts: GeoTIFF, peaks as GeoJSON, and a picture.

    The GeoTIFF has the scene's CRS, one band a text, and holds mean cosines. Scenes may be larger than memory.

    A source of several scenes needs a folder; a scene that cannot be read is listed and stops nothing.

    Example: swath localize scene.tif "harbour with ships" "runway" --out heat.tif
    """
    from swath.localize import check_texts
    from swath.localize import localize as look
    from swath.models import DualEncoder
    from swath.sources import open_source

    check_texts(texts)
    sides = None if scales is None else read_sides(scales)
    source = open_source(scene, sensor=sensor, bands=None if bands is None else bands.split(","))
    found = list(source.scenes())
    if not found:
        reason = f"; {source.failures[0].reason}" if source.failures else ""
        raise SourceError(f"{scene}: no scene to look at{reason}")
    single = out.suffix.lower() in (".tif", ".tiff")
    if single and len(found) > 1:
        raise InputError(f"{scene} has {len(found)} scenes; give --out a folder instead of {out}")
    encoder = DualEncoder.from_pretrained(model, device=device)
    done: list[dict[str, Any]] = []
    failures = [{"href": failure.href, "reason": failure.reason} for failure in source.failures]
    for place in found:
        try:
            with progress("windows") as advance:
                heat = look(
                    place, texts, encoder, scales=sides, by=by.value, pixel=pixel, batch_size=batch_size,
                    progress=lambda seen, total: advance(seen, total, 0.0),
                )  # fmt: skip
            done.append(_write(heat, out if single else _named(out, place, done), peaks))
        except SwathError as error:
            if len(found) == 1:
                raise
            failures.append({"href": place.href, "reason": str(error)})
    if not done:
        raise SourceError(f"{scene}: no scene could be looked at; {failures[0]['reason']}")
    if as_json:
        print_json({"model": encoder.model_id, "texts": texts, "scenes": done, "failures": failures})
        return
    _show(done, failures)


def read_sides(text: str) -> list[int]:
    """Sides of windows from ``256,512`` (bad usage, exit 2, where the text has another form)."""
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise typer.BadParameter(f"{text!r} is not a list of sides in pixels, for example 256,512") from None


def _named(folder: Path, scene: SceneRef, done: Sequence[dict[str, Any]]) -> Path:
    """A file for the scene in the folder, told apart from files of scenes of the same name."""
    from swath.raster import SUFFIXES

    name = scene.id[: -len(Path(scene.id).suffix)] if scene.id.lower().endswith(SUFFIXES) else scene.id
    stem = re.sub(r"[^0-9A-Za-z_-]", "_", name)[:120] or "scene"
    taken = {Path(entry["files"]["heat"]).stem for entry in done}
    names = [stem, *(f"{stem}_{number}" for number in range(2, len(done) + 3))]
    return folder / f"{next(name for name in names if name not in taken)}.tif"


def _write(heat: HeatMap, path: Path, peaks: int) -> dict[str, Any]:
    collection = heat.to_geojson(limit=peaks)
    places, picture = path.with_suffix(".geojson"), path.with_suffix(".png")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        heat.save(path)
        places.write_text(json.dumps(collection, ensure_ascii=False) + "\n", encoding="utf-8")
        picture.write_bytes(heat.picture())
    except OSError as error:
        raise SourceError(f"cannot write {error.filename or path}: {error.strerror}; choose another place") from error
    return {
        "id": heat.scene.id,
        "href": heat.scene.href,
        "sensor": heat.scene.sensor,
        "files": {"heat": str(path), "peaks": str(places), "picture": str(picture)},
        "shape": list(heat.shape),
        "pixel": heat.pixel,
        "scales": list(heat.scales),
        "windows": heat.windows,
        "empty_windows": heat.empty,
        "peaks": collection["features"],
    }


def _show(done: Sequence[dict[str, Any]], failures: Sequence[dict[str, str]]) -> None:
    rows = []
    for entry in done:
        for feature in entry["peaks"]:
            values = feature["properties"]
            point = values["point"]
            rows.append(
                [
                    entry["id"],
                    values["text"],
                    str(values["rank"]),
                    f"{values['score']:.3f}",
                    f"{values['relative']:.2f}",
                    "" if point is None else f"{point[0]:.5f},{point[1]:.5f}",
                    ",".join(f"{value:.0f}" for value in values["pixel"]),
                ]
            )
    print_table(["*scene", "*text", ">#", ">score", ">relative", "lon,lat", "pixel"], rows)
    for entry in done:
        note(f"wrote {entry['files']['heat']}, its peaks (.geojson) and a picture (.png)")
    for failure in failures:
        note(f"left out {failure['href']}: {failure['reason']}")
