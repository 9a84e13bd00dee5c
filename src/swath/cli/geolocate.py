"""`swath evaluate geolocate`: where was an image taken?"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from swath.cli.options import BatchOption, DeviceOption, ModelArgument, SplitOption
from swath.cli.output import JsonOption, print_fields
from swath.cli.progress import progress
from swath.cli.reports import deliver, note_failures, print_metrics
from swath.cli.values import chosen_split

if TYPE_CHECKING:
    from swath.data import Dataset
    from swath.evaluation.galleries import PlaceGallery
    from swath.evaluation.run_geolocation import GeolocationReport


class MethodName(StrEnum):
    """How a place is found; see `swath.evaluation.run_geolocation`."""

    auto = "auto"
    location = "location"
    neighbours = "neighbours"


def geolocate(
    model: ModelArgument,
    dataset: Annotated[Path, typer.Argument(help="Images with places: a folder or annotation file.")],
    split: SplitOption = None,
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
    batch_size: BatchOption = 64,
    device: DeviceOption = "auto",
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
    measured = chosen_split(split, data)
    with progress("images") as advance:
        report = evaluate_image_geolocation(
            encoder,
            data,
            measured,
            _gallery(gallery, step_km, data, measured),
            method=None if method is MethodName.auto else "location" if method is MethodName.location else "neighbours",
            neighbours=neighbours,
            rounds=rounds,
            batch_size=batch_size,
            progress=advance,
        )
    deliver(report, _show, as_json=as_json)


def _show(report: GeolocationReport) -> None:
    how = "location tower" if report.method == "location" else "nearest train images (the model encodes no places)"
    print_fields(
        {
            "model": report.model,
            "data": f"{report.dataset}, {report.split or 'all'}: {report.images} images",
            "by": f"{how}; {report.gallery['places']} places: {report.gallery['origin']}",
        }
    )
    print_metrics(report.metrics, report.intervals)
    note_failures(report.failures)


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
