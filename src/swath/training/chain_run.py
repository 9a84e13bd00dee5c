"""Running a chain of recipes: finished stages are skipped, the others go on, and each says what it added.

A stage's folder carries the first digits of its key (see `swath.training.chain_inputs.stage_key`): a changed recipe,
data set or earlier stage is another folder, and nothing is overwritten.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from swath.data import read_dataset
from swath.errors import CheckpointError, SensorError, TrainingError
from swath.evaluation.compare import compare
from swath.evaluation.report import RetrievalReport
from swath.evaluation.run_retrieval import evaluate_retrieval
from swath.models import DualEncoder
from swath.training.chain import AnyRecipe, ChainRecipe, EvaluationSet, Stage
from swath.training.chain_inputs import evaluation_key, model_digest, stage_key
from swath.training.chain_result import ChainResult, Gain, StageResult
from swath.training.kinds import train_any
from swath.training.loop import Progress
from swath.training.recipe import Recipe
from swath.training.result import RunResult

_LOG = logging.getLogger(__name__)

DONE = "stage.json"
"""In a stage's folder: the stage is finished, and what came of it."""

_ROUNDS = 2000


def run_chain(chain: ChainRecipe, *, check: bool = False, progress: Progress | None = None) -> ChainResult:
    """Train every stage of a chain that is not finished yet, and measure the model before and after each.

    Args:
        chain: the stages.
        check: try every stage out on a few images, without measuring, and leave nothing behind.
        progress: told how far the stage that is running is.

    Raises:
        MissingExtraError, DataError, TrainingError: as `swath.training.train`.
    """
    started = time.monotonic()
    if check:
        return _checked(chain, progress, started)
    keys: list[str] = []
    for stage in chain.stages:
        keys.append(stage_key(stage, keys[-1] if keys else ""))
    results: list[StageResult] = []
    model: Path | str | None = getattr(chain.stages[0].recipe, "init", None)
    before = _Measured(chain, model, "" if model is None else model_digest(model), chain.output / "start")
    for number, (stage, key) in enumerate(zip(chain.stages, keys, strict=True), 1):
        folder = chain.output / f"{number:02d}-{stage.name}-{key[:8]}"
        init = results[-1].run.model if stage.follows else getattr(stage.recipe, "init", None)
        if not stage.follows and number > 1:
            before = _Measured(chain, init, model_digest(str(init)), chain.output / f"start-{stage.name}")
        where = f"stage {number} of {len(chain.stages)}, {stage.name}"
        outcome, skipped = _finished(folder, key), True
        if outcome is None:
            _LOG.info("%s: training in %s", where, folder)
            outcome, skipped = train_any(_placed(stage.recipe, folder, init), progress=progress), False
            if _is_main():
                _write_json(folder / DONE, {"stage": stage.name, "key": key, "result": outcome.to_dict()})
        else:
            _LOG.info("%s: finished before, in %s", where, folder)
        after = _Measured(chain, outcome.model, key, folder)
        measured = {entry.name: (before.report(entry), after.report(entry)) for entry in chain.evaluation}
        results.append(_stage_result(stage, key, outcome, skipped, measured))
        before = after
    return _close(chain, results, time.monotonic() - started)


class _Measured:
    """A model's results on the evaluation sets, computed once and kept in a folder.

    Args:
        chain: whose sets.
        model: the model; None where training began with random weights.
        key: decides the model.
        folder: where results are kept.
    """

    def __init__(self, chain: ChainRecipe, model: Path | str | None, key: str, folder: Path) -> None:
        self.chain, self.model, self.key, self.folder = chain, model, key, folder

    def report(self, entry: EvaluationSet) -> RetrievalReport | str:
        """The result on one set; a reason where there is none."""
        if self.model is None or not _is_main():
            return "no model before" if self.model is None else "measured by the main process"
        digest = evaluation_key(entry, self.chain.root, self.key)
        file = self.folder / "evaluation" / f"{entry.name}-{digest[:8]}.json"
        if file.is_file():
            return RetrievalReport.load(file)
        try:
            encoder = DualEncoder.from_pretrained(self.model)
            dataset = read_dataset(self.chain.root / entry.path, sensor=entry.sensor)
            report = evaluate_retrieval(encoder, dataset, split=entry.split, rounds=_ROUNDS)
        except (SensorError, CheckpointError) as error:
            # A model of another kind, or one that takes no images of this sensor, is no reason to stop a chain.
            return str(error)
        _write_json(file, report.to_dict(queries=True))
        return report


def _placed(recipe: AnyRecipe, folder: Path, init: Path | str | None) -> AnyRecipe:
    """The recipe with its folder and the model it starts from."""
    changes: dict[str, Any] = {"output": folder}
    if init is not None:
        changes["init"] = str(init)
    copied: AnyRecipe = recipe.model_copy(update=changes)
    return copied


def _finished(folder: Path, key: str) -> RunResult | None:
    file = folder / DONE
    if not file.is_file():
        return None
    try:
        noted = json.loads(file.read_text(encoding="utf-8"))
        result = dict(noted["result"])
        same = noted["key"] == key
        result |= {"directory": Path(result["directory"]), "model": Path(result["model"])}
        found = RunResult(**{**result, "history": tuple(result["history"])})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TrainingError(
            f"{file} is damaged ({error!r}): delete it, and the stage goes on or is done again"
        ) from error
    return found if same and found.model.exists() else None


def _stage_result(
    stage: Stage,
    key: str,
    outcome: RunResult,
    skipped: bool,
    measured: dict[str, tuple[RetrievalReport | str, RetrievalReport | str]],
) -> StageResult:
    gains = []
    for name, (before, after) in measured.items():
        if isinstance(after, str):
            gains.append(Gain(name, None, None, reason=after))
        elif isinstance(before, str):
            gains.append(Gain(name, None, after.metrics["mR"], reason=before))
        else:
            found = next(row for row in compare(before, after, _ROUNDS).differences if row.metric == "mR")
            gains.append(Gain(name, found.a, found.b, found.low, found.high, found.p_value))
    return StageResult(stage.name, key, outcome, skipped, tuple(gains))


def _close(chain: ChainRecipe, results: list[StageResult], seconds: float) -> ChainResult:
    """Write the report, and the last model as ``best``."""
    last = results[-1]
    best, note = chain.output / "best", chain.output / "chain.json"
    result = _result(chain.output, best, results, seconds)
    if not _is_main():
        return result
    if last.run.model.is_dir() and (not best.is_dir() or not last.skipped or not note.is_file()):
        fresh = chain.output / "best.new"
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(last.run.model, fresh)
        shutil.rmtree(best, ignore_errors=True)
        fresh.rename(best)
    _write_json(note, result.to_dict())
    (chain.output / "chain.md").write_text(result.to_markdown(), encoding="utf-8")
    return result


def _result(output: Path, model: Path, results: list[StageResult], seconds: float) -> ChainResult:
    """The numbers of the last stage, the steps of all."""
    last = results[-1].run
    return ChainResult(
        directory=output,
        model=model,
        metric=last.metric,
        best=last.best,
        best_epoch=last.best_epoch,
        epochs=last.epochs,
        steps=sum(stage.run.steps for stage in results),
        seconds=seconds,
        history=last.history,
        stages=tuple(results),
    )


def _is_main() -> bool:
    """Whether this is the process that writes, where torchrun started several."""
    return os.environ.get("RANK", "0") == "0"


def _checked(chain: ChainRecipe, progress: Progress | None, started: float) -> ChainResult:
    """Every stage tried out, each from a fresh model of the kind that the stage before leaves."""
    results: list[StageResult] = []
    with ExitStack() as stack:
        for at, stage in enumerate(chain.stages):
            recipe = stage.recipe
            earlier = chain.stages[at - 1].recipe if stage.follows else None
            if isinstance(earlier, Recipe):
                folder = stack.enter_context(tempfile.TemporaryDirectory())
                init = DualEncoder(earlier.model).save_pretrained(Path(folder) / "start")
                recipe = recipe.model_copy(update={"init": str(init)})
            _LOG.info("stage %d of %d, %s: trying it out", at + 1, len(chain.stages), stage.name)
            outcome = train_any(recipe, check=True, progress=progress)
            results.append(_stage_result(stage, "", outcome, False, {}))
    return _result(chain.output, results[-1].run.model, results, time.monotonic() - started)


def _write_json(file: Path, document: dict[str, Any]) -> None:
    """Write a file whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    passing = file.with_suffix(".new")
    passing.write_text(json.dumps(document, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    passing.replace(file)
