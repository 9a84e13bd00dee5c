"""Two runs on the same test set, compared query by query."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from swath.errors import EvaluationError
from swath.evaluation.intervals import Difference, compare_runs
from swath.evaluation.report import RetrievalReport


@dataclass(frozen=True, slots=True)
class Comparison:
    """How run B differs from run A.

    Attributes:
        a: the first run's model id.
        b: the second's.
        dataset: the data set's name.
        split: the split's name.
        differences: one entry a metric.
        warnings: why the comparison may mislead.
    """

    a: str
    b: str
    dataset: str
    split: str | None
    differences: tuple[Difference, ...]
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        rows = [asdict(row) | {"difference": row.difference} for row in self.differences]
        return {
            "a": self.a,
            "b": self.b,
            "dataset": self.dataset,
            "split": self.split,
            "differences": rows,
            "warnings": list(self.warnings),
        }

    def to_markdown(self) -> str:
        """A table for people; differences with p < 0.05 are bold."""
        lines = [f"# {self.dataset}, split {self.split or 'all'}", "", f"A: `{self.a}`  \nB: `{self.b}`", ""]
        lines += [f"**{warning}**\n" for warning in self.warnings]
        lines += ["| metric | A | B | B - A | 95 % interval | p |", "|---|---|---|---|---|---|"]
        for row in self.differences:
            change = f"{row.difference:+.2f}"
            shown = f"**{change}**" if row.p_value < 0.05 else change
            interval = f"{row.low:+.2f} to {row.high:+.2f}"
            lines.append(f"| {row.metric} | {row.a:.2f} | {row.b:.2f} | {shown} | {interval} | {row.p_value:.4f} |")
        return "\n".join(lines) + "\n"


def compare(a: str | Path | RetrievalReport, b: str | Path | RetrievalReport, rounds: int = 5000) -> Comparison:
    """Paired comparison of two saved runs (or reports) of the same test set.

    Args:
        a: a report, its ``report.json``, or the folder it was saved to.
        b: another.
        rounds: permutations and bootstrap resamples.

    Raises:
        EvaluationError: a report cannot be read, or the two are not of the same images and captions.
    """
    first, second = (run if isinstance(run, RetrievalReport) else RetrievalReport.load(run) for run in (a, b))
    if list(first.images) != list(second.images):
        raise EvaluationError(
            f"the runs are not of the same images ({first.dataset}/{first.split}: {len(first.images)}, "
            f"{second.dataset}/{second.split}: {len(second.images)}): evaluate both on one split"
        )
    warnings = []
    if first.transductive != second.transductive:
        warnings.append("Only one of the runs is transductive (re-ranked with the other queries): not fair.")
    rows = compare_runs(first.result, second.result, rounds)
    return Comparison(first.model, second.model, first.dataset, first.split, tuple(rows), tuple(warnings))
