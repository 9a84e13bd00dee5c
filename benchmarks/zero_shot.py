"""The bundled model as a zero-shot classifier on EuroSAT RGB and the test splits of UCM and RSICD.

UCM also with its 17 labels an image, as mean average precision.

    python benchmarks/zero_shot.py [--model MODEL] [--templates remoteclip] [--rounds 2000] [--limit IMAGES]

writes `zero_shot.json`. What a model has seen of a data set in training is said under `seen_in_training`: a model that
learned from a set's classes is not tested zero-shot on it, whatever the protocol is called.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

from harness import data_root, write_result

from swath.data import Dataset, read_dataset
from swath.evaluation.label_table import LabelTable, read_label_table
from swath.evaluation.prompts import read_templates
from swath.evaluation.run_zero_shot import evaluate_zero_shot
from swath.evaluation.zero_shot_report import ZeroShotReport
from swath.models import DualEncoder

SEEN = {
    "eurosat": "all 3,000 images with their class names were trained on: this is no zero-shot result",
    "ucm": "train split trained on with captions and class names; these images were not",
    "rsicd": "train split trained on with captions and class names; these images were not",
}
"""What the bundled model's recipe (`swath_mini_long`) trained on."""


def limited(dataset: Dataset, limit: int | None) -> Dataset:
    """Every n-th pair, so that all classes take part; for trying the script out."""
    step = 1 if limit is None else max(1, len(dataset) // limit)
    return replace(dataset, pairs=dataset.pairs[::step])


def main() -> None:
    """Measure and write the result."""
    arguments = _arguments()
    model = DualEncoder.from_pretrained(arguments.model)
    templates = read_templates(arguments.templates)
    root = data_root()

    def evaluated(dataset: Dataset, split: str | None, table: LabelTable | None = None) -> ZeroShotReport:
        return evaluate_zero_shot(
            model,
            limited(dataset, arguments.limit),
            split=split,
            templates=templates,
            table=table,
            rounds=arguments.rounds,
        )

    ucm = read_dataset(root / "ucm")
    reports = {
        "eurosat": evaluated(read_dataset(root / "eurosat_rgb"), None),
        "ucm": evaluated(ucm, "test"),
        "rsicd": evaluated(read_dataset(root / "rsicd"), "test"),
        "ucm_multilabel": evaluated(ucm, "test", read_label_table(root / "ucm" / "multilabels_17.csv")),
    }
    metrics: dict[str, float] = {}
    intervals: dict[str, tuple[float, float]] = {}
    for name, report in reports.items():
        for metric, value in report.metrics.items():
            key = f"{name}_{metric.lower().removeprefix('mean_')}"
            metrics[key] = value
            if metric in report.intervals:
                intervals[key] = report.intervals[metric]
    write_result(
        "zero_shot",
        settings={
            "model": model.model_id,
            "dtype": str(model.dtype).removeprefix("torch."),
            "templates": list(templates),
            "averaging": "normalised",
            "images": {name: len(report.images) for name, report in reports.items()},
            "seen_in_training": SEEN if arguments.model == "swath-mini" else "not recorded by this script",
            "intervals": f"95 % bootstrap over images, {arguments.rounds} rounds",
        },
        metrics=metrics,
        intervals=intervals,
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="swath-mini", help="name or directory")
    parser.add_argument("--templates", default="remoteclip", help="a named list, one template, or a file")
    parser.add_argument("--rounds", type=int, default=2000, help="bootstrap resamples")
    parser.add_argument("--limit", type=int, help="about this many images a data set, to try it out")
    return parser.parse_args()


if __name__ == "__main__":
    main()
