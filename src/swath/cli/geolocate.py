"""`swath evaluate geolocate`: where was an image taken?"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swath.cli.output import JsonOption, note, print_fields, print_json, print_table
from swath.cli.progress import progress

if TYPE_CHECKING:
    from swath.data import Dataset
    from swath.evaluation.galleries import PlaceGallery


class MethodName(StrEnum):
    """How a place is found; see `swath.evaluation.run_geolocation`."""

    auto = "auto"
    location = "location"
    neighbours = "neighbours"


def geolocate(
    model: Annotated[str, typer.Argument(help="A name of `swath models`, a model directory, or a hub id.")],
    dataset: Annotated[Path, typer.Argument(help="Images with places: a folder or annotation file.")],
    split: Annotated[str, typer.Option(help="The split to report on; `all` takes everything.")] = "test",
    gallery: Annotated[
        str,
        typer.Option(help="train (its places), grid (over the images' extent), globe, or a CSV/Parquet of lon,lat."),
    ] = "train",
    step_km: Annotated[float, typer.Option(help="Distance between the places of a grid.")] = 25.0,
    method: Annotated[
        MethodName, typer.Option(help="By the location tower, or by the places of the nearest train images.")
    ] = MethodName.auto,
    neighbours: Annotated[int, typer.Option(min=1, help="Train images that vote.")] = 10,
    sensor: Annotated[str | None, typer.Option(help="Only images of this sensor or family.")] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Bootstrap resamples for the 95 % intervals.")] = 2000,
    batch_size: Annotated[int, typer.Option(min=1, help="Images encoded at once.")] = 64,
    device: Annotated[str, typer.Option(help="cpu, cuda, ...; auto takes a GPU where there is one.")] = "auto",
    as_json: JsonOption = False,
) -> None:
    """Median error in km and accuracy at 1, 25, 200, 750 and 2500 km, beside the best constant guess.

    Example: swath evaluate geolocate my-model data/places --gallery grid --step-km 10
    """
    from swath.data import read_dataset
    from swath.evaluation.run_geolocation import evaluate_image_geolocation
    from swath.models import DualEncoder

    data = read_dataset(dataset, sensor=sensor)
    encoder = DualEncoder.from_pretrained(model, device=device)
    measured = None if split == "all" else split
    with progress("images", quiet=as_json) as advance:
        report = evaluate_image_geolocation(
            encoder,
            data,
            measured,
            _gallery(gallery, step_km, data, measured),
            method=None if method is MethodName.auto else "location" if method is MethodName.location else "neighbours",
            neighbours=neighbours,
            rounds=rounds,
            batch_size=batch_size,
            progress=lambda done, total: advance(done, total, 0.0),
        )
    if as_json:
        print_json(report.to_dict())
        return
    how = "location tower" if report.method == "location" else "nearest train images (the model encodes no places)"
    print_fields(
        {
            "model": report.model,
            "data": f"{report.dataset}, {split}: {report.images} images",
            "by": f"{how}; {report.gallery['places']} places: {report.gallery['origin']}",
        }
    )
    rows = []
    for name, value in report.metrics.items():
        ends = report.intervals.get(name)
        rows.append([name, f"{value:.4g}", f"{ends[0]:.4g} to {ends[1]:.4g}" if ends else ""])
    print_table(["metric", ">value", "95 % interval"], rows)
    if report.failures:
        note(f"left out: {len(report.failures)} ({report.failures[0]}, ...); all of them: --json")


def _gallery(name: str, step_km: float, data: Dataset, split: str | None) -> PlaceGallery | None:
    """The gallery that an option names; None for the train split's places."""
    from swath.evaluation.galleries import grid_gallery, read_gallery

    if name == "train":
        return None
    if name == "globe":
        return grid_gallery(step_km)
    if name == "grid":
        pairs = (data if split is None else data.split(split)).pairs
        return grid_gallery(step_km, [pair.location for pair in pairs if pair.location is not None])
    return read_gallery(Path(name))
