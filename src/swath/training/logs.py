"""A run's records: `metrics.jsonl`, TensorBoard, and a line on the log an epoch."""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from swath.errors import MissingExtraError, TrainingError

_LOG = logging.getLogger(__name__)


class RunLog:
    """Writes scalars of a run.

    Args:
        folder: the run's folder.
        tensorboard: whether to write TensorBoard logs too.

    Raises:
        MissingExtraError: TensorBoard is wanted and not installed.
    """

    def __init__(self, folder: Path, tensorboard: bool) -> None:
        self._file = (folder / "metrics.jsonl").open("a", encoding="utf-8")
        self._board = _summary_writer(folder / "tensorboard") if tensorboard else None

    def write(self, group: str, step: int, values: Mapping[str, float]) -> None:
        """Record `values` under names ``group/key``."""
        self._file.write(json.dumps({"group": group, "step": step, **values}) + "\n")
        self._file.flush()
        if self._board is not None:
            for key, value in values.items():
                self._board.add_scalar(f"{group}/{key}", value, step)
        _LOG.info("%s %d  %s", group, step, "  ".join(f"{key} {value:.4g}" for key, value in values.items()))

    def __enter__(self) -> RunLog:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if self._board is not None:
            self._board.close()


class Means:
    """Means of scalars since the last `take`."""

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._count = 0

    def add(self, values: Mapping[str, float], step: int) -> None:
        """Add one step's values.

        Raises:
            TrainingError: the loss is not finite.
        """
        if not math.isfinite(values["loss"]):
            raise TrainingError(
                f"the loss became {values['loss']} at step {step}: lower optim.lr or optim.clip, or set precision=no"
            )
        for key, value in values.items():
            self._sums[key] = self._sums.get(key, 0.0) + value
        self._count += 1

    def take(self) -> dict[str, float]:
        """The means; starts anew."""
        means = {key: value / self._count for key, value in self._sums.items()}
        self._sums, self._count = {}, 0
        return means


def _summary_writer(folder: Path) -> Any:  # noqa: ANN401 - a type of an optional package
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise MissingExtraError("tensorboard", "train") from error
    return SummaryWriter(str(folder))
