"""The report of a zero-shot run: JSON, Markdown, CSV, and a picture of the confusion matrix."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swath.evaluation.calibration import Calibration
from swath.evaluation.confusion_picture import draw_confusion
from swath.evaluation.multi_label import MultiLabel
from swath.evaluation.zero_shot import Classification
from swath.provenance import made_with


@dataclass(frozen=True, slots=True, eq=False)
class ZeroShotReport:
    """One run of one model on one split.

    Attributes:
        dataset: the data set's name.
        split: the split's name; None for the whole data set.
        model: the model id.
        settings: everything that the numbers depend on; JSON values only.
        result: the outcome, of one label an image or of several.
        intervals: 95 % bootstrap intervals of the metrics that have one.
        calibration: how sure the answers are; None with several labels.
        images: I image names, in the order of `result`.
        failures: what was left out, and why.
    """

    dataset: str
    split: str | None
    model: str
    settings: Mapping[str, Any]
    result: Classification | MultiLabel
    intervals: Mapping[str, tuple[float, float]]
    calibration: Calibration | None = None
    images: Sequence[str] = ()
    failures: Sequence[str] = ()

    @property
    def metrics(self) -> dict[str, float]:
        """Flat numbers: those of the result and, where there is one, ``ece`` and ``temperature`` of the calibration."""
        found = dict(self.result.metrics)
        if self.calibration is not None:
            found |= {
                "ece": self.calibration.ece,
                "fitted_ece": self.calibration.fitted_ece,
                "nll": self.calibration.nll,
                "fitted_temperature": self.calibration.fitted_temperature,
            }
        return found

    def per_class(self) -> list[dict[str, Any]]:
        """One entry a class, with its name."""
        return [row | {"class": self.result.classes[int(row["class"])]} for row in self.result.per_class()]

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        document: dict[str, Any] = {
            "dataset": self.dataset,
            "split": self.split,
            "model": self.model,
            "images": len(self.images),
            "classes": list(self.result.classes),
            "metrics": self.metrics,
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "per_class": self.per_class(),
            "settings": dict(self.settings),
            "failures": list(self.failures),
        }
        if isinstance(self.result, Classification):
            document["confusion"] = self.result.confusion().tolist()
        else:
            document["left_out"] = list(self.result.left_out)
        if self.calibration is not None:
            document["calibration"] = self.calibration.to_dict()
        return document

    def save(self, directory: str | Path) -> Path:
        """Write ``report.json``, ``report.md`` and ``predictions.csv``; returns the directory.

        With one label an image also ``confusion.csv`` and ``confusion.png``.
        """
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.to_dict() | {"made_with": made_with()}, ensure_ascii=False, indent=1)
        (folder / "report.json").write_text(text + "\n", encoding="utf-8")
        (folder / "report.md").write_text(self.to_markdown(), encoding="utf-8")
        classes = list(self.result.classes)
        if isinstance(self.result, Classification):
            matrix = self.result.confusion()
            counts = [[name, *row] for name, row in zip(classes, matrix.tolist(), strict=True)]
            _write_csv(folder / "confusion.csv", ["", *classes], counts)
            draw_confusion(matrix, classes, folder / "confusion.png")
            pairs = zip(self.images, self.result.labels.tolist(), self.result.predicted.tolist(), strict=True)
            answers = [[name, classes[label], classes[answer]] for name, label, answer in pairs]
            _write_csv(folder / "predictions.csv", ["image", "class", "predicted"], answers)
        else:
            rows = zip(self.images, self.result.scores.tolist(), strict=True)
            _write_csv(folder / "predictions.csv", ["image", *classes], [[name, *scores] for name, scores in rows])
        return folder

    def to_markdown(self) -> str:
        """The numbers with their intervals, class by class."""
        lines = [
            f"# Zero-shot classification: {self.dataset}, split {self.split or 'all'}",
            "",
            f"Model `{self.model}`; {len(self.images)} images, {len(self.result.classes)} classes.",
            "",
            "| metric | value | 95 % interval |",
            "|---|---|---|",
        ]
        for name, value in self.metrics.items():
            ends = self.intervals.get(name)
            lines.append(f"| {name} | {value:.4g} | {f'{ends[0]:.2f} to {ends[1]:.2f}' if ends else ''} |")
        rows = self.per_class()
        columns = [name for name in rows[0] if name != "class"]
        lines += ["", f"| class | {' | '.join(columns)} |", "|---|" + "---:|" * len(columns)]
        lines += [f"| {row['class']} | {' | '.join(f'{row[name]:.4g}' for name in columns)} |" for row in rows]
        if self.calibration is not None:
            lines += ["", *self._reliability(self.calibration)]
        lines += ["", f"Settings: `{json.dumps(dict(self.settings), sort_keys=True, ensure_ascii=False)}`"]
        if self.failures:
            lines += ["", f"Left out ({len(self.failures)}):", "", *(f"- {failure}" for failure in self.failures)]
        return "\n".join(lines) + "\n"

    def _reliability(self, found: Calibration) -> list[str]:
        lines = [
            f"Expected calibration error {found.ece:.4f} at the model's temperature of {found.temperature:.4g}; "
            f"{found.fitted_ece:.4f} at a fitted one (about {found.fitted_temperature:.4g}), fitted on other images.",
            "",
            "| confidence | answers | mean confidence | right |",
            "|---|---:|---:|---:|",
        ]
        return lines + [
            f"| {part.low:.2f} to {part.high:.2f} | {part.count} | {part.confidence:.3f} | {part.accuracy:.3f} |"
            for part in found.bins
            if part.count
        ]


def _write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
