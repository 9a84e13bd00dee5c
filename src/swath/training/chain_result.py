"""`ChainResult`: what a chain of recipes leaves behind, and what each stage added."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from swath.training.result import RunResult


@dataclass(frozen=True, slots=True)
class Gain:
    """Mean recall on one evaluation set before and after a stage, in per cent.

    Attributes:
        name: the set's.
        before: of the model that the stage started from; None where it cannot be measured.
        after: of the stage's model; likewise.
        low: lower end of the 95 % interval of the difference, images drawn with replacement.
        high: upper end.
        p_value: two-sided, of the paired permutation test.
        reason: why a number is missing.
    """

    name: str
    before: float | None
    after: float | None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    reason: str = ""

    @property
    def difference(self) -> float | None:
        """After less before."""
        return None if self.before is None or self.after is None else self.after - self.before


@dataclass(frozen=True, slots=True)
class StageResult:
    """One stage.

    Attributes:
        name: the stage's.
        key: digest of all that decides its model.
        run: its training run.
        skipped: whether it was finished before.
        gains: what it changed on the evaluation sets.
    """

    name: str
    key: str
    run: RunResult
    skipped: bool
    gains: tuple[Gain, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        gains = {gain.name: asdict(gain) | {"difference": gain.difference} for gain in self.gains}
        return {"name": self.name, "key": self.key, "skipped": self.skipped, "run": self.run.to_dict(), "gains": gains}


@dataclass(frozen=True, slots=True)
class ChainResult(RunResult):
    """What a chain leaves behind: the last stage's numbers, the steps of all, and the stages.

    Attributes:
        stages: one entry a stage.
    """

    stages: tuple[StageResult, ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return RunResult.to_dict(self) | {"stages": [stage.to_dict() for stage in self.stages]}

    def rows(self) -> list[list[str]]:
        """A table for people: stage, set, mR before and after, difference, its interval, p."""
        found = []
        for stage in self.stages:
            name = f"{stage.name} (finished before)" if stage.skipped else stage.name
            if not stage.gains:
                found.append([name, stage.run.metric, "", _number(stage.run.best), "", "", ""])
            for gain in stage.gains:
                ends = "" if gain.low is None or gain.high is None else f"{gain.low:+.2f} to {gain.high:+.2f}"
                cells = [_number(gain.before), _number(gain.after), _number(gain.difference, "+"), ends or gain.reason]
                found.append([name, gain.name, *cells, "" if gain.p_value is None else f"{gain.p_value:.4f}"])
        return found

    def to_markdown(self) -> str:
        """The same as a Markdown table."""
        lines = [
            "| stage | set | mR before | after | difference | 95 % interval | p |",
            "|---|---|---|---|---|---|---|",
        ]
        return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in self.rows())]) + "\n"


def _number(value: float | None, sign: str = "") -> str:
    return "" if value is None else f"{value:{sign}.2f}"
