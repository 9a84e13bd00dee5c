"""The report of a retrieval run: JSON, Markdown, and a LaTeX row laid out as EBAKER's Table 1."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from swath.errors import EvaluationError
from swath.evaluation.retrieval import RetrievalResult
from swath.provenance import made_with

SHOWN = 5
"""How many answers a picture sheet shows."""

_LATEX = str.maketrans({c: f"\\{c}" for c in "&%$#_{}"} | {"~": r"\textasciitilde{}", "\\": r"\textbackslash{}"})


@dataclass(frozen=True, slots=True, eq=False)
class RetrievalReport:
    """One run of one model on one split.

    Attributes:
        dataset: the data set's name.
        split: the split's name; None for the whole data set.
        model: the model id.
        settings: everything that the numbers depend on; JSON values only.
        result: the outcome query by query.
        intervals: 95 % bootstrap intervals of the metrics that have one.
        images: I image names, in the order of `result`.
        failures: what was left out, and why.
        first_images: (T, 5) the first answers of every caption, for picture sheets.
        first_captions: (I, 5) the first answers of every image.
    """

    dataset: str
    split: str | None
    model: str
    settings: Mapping[str, Any]
    result: RetrievalResult
    intervals: Mapping[str, tuple[float, float]]
    images: Sequence[str] = ()
    failures: Sequence[str] = ()
    first_images: NDArray[np.int64] | None = None
    first_captions: NDArray[np.int64] | None = None

    @property
    def metrics(self) -> dict[str, float]:
        """Flat numbers, see `RetrievalResult.metrics`."""
        return self.result.metrics

    @property
    def transductive(self) -> bool:
        """Whether a query's answer depended on the other queries: not comparable with answers to single queries."""
        return bool(self.settings.get("transductive", False))

    def to_dict(self, queries: bool = False) -> dict[str, Any]:
        """JSON values.

        Args:
            queries: also what `from_dict` and a paired comparison need: the outcome of every query.
        """
        document: dict[str, Any] = {
            "dataset": self.dataset,
            "split": self.split,
            "model": self.model,
            "images": self.result.relation.images,
            "captions": self.result.relation.captions,
            "shared_captions": self.result.relation.shared,
            "transductive": self.transductive,
            "metrics": self.metrics,
            "intervals": {name: list(ends) for name, ends in self.intervals.items()},
            "settings": dict(self.settings),
            "failures": list(self.failures),
        }
        if queries:
            first = {
                name: None if found is None else found.tolist()
                for name, found in (("first_images", self.first_images), ("first_captions", self.first_captions))
            }
            document["queries"] = self.result.to_dict() | {"images": list(self.images)} | first
        return document

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> RetrievalReport:
        """The report that `to_dict(queries=True)` wrote.

        Raises:
            EvaluationError: it is not such a document.
        """
        try:
            queries = document["queries"]
            first = [
                None if queries[name] is None else np.asarray(queries[name], dtype=np.int64)
                for name in ("first_images", "first_captions")
            ]
            return cls(
                document["dataset"],
                document["split"],
                document["model"],
                document["settings"],
                RetrievalResult.from_dict(queries),
                {name: (float(low), float(high)) for name, (low, high) in document["intervals"].items()},
                tuple(queries["images"]),
                tuple(document["failures"]),
                *first,
            )
        except (KeyError, TypeError, ValueError) as error:
            raise EvaluationError(f"not a retrieval report with its queries: {error!r}") from error

    def save(self, directory: str | Path) -> Path:
        """Write ``report.json`` (with every query), ``report.md`` and ``table.tex``; returns the directory."""
        folder = Path(directory)
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(self.to_dict(queries=True) | {"made_with": made_with()}, ensure_ascii=False)
        (folder / "report.json").write_text(text + "\n", encoding="utf-8")
        made = f"\nMade with: `{json.dumps(made_with(), sort_keys=True)}`\n"
        (folder / "report.md").write_text(self.to_markdown() + made, encoding="utf-8")
        said = f"% {self.protocol}\n% {self._heads()}\n"
        (folder / "table.tex").write_text(said + self.to_latex() + "\n", encoding="utf-8")
        return folder

    @classmethod
    def load(cls, path: str | Path) -> RetrievalReport:
        """Read ``report.json``, or the folder it is in.

        Raises:
            EvaluationError: there is no such file, or it is no report.
        """
        file = Path(path)
        file = file / "report.json" if file.is_dir() else file
        try:
            document = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
            raise EvaluationError(f"{file} cannot be read as a retrieval report: {error}") from error
        if not isinstance(document, dict):
            raise EvaluationError(f"{file} is not a retrieval report")
        try:
            return cls.from_dict(document)
        except EvaluationError as error:
            raise EvaluationError(f"{file}: {error}") from error

    @property
    def protocol(self) -> str:
        """What the numbers were measured on and how, in a line for a table's caption."""
        relation, settings = self.result.relation, self.settings
        each = f"{relation.captions / max(1, relation.images):.4g} an image"
        scored = f"{settings.get('similarity', 'global')} similarity"
        rerank = settings.get("rerank", "none")
        again = "" if rerank == "none" else f", re-ranked ({rerank})"
        return (
            f"{self.dataset}, split {self.split or 'all'}: {relation.images} images and {relation.captions} captions "
            f"({each}) in one fold, all against all; {settings.get('captions', 'short')} captions, {scored}{again}; "
            f"recall in per cent, ties {self.result.ties}, mR the mean of the six"
        )

    def _heads(self) -> str:
        """The columns of `to_latex`."""
        ways = [f"{way} R@{k}" for way in ("I2T", "T2I") for k in self.result.ks]
        return " & ".join(["test set", "model", *ways, "mR"])

    def to_latex(self, name: str | None = None) -> str:
        """One table row: test set, model, I2T R@k, T2I R@k, mR, as in EBAKER's Table 1.

        Args:
            name: the model's name in the table; by default the model id without its digest.
        """
        label = name or self.model.split("@")[0]
        cells = [self.dataset.translate(_LATEX), label.translate(_LATEX)]
        return " & ".join(cells + [f"{self.metrics[metric]:.2f}" for metric in self._columns("")]) + r" \\"

    def to_markdown(self) -> str:
        """The numbers with their intervals, the caption-aware reading, and what is within reach."""
        relation = self.result.relation
        ks = "/".join(str(k) for k in self.result.ks)
        lines = [
            f"# Retrieval: {self.dataset}, split {self.split or 'all'}",
            "",
            f"Model `{self.model}`; {relation.images} images, {relation.captions} captions, "
            f"{100 * relation.shared:.2f} % of them shared with another image. Ties: {self.result.ties}.",
            "",
            f"Protocol: {self.protocol}.",
            "",
        ]
        if self.transductive:
            lines += ["**Transductive**: re-ranked with the other queries; not comparable with single queries.", ""]
        lines += [f"| | I2T R@{ks} | T2I R@{ks} | mR |", "|---|---|---|---|"]
        lines += [self._row("papers' definition", "", ""), self._row("caption-aware", "caption_aware_", "")]
        lines += [self._row("ceiling", "", "_ceiling"), self._row("bound", "", "_bound"), ""]
        lines += ["| metric | value | 95 % interval |", "|---|---|---|"]
        for name, (low, high) in self.intervals.items():
            lines.append(f"| {name} | {self.metrics[name]:.2f} | {low:.2f} to {high:.2f} |")
        lines += [
            "",
            f"Median rank: I2T {self.metrics['i2t_median_rank']:.1f}, T2I {self.metrics['t2i_median_rank']:.1f}.",
            "",
            f"Settings: `{json.dumps(dict(self.settings), sort_keys=True)}`",
        ]
        if self.failures:
            lines += ["", f"Left out ({len(self.failures)}):", "", *(f"- {failure}" for failure in self.failures)]
        return "\n".join(lines) + "\n"

    def _columns(self, protocol: str) -> list[str]:
        return [f"{protocol}{way}_r{k}" for way in ("i2t", "t2i") for k in self.result.ks] + [f"{protocol}mR"]

    def _row(self, label: str, protocol: str, suffix: str) -> str:
        values = [f"{self.metrics[name + suffix]:.2f}" for name in self._columns(protocol)]
        width = len(self.result.ks)
        return f"| {label} | {' / '.join(values[:width])} | {' / '.join(values[width:-1])} | {values[-1]} |"
