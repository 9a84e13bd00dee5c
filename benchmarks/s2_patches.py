"""Classes of Sentinel-2 patches (12 bands, 64 px) by their names in words, on the half that is held out.

    python benchmarks/s2_patches.py [--model MODEL] [--templates remoteclip] [--split test] [--rounds 2000]

writes `s2_patches.json`. The 198 patches show nine of EuroSAT's ten classes by the vote of seven models, so the
labels are weak. The halves are those of `swath corpus landmark patches.npz --label-list eurosat=labels.json --size 64
--captions classes --split train=0.5 --split test=0.5`: a model may have been trained on the other half.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
from harness import data_root, write_result

from swath.corpus.landmark import LabelList, Options, read_system, vocabulary, write_landmark
from swath.data import Dataset, read_dataset
from swath.evaluation.prompts import read_templates
from swath.evaluation.run_zero_shot import evaluate_zero_shot
from swath.models import DualEncoder
from swath.sources import cut, open_source


def corpus(folder: Path) -> Dataset:
    """The patches, with EuroSAT's classes as labels."""
    source = data_root() / "s2_patches_12band"
    chips = list(cut(open_source(source / "patches.npz"), 64))
    labels = LabelList(source / "labels.json", read_system("eurosat", vocabulary()))
    table = folder / "s2_patches.parquet"
    write_landmark(chips, table, [labels], Options(captions=("classes",), fractions={"train": 0.5, "test": 0.5}))
    rows = pq.read_table(table, columns=["image", "classes"]).to_pylist()
    classes = {row["image"]: tuple(row["classes"]) for row in rows}
    dataset = read_dataset(table)
    return replace(dataset, pairs=tuple(replace(pair, labels=classes[pair.name]) for pair in dataset))


def main() -> None:
    """Measure and write the result."""
    arguments = _arguments()
    model = DualEncoder.from_pretrained(arguments.model)
    templates = read_templates(arguments.templates)
    split = None if arguments.split == "all" else arguments.split
    with tempfile.TemporaryDirectory() as folder:
        dataset = corpus(Path(folder))
        report = evaluate_zero_shot(model, dataset, split=split, templates=templates, rounds=arguments.rounds)
    classes = {label for pair in dataset for label in pair.labels}
    metrics = {name.lower(): value for name, value in report.metrics.items()}
    metrics |= {"chance_top1": 100.0 / len(classes), "images": len(report.images)}
    write_result(
        "s2_patches",
        settings={
            "model": model.model_id,
            "split": arguments.split,
            "templates": list(templates),
            "classes": sorted(classes),
            "labels": "a vote of seven models, at least five agreeing: weak",
            "intervals": f"95 % bootstrap over images, {arguments.rounds} rounds",
        },
        metrics=metrics,
        intervals={name.lower(): pair for name, pair in report.intervals.items()},
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="swath-mini", help="name or directory")
    parser.add_argument("--templates", default="remoteclip", help="a named list, one template, or a file")
    parser.add_argument("--split", default="test", help="train, test or all")
    parser.add_argument("--rounds", type=int, default=2000, help="bootstrap resamples")
    return parser.parse_args()


if __name__ == "__main__":
    main()
