"""Radar and optical images in one space through text alone: CLOSP and GeoCLOSP on held-out regions of the sandbox.

    python benchmarks/bridge_sandbox.py --jobs 2
    python benchmarks/bridge_sandbox.py --regions 14 --epochs 2 --size 256      tried out in a minute

Two small towers from scratch. Radar and optical training images are of different regions, each with its labels as text
(see `bridge_sandbox_world.py`); the test regions are seen by both. Configurations:

- joint: both sensors, bridged by text; targets by overlap of label sets, learned temperature
- verbatim: the same with CLOSP's released settings, constant temperature 1 and targets on the diagonal
- s1, s2: one sensor alone, as many of its images a step and as many steps
- paired: joint, and the other sensor's images of the same chips, without texts, attracted by their partners
- geoclosp: joint, and places attracted by images

Numbers are per cent, means over queries and seeds. nDCG@1000 has linear gain: 2 where an image has the labels asked and
no others, 1 where it has more. `geo_*` asks for a label in a region: the place is added to the text where the model
knows places; of the images, only pixels are looked at. Intervals: bootstrap over queries, seeds averaged; gains are
paired. Each run is a process with one thread, kept under --runs and not done again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from bridge_sandbox_run import CUTS, DEPTH, RECIPE
from bridge_sandbox_world import SEED, SHARE, WINDOW, prepare
from harness import write_result
from jobs import Job, finished, start_all
from numpy.typing import NDArray

EPOCHS = 16
ROUNDS = 2000
SCRIPT = Path(__file__).with_name("bridge_sandbox_run.py")
LOCATION = "model.location={type: satclip, width: 64, legendre_polys: 10, capacity: 64}"

CONFIGURATIONS: dict[str, tuple[str, ...]] = {
    "joint": (),
    "verbatim": ("objective={bridge: {targets: diagonal}, temperature: 1.0, learn_temperature: false}",),
    "s1": ("data.train=[{path: world, split: train, sensor: s1-grd}]", "batch={size: 64}"),
    "s2": ("data.train=[{path: world, split: train, sensor: s2-l2a}]", "batch={size: 64}"),
    "paired": (
        "data.train=[{path: world, split: train, sensor: s1-grd}, {path: world, split: train, sensor: s2-l2a}, "
        "{path: world, split: silent, sensor: s1-grd}, {path: world, split: silent, sensor: s2-l2a}]",
        "objective.bridge.paired=1.0",
    ),
    "geoclosp": (LOCATION, "objective.location={weight: 1.0}"),
}
TWICE = ("paired",)
"""Configurations with twice the images, which go through them half as often: as many steps."""

Values = Mapping[str, float]


def jobs(arguments: argparse.Namespace) -> list[Job]:
    """Every run that the arguments ask for, seed by seed."""
    root = arguments.runs.resolve()
    found = []
    for seed in range(arguments.seeds):
        for name, terms in CONFIGURATIONS.items():
            epochs = max(1, arguments.epochs // 2) if name in TWICE else arguments.epochs
            own = [f"data.root={root}", f"seed={seed}", f"optim.epochs={epochs}", *terms]
            found.append(Job(name, seed, root / f"{name}-{seed}", own, SCRIPT))
    return found


class Summary:
    """Metrics and intervals of all runs.

    Args:
        results: by configuration, the results of its seeds.
    """

    def __init__(self, results: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
        self.results = results
        self.metrics: dict[str, float] = {}
        self.intervals: dict[str, tuple[float, float]] = {}

    def put(self, name: str, configuration: str, *measures: str) -> None:
        """The mean of measures, all their queries together."""
        self._keep(name, np.array(list(self._values(configuration, measures).values())))

    def gain(self, name: str, first: tuple[str, str], second: tuple[str, str], sensors: Sequence[str] = ("",)) -> None:
        """What (configuration, measure) `first` has more than `second`, query by query."""
        one, other = (self._values(kind, [measure + own for own in sensors]) for kind, measure in (first, second))
        if one.keys() != other.keys():
            sys.exit(f"{name}: the two configurations were not asked the same queries")
        self._keep(name, np.array([value - other[query] for query, value in one.items()]))

    def _values(self, configuration: str, measures: Sequence[str]) -> Values:
        """Per cent by query, seeds averaged."""
        found: dict[str, list[float]] = {}
        for result in self.results[configuration]:
            for place, measure in enumerate(measures):
                for query, value in result["values"][measure].items():
                    found.setdefault(f"{place} {query}", []).append(100 * value)
        return {query: float(np.mean(values)) for query, values in found.items()}

    def _keep(self, name: str, values: NDArray[np.float64]) -> None:
        self.metrics[name] = float(values.mean())
        rng = np.random.default_rng(0)
        times = rng.multinomial(len(values), np.full(len(values), 1 / len(values)), size=ROUNDS)
        low, high = np.quantile(times @ values / len(values), [0.025, 0.975])
        self.intervals[name] = (float(low), float(high))


def summary(results: Mapping[str, Sequence[Mapping[str, Any]]]) -> Summary:
    """Everything that is reported."""
    out = Summary(results)
    for sensor in ("s1", "s2"):
        measure = f"text_{sensor}"
        out.put(f"{sensor}_ndcg_single", sensor, measure)
        for name in ("joint", "verbatim", "paired", "geoclosp"):
            out.put(f"{sensor}_ndcg_{name}", name, measure)
        out.gain(f"{sensor}_ndcg_gain_joint_over_single", ("joint", measure), (sensor, measure))
        out.gain(f"{sensor}_ndcg_gain_joint_over_verbatim", ("joint", measure), ("verbatim", measure))
        out.gain(f"{sensor}_ndcg_gain_geoclosp_over_joint", ("geoclosp", measure), ("joint", measure))
    for name in ("joint", "verbatim", "paired"):
        for direction in ("s1_s2", "s2_s1"):
            for measure in (*(f"r{k}" for k in CUTS), "ndcg"):
                out.put(f"{direction}_{measure}_{name}", name, f"{direction}_{measure}")
    sensors = ("s1", "s2")
    out.put("geo_ndcg_closp", "joint", *(f"place_text_{sensor}" for sensor in sensors))
    out.put("geo_ndcg_geoclosp_text_alone", "geoclosp", *(f"place_text_{sensor}" for sensor in sensors))
    out.put("geo_ndcg_geoclosp", "geoclosp", *(f"place_both_{sensor}" for sensor in sensors))
    out.gain("geo_ndcg_gain", ("geoclosp", "place_both_"), ("joint", "place_text_"), sensors)
    return out


def write(arguments: argparse.Namespace, results: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Write the result file."""
    found = summary(results)
    joint = results["joint"][0]
    write_result(
        "bridge_sandbox",
        settings={
            "world": {
                "seed": SEED, "regions": arguments.regions, "dates": arguments.dates, "size": arguments.size,
                "chip": WINDOW, "least_share_of_a_label": SHARE,
            },
            "recipe": "benchmarks/bridge_sandbox.yaml: 64 px, from scratch",
            "epochs": arguments.epochs,
            "steps": joint["steps"],
            "seeds": arguments.seeds,
            "queries": {name: len(joint["values"][name]) for name in ("text_s1", "place_text_s1", "s1_s2_r1")},
            "cut": DEPTH,
            "gain": "linear: 2 the same labels, 1 all asked and more",
            "intervals": "bootstrap over queries, seeds averaged",
            "minutes_a_run": round(float(np.mean([r["seconds"] for own in results.values() for r in own])) / 60, 1),
        },
        metrics=found.metrics,
        intervals=found.intervals,
        command=f"python benchmarks/bridge_sandbox.py --epochs {arguments.epochs} --regions {arguments.regions} "
        f"--dates {arguments.dates} --size {arguments.size} --seeds {arguments.seeds}",
    )  # fmt: skip


def main(argv: Sequence[str] | None = None) -> None:
    """Make the world, do the runs that are missing, then write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--regions", type=int, default=35)
    parser.add_argument("--dates", type=int, default=2)
    parser.add_argument("--size", type=int, default=384, help="rows and columns of a scene, 10 m each")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=1, help="runs at a time, one thread each")
    parser.add_argument("--runs", type=Path, default=Path("runs/bridge_sandbox"), help="where world and runs are kept")
    parser.add_argument("--no-result", action="store_true", help="only print, to try it out")
    arguments = parser.parse_args(argv)
    arguments.runs.mkdir(parents=True, exist_ok=True)
    prepare(arguments.runs, arguments.regions, arguments.dates, arguments.size)
    todo = jobs(arguments)
    start_all(todo, arguments.jobs)
    results: dict[str, list[dict[str, Any]]] = {}
    for job in todo:
        found = finished(job.folder, RECIPE, job.overrides)
        if found is None:
            sys.exit(f"{job.folder} has no result")
        results.setdefault(job.name, []).append(found)
    if arguments.no_result:
        for name, value in summary(results).metrics.items():
            print(f"{name} {value:.2f}")
        return
    write(arguments, results)


if __name__ == "__main__":
    main()
