"""Where was an image taken: median error and accuracy on real Sentinel-2 scenes of southern California.

    python benchmarks/geolocate.py [--model MODEL] [--data FOLDER_OR_TABLE]

Without `--data`: `socal_scenes`, cut into chips of 256 px and split by blocks of 25 km (`swath.corpus.paired`). With a
location tower places are encoded, else the nearest train images vote: `settings` name the method, so that the two are
never compared as one. `constant_median_km` is what the best constant guess reaches without looking. Writes
`geolocate.json`. (The sandbox holds whole regions out, far from all others: nobody's neighbours are near.)
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from harness import data_root, write_result

from swath.corpus.paired import write_pairs
from swath.data import Dataset, read_dataset
from swath.evaluation.run_geolocation import GeolocationReport, evaluate_image_geolocation
from swath.models import DualEncoder
from swath.sources import open_source


def dataset(given: Path | None, folder: Path) -> Dataset:
    """What is measured."""
    if given is not None:
        return read_dataset(given)
    table = folder / "socal.parquet"
    write_pairs(list(open_source(str(data_root() / "socal_scenes")).scenes()), table)
    return read_dataset(table, sensor="s2")


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
    """Measure and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="swath-mini")
    parser.add_argument("--data", type=Path, default=None, help="images with places, in splits train and test")
    parser.add_argument("--name", default="geolocate", help="name of the result")
    given = parser.parse_args()
    model = DualEncoder.from_pretrained(given.model)
    with tempfile.TemporaryDirectory() as folder:
        data = dataset(given.data, Path(folder))
        report = evaluate_image_geolocation(model, data, "test")
    write_result(
        given.name,
        settings={
            "model": model.model_id,
            "dataset": data.name,
            **about(report),
            "intervals": "95 % bootstrap over images, 2,000 rounds",
        },
        metrics=dict(report.metrics),
        intervals=dict(report.intervals),
    )


if __name__ == "__main__":
    main()
