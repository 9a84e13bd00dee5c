"""Radar images and texts before and after transfer: an optical-only starting model, and the one trained on from it.

    python benchmarks/sar_retrieval.py --before MODEL --after MODEL --ships ships.parquet --floods floods.parquet

Three held-out sets: radar chips of a synthetic world that neither model was trained on, ships by their records, floods
by their masks (tables of `swath corpus narrate` with splits; the test split counts). `mR_before` and `mR_after` are the
means over the sets of mean recall (R@1, R@5, R@10 both ways, in per cent) by global similarity, `gain` is their
difference. Intervals and p come from drawing, or swapping between the models, whole images within each set.
"""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from harness import write_result
from numpy.typing import NDArray

from swath.corpus import sandbox
from swath.data import Dataset, read_dataset
from swath.evaluation.compare import compare
from swath.evaluation.report import RetrievalReport
from swath.evaluation.retrieval import DIRECTIONS
from swath.evaluation.run_retrieval import evaluate_retrieval
from swath.models import DualEncoder

RADAR = "s1-grd"
ROUNDS = 5000
SEED = 0


def mean_recalls(report: RetrievalReport, times: NDArray[np.float64]) -> NDArray[np.float64]:
    """(R,) mean recall in per cent where image i counts ``times[r, i]`` times, (R, I)."""
    result = report.result
    owner, images = result.relation.caption_image, result.relation.images
    captions = np.bincount(owner, minlength=images).astype(np.float64)
    recalls = []
    for direction in DIRECTIONS:
        for hits in result.hits(direction).T:
            own = hits if direction == "i2t" else np.bincount(owner, hits, images)
            asked = np.ones(images) if direction == "i2t" else captions
            recalls.append(times @ own / (times @ asked))
    return np.asarray(100.0 * np.mean(recalls, axis=0))


def shares(report: RetrievalReport) -> NDArray[np.float64]:
    """(I,) what each image adds to mean recall, in per cent: they sum to it."""
    result = report.result
    owner, images = result.relation.caption_image, result.relation.images
    i2t = result.hits("i2t").sum(axis=1) / images
    t2i = np.bincount(owner, result.hits("t2i").sum(axis=1), images) / result.relation.captions
    return np.asarray(100.0 * (i2t + t2i) / (len(DIRECTIONS) * len(result.ks)))


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """The middle 95 %."""
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def measure(
    before: dict[str, RetrievalReport], after: dict[str, RetrievalReport]
) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Metrics and intervals of each set and of their mean; the test of the mean is paired by image."""
    metrics: dict[str, float] = {}
    intervals: dict[str, tuple[float, float]] = {}
    drawn: dict[str, list[NDArray[np.float64]]] = {"before": [], "after": []}
    swapped = []
    random = np.random.default_rng(SEED)
    for name in before:
        rows = {row.metric: row for row in compare(before[name], after[name], ROUNDS).differences}
        found = rows["mR"]
        metrics |= {f"{name}_mR_before": found.a, f"{name}_mR_after": found.b, f"{name}_gain": found.difference}
        metrics[f"{name}_p"] = found.p_value
        metrics[f"{name}_caption_aware_gain"] = rows["caption_aware_mR"].difference
        intervals[f"{name}_gain"] = (found.low, found.high)
        images = before[name].result.relation.images
        times = random.multinomial(images, np.full(images, 1 / images), size=ROUNDS).astype(np.float64)
        for which, reports in (("before", before), ("after", after)):
            drawn[which].append(mean_recalls(reports[name], times))
            intervals[f"{name}_mR_{which}"] = interval(drawn[which][-1])
        signs = random.integers(0, 2, size=(ROUNDS, images)) * 2.0 - 1.0
        swapped.append(signs @ (shares(after[name]) - shares(before[name])))
    means = {which: np.mean(values, axis=0) for which, values in drawn.items()}
    for which in ("before", "after"):
        metrics[f"mR_{which}"] = float(np.mean([metrics[f"{name}_mR_{which}"] for name in before]))
        intervals[f"mR_{which}"] = interval(means[which])
    metrics["gain"] = metrics["mR_after"] - metrics["mR_before"]
    intervals["gain"] = interval(means["after"] - means["before"])
    reached = np.abs(np.mean(swapped, axis=0)) >= abs(metrics["gain"]) - 1e-9
    metrics["p"] = float((1 + reached.sum()) / (1 + ROUNDS))
    first = ("mR_before", "mR_after", "gain", "p")
    return {name: metrics[name] for name in first} | metrics, intervals


def evaluate(model: DualEncoder, sets: dict[str, tuple[Dataset, str | None]]) -> dict[str, RetrievalReport]:
    """A report of each set."""
    return {name: evaluate_retrieval(model, data, split=split, rounds=0) for name, (data, split) in sets.items()}


def main() -> None:
    """Measure both models and write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", required=True, help="the optical-only starting model")
    parser.add_argument("--after", required=True, help="the model trained on from it")
    parser.add_argument(
        "--sandbox", type=Path, help="a synthetic world, whose test regions count; default: seed 0, all"
    )
    parser.add_argument("--ships", type=Path, help="table of ships narrated from records")
    parser.add_argument("--floods", type=Path, help="table of floods narrated from masks")
    parser.add_argument("--split", default="test", help="the split that counts")
    given = parser.parse_args()
    with ExitStack() as stack:
        world = given.sandbox
        if world is None:
            world = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            sandbox.write(world)
        sets = {"sandbox": (read_dataset(world, sensor=RADAR), given.split if given.sandbox else None)}
        for name, path in (("ships", given.ships), ("floods", given.floods)):
            if path is not None:
                sets[name] = (read_dataset(path), given.split)
        models = [DualEncoder.from_pretrained(name) for name in (given.before, given.after)]
        before, after = (evaluate(model, sets) for model in models)
    metrics, intervals = measure(before, after)
    write_result(
        "sar_retrieval",
        settings={
            "before": models[0].model_id,
            "after": models[1].model_id,
            "sets": {
                name: f"{report.result.relation.images} images, {report.result.relation.captions} captions, "
                f"split {report.split or 'all'}"
                for name, report in before.items()
            },
            "sandbox": "seed 0, synthetic, not trained on" if given.sandbox is None else "test regions, synthetic",
            "intervals": f"95 % bootstrap over images within each set, {ROUNDS} rounds; p of paired permutations",
        },
        metrics=metrics,
        intervals=intervals,
    )


if __name__ == "__main__":
    main()
