"""Which parts of EBAKER help a small model trained from scratch: the paper's Table 2 on RSICD, over several seeds.

    python benchmarks/ebaker_ablation.py --jobs 2                   Table 2, RSICD
    python benchmarks/ebaker_ablation.py --dataset ucm --jobs 2     the quick form
    python benchmarks/ebaker_ablation.py --table 4 --jobs 2         Tables 3 to 6 and Figure 5

Each configuration and seed is one process with one thread, kept under --runs and not done again. Checkpoints are chosen
on validation, the test split is measured once. A configuration with the local term is judged by fused similarity, its
weight chosen on validation, as the paper does; `*_global_only` says what the same model does without it, and
`baseline_fused` what fusion alone gives a model that was not trained for it. The same seed gives every configuration
the same initial weights and batches, so gains are paired by seed.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ablation_run import RECIPE
from ablation_statistics import over_queries, over_seeds
from harness import data_root, write_result
from jobs import Job, finished, start_all

from swath.evaluation.retrieval import RetrievalResult

LOCAL = "objective.local={normalise: true}"
KER = "objective.keywords={weight: 0.5, reasoner: {layers: 2}}"
EBA = "objective.elimination={ratio: 0.01}"
TERMS = {"local": LOCAL, "ker": KER, "eba": EBA}
ALL = tuple(TERMS.values())
TABLE_2 = ("baseline", "local", "ker", "eba", "local+ker", "local+eba", "ker+eba", "all")
DEFAULT = ("baseline", "local", "ker", "eba", "all")
SCRIPT = Path(__file__).with_name("ablation_run.py")
KEEP_ALL = 4 / 7
"""Share of the epochs before the first elimination: the paper's 4 of 7."""

PAPER: dict[str, dict[str, float]] = {
    "2": dict(zip(TABLE_2, (37.92, 39.35, 39.33, 39.34, 40.45, 40.05, 39.93, 40.70), strict=True)),
    "4": {"random": 39.23, "adjective": 39.69, "all": 40.70},
    "5": dict(
        zip(
            (f"weight {step / 10:g}" for step in range(1, 11)),
            (39.65, 39.60, 40.26, 40.33, 40.70, 40.25, 40.04, 40.18, 39.62, 38.79),
            strict=True,
        )
    ),
    "6": dict(
        zip(
            (f"top {top}" for top in (27, 57, 109, 198, 394, 800)),
            (38.88, 39.95, 39.74, 39.69, 40.53, 40.70),
            strict=True,
        )
    ),
}
"""mR on RSICD test as the paper reports it, ViT-B/32 from OpenAI's weights."""

LOCAL_WEIGHTS = (40.10, 40.40, 40.56, 40.56, 40.70, 40.63, 40.58, 40.42, 40.25, 40.17, 40.19)
"""The paper's Table 3: mR by weight of the local part, 0 to 1."""


@dataclass(frozen=True)
class Setup:
    """What a data set needs: its overrides, and how long it is trained."""

    epochs: int
    overrides: tuple[str, ...] = ()


DATASETS = {
    "rsicd": Setup(epochs=8),
    "ucm": Setup(epochs=24, overrides=("batch.size=64",)),
}


def configurations(table: str) -> dict[str, tuple[str, ...]]:
    """Overrides of every configuration of a table of the paper, by name; ``figure5``: drop epoch and drop ratio."""
    terms: dict[str, tuple[str, ...]] = {"baseline": (), "all": ALL}
    terms |= {name: tuple(TERMS[part] for part in name.split("+")) for name in TABLE_2 if name not in terms}
    keywords, elimination = "objective.keywords", "objective.elimination"
    return {
        "2": {name: terms[name] for name in TABLE_2},
        "3": {"all": ALL},
        "4": {"all": ALL} | {name: (*ALL, f"{keywords}.strategy={name}") for name in ("random", "adjective")},
        "5": {name: (*ALL, f"{keywords}.weight={name.split()[1]}") for name in PAPER["5"]},
        "6": {name: (*ALL, f"{keywords}.top={name.split()[1]}") for name in PAPER["6"]},
        "figure5": {"all": ALL}
        | {f"from epoch {epoch}": (*ALL, f"{elimination}.start_epoch={epoch}") for epoch in (1, 2, 3, 5, 6, 7)}
        | {f"ratio {ratio:g}": (*ALL, f"{elimination}.ratio={ratio}") for ratio in (0.005, 0.02, 0.05, 0.1)},
    }[table]


def jobs(arguments: argparse.Namespace, chosen: Mapping[str, tuple[str, ...]]) -> list[Job]:
    """Every run that the arguments ask for, seed by seed."""
    setup = DATASETS[arguments.dataset]
    epochs = arguments.epochs or setup.epochs
    found = []
    for seed in range(arguments.seeds):
        for name, terms in chosen.items():
            own = [f"data.root={data_root()}", f"seed={seed}", f"optim.epochs={epochs}", *setup.overrides, *terms]
            own += [f"data.{part}.path={arguments.dataset}" for part in ("train.0", "validation")]
            if any(term.startswith("objective.elimination") for term in terms):
                first = next((term for term in terms if ".start_epoch=" in term), None)
                # A changed drop epoch is set last; otherwise it is the paper's share of the epochs.
                own += [first or f"objective.elimination.start_epoch={max(1, int(KEEP_ALL * epochs))}"]
            found.append(Job(name, seed, arguments.runs / arguments.dataset / _folder(name, seed), own, SCRIPT))
    return found


def _folder(name: str, seed: int) -> str:
    return f"{name.replace(' ', '_')}-{seed}"


@dataclass(frozen=True)
class Results:
    """All finished runs of one configuration, in order of seed."""

    raw: list[dict[str, Any]]
    local: bool

    def of(self, similarity: str) -> list[RetrievalResult]:
        """Test results by ``global`` or ``fused`` similarity."""
        return [RetrievalResult.from_dict(entry[similarity]) for entry in self.raw]

    @property
    def used(self) -> list[RetrievalResult]:
        """Test results by the similarity that the configuration is judged by."""
        return self.of("fused" if self.local else "global")


def summary(results: Mapping[str, Results]) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """Metrics and intervals of a table; gains are over the first configuration."""
    metrics: dict[str, float] = {}
    intervals: dict[str, tuple[float, float]] = {}
    reference = next(iter(results))
    first = results[reference].used
    for name, own in results.items():
        values = _recalls(own.used)
        other = "global_only" if own.local else "fused"
        metrics |= {name: float(np.mean(values))}
        metrics |= {f"{name}_{other}": float(np.mean(_recalls(own.of("global" if own.local else "fused"))))}
        metrics |= {f"{name}_seed{seed}": value for seed, value in enumerate(values)}
        metrics |= {f"{name}_std": float(np.std(values, ddof=1))} if len(values) > 1 else {}
        _put(intervals, name, over_seeds(values))
        if name == reference:
            continue
        gains = [value - before for value, before in zip(values, _recalls(first), strict=True)]
        metrics |= {f"{name}_gain": float(np.mean(gains)), f"{name}_gain_queries": float(np.mean(gains))}
        _put(intervals, f"{name}_gain", over_seeds(gains))
        _put(intervals, f"{name}_gain_queries", over_queries(first, own.used))
    return metrics, intervals


def by_weight(results: Results) -> dict[str, float]:
    """Table 3: mean test mR of one model by weight of the local part."""
    curves = [entry["test_mR_by_local_weight"] for entry in results.raw]
    return {f"local {weight}": float(np.mean([curve[weight] for curve in curves])) for weight in curves[0]}


def _recalls(results: Sequence[RetrievalResult]) -> list[float]:
    return [result.metrics["mR"] for result in results]


def _put(intervals: dict[str, tuple[float, float]], name: str, interval: tuple[float, float] | None) -> None:
    if interval is not None:
        intervals[name] = interval


def write(arguments: argparse.Namespace, results: Mapping[str, Results]) -> None:
    """Write the table's result file."""
    metrics, intervals = summary(results)
    if arguments.table == "3":
        metrics |= by_weight(results["all"])
    local = {name: [entry["local_weight"] for entry in own.raw] for name, own in results.items() if own.local}
    paper = PAPER.get(arguments.table, {})
    if arguments.table == "3":
        paper = {f"local {step / 10:g}": value for step, value in enumerate(LOCAL_WEIGHTS)}
    epochs = arguments.epochs or DATASETS[arguments.dataset].epochs
    write_result(
        f"ablation_{arguments.dataset}" + ("" if arguments.table == "2" else f"_table_{arguments.table}"),
        settings={
            "dataset": arguments.dataset,
            "table": arguments.table,
            "configurations": list(results),
            "seeds": arguments.seeds,
            "epochs": epochs,
            "recipe": "benchmarks/ablation.yaml: 64 px, from scratch",
            "checkpoint": "best validation mR",
            "local_weight_chosen_on_validation": local,
            "intervals": "means and gains: over seeds (Student's t, gains paired by seed); "
            "gain_queries: bootstrap over test images, seeds averaged",
            "minutes_a_run": round(float(np.mean([e["seconds"] for own in results.values() for e in own.raw])) / 60, 1),
            "paper_mR": {name: value for name, value in paper.items() if name in metrics},
        },
        metrics=metrics,
        intervals=intervals,
        command=f"python benchmarks/ebaker_ablation.py --dataset {arguments.dataset} --table {arguments.table} "
        f"--seeds {arguments.seeds} --epochs {epochs} "
        f"--configurations {shlex.quote(','.join(results))}",
    )


def main(argv: Sequence[str] | None = None) -> None:
    """Do the runs that are missing, then write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", choices=DATASETS, default="rsicd")
    parser.add_argument("--table", choices=("2", "3", "4", "5", "6", "figure5"), default="2")
    parser.add_argument(
        "--configurations", help="comma-separated; default: " + ",".join(DEFAULT) + ", or all of a table"
    )
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, help="default: " + str({k: v.epochs for k, v in DATASETS.items()}))
    parser.add_argument("--jobs", type=int, default=1, help="runs at once, each on one thread")
    parser.add_argument("--runs", type=Path, default=Path("runs/ablation"), help="where runs are kept")
    arguments = parser.parse_args(argv)
    known = configurations(arguments.table)
    names = list(DEFAULT) if arguments.table == "2" else list(known)
    if arguments.configurations:
        names = arguments.configurations.split(",")
    if unknown := set(names) - set(known):
        parser.error(f"no configuration {', '.join(sorted(unknown))} in table {arguments.table}: {', '.join(known)}")
    asked = jobs(arguments, {name: known[name] for name in names})
    start_all(asked, arguments.jobs)
    found = {name: [job for job in asked if job.name == name] for name in names}
    results = {
        name: Results([finished(job.folder, RECIPE, job.overrides) or {} for job in own], LOCAL in known[name])
        for name, own in found.items()
    }
    write(arguments, results)


if __name__ == "__main__":
    main()
