"""From radar to optical images of the same ground and back, on real scenes of southern California: recall at 1, 5, 10.

    python benchmarks/s1_s2_retrieval.py [--model MODEL] [--data SCENES_OR_TABLE] [--name RESULT]

69 Sentinel-1 (VH) and 69 Sentinel-2 (true colour) scenes are matched by footprint and date and cut into chips of
256 px (2.1 km). Blocks of 25 km go into train or test whole (seed 0), and no train chip lies within 1 km of a test
chip: `swath.corpus.paired` has the rule, and `swath corpus pairs SCENES --to pairs.parquet` writes the same chips as
the data set that models are trained on (its train part). All test chips are candidates; `chance_r<k>` is the recall of
random answers. Writes `s1_s2_retrieval.json`.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import asdict
from pathlib import Path

from harness import data_root, write_result

from swath.corpus.paired import Options, write_pairs
from swath.data import Dataset, read_dataset
from swath.evaluation.cross_sensor import evaluate_cross_sensor
from swath.models import DualEncoder
from swath.sources import open_source


def chips(data: Path, folder: Path) -> Dataset:
    """The paired chips of a folder of scenes, or those of a table that is written already."""
    if data.suffix == ".parquet":
        return read_dataset(data)
    table = folder / "pairs.parquet"
    write_pairs(list(open_source(str(data)).scenes()), table)
    return read_dataset(table, name=data.name)


def main() -> None:
    """Cut, encode, rank and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="swath-mini")
    parser.add_argument("--data", type=Path, default=None, help="scenes, or a table of pairs; socal_scenes by default")
    parser.add_argument("--split", default="test")
    parser.add_argument("--name", default="s1_s2_retrieval", help="name of the result")
    given = parser.parse_args()
    model = DualEncoder.from_pretrained(given.model)
    with tempfile.TemporaryDirectory() as folder:
        pairs = chips(given.data or data_root() / "socal_scenes", Path(folder))
        report = evaluate_cross_sensor(model, pairs, given.split)
    write_result(
        given.name,
        settings={
            "model": report.model,
            "dataset": report.dataset,
            "split": report.split,
            "sensors": sorted({pair.chip.scene.sensor for pair in pairs}),
            "places": len(report.groups),
            "places_a_split": {
                name or "(between splits)": len({pair.group for pair in pairs if pair.split == name})
                for name in sorted({pair.split for pair in pairs})
            },
            "cut": asdict(Options()) if given.data is None else "as the table says",
            "similarity": "cosine of pooled vectors",
            "intervals": "95 % bootstrap over places, 2,000 rounds",
            "failures": len(report.failures),
        },
        metrics=report.metrics,
        intervals=report.intervals,
    )


if __name__ == "__main__":
    main()
