"""Where was an image taken: median error and accuracy, on the made-up world and on real scenes of southern California.

    python benchmarks/geolocate.py [--model MODEL] [--data FOLDER_OR_TABLE]

Without `--data`: the default sandbox world, its official splits (whole regions held out of training), and
`socal_scenes`, cut into chips of 256 px and split by blocks of 25 km (`swath.corpus.paired`). With a location tower
places are encoded, else the nearest train images vote: `settings` name the method, so that the two are never compared
as one. `constant_median_km` is what the best constant guess reaches without looking. Writes `geolocate.json`;
`median_km` is that of the first data set.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from harness import data_root, write_result

from swath.corpus import sandbox
from swath.corpus.paired import write_pairs
from swath.data import Dataset, read_dataset
from swath.evaluation.run_geolocation import GeolocationReport, evaluate_image_geolocation
from swath.models import DualEncoder
from swath.sources import open_source


def datasets(given: Path | None, folder: Path) -> dict[str, Dataset]:
    """What is measured, by the prefix of its metrics."""
    if given is not None:
        return {given.stem: read_dataset(given)}
    table, world = folder / "socal.parquet", folder / "world"
    write_pairs(list(open_source(str(data_root() / "socal_scenes")).scenes()), table)
    sandbox.write(world)
    return {"socal": read_dataset(table, sensor="s2"), "sandbox": read_dataset(world, sensor="s2-l2a")}


def about(report: GeolocationReport) -> dict[str, object]:
    """What a reader needs to repeat and to judge a number."""
    return {
        "split": report.split,
        "method": report.method,
        "gallery": report.gallery,
        "images": report.images,
        "failures": len(report.failures),
    }


def main() -> None:
    """Measure every data set and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="swath-mini")
    parser.add_argument("--data", type=Path, default=None, help="images with places, in splits train and test")
    parser.add_argument("--name", default="geolocate", help="name of the result")
    given = parser.parse_args()
    model = DualEncoder.from_pretrained(given.model)
    with tempfile.TemporaryDirectory() as folder:
        reports = {
            name: evaluate_image_geolocation(model, data, "test")
            for name, data in datasets(given.data, Path(folder)).items()
        }
    first = next(iter(reports.values()))
    metrics, intervals = dict(first.metrics), dict(first.intervals)
    for name, report in reports.items():
        metrics |= {f"{name}_{key}": value for key, value in report.metrics.items()}
        intervals |= {f"{name}_{key}": ends for key, ends in report.intervals.items()}
    write_result(
        given.name,
        settings={
            "model": model.model_id,
            "datasets": {name: about(report) for name, report in reports.items()},
            "intervals": "95 % bootstrap over images, 2,000 rounds",
        },
        metrics=metrics,
        intervals=intervals,
    )


if __name__ == "__main__":
    main()
