"""SAR-Narrator on real ship records, flood masks and optical partners, and on a sandbox: are the captions true?

Every sentence is read again by `narrator_oracle`, which shares no code with the narrator and measures the raw
annotation itself; a sentence that it does not understand, or finds untrue, is a fact error. What a retrieved caption
says of the optical image is not measured (no such image has a reference caption): for pairs, a fact error is a word
that the optical caption does not have. Planted errors are true captions with one thing changed; `planted_caught` is
the share that the narrator's own quality control rejects, `planted_caught_oracle` the share that the second reading
finds.

python benchmarks/narrator.py [--pairs 300]
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import narrator_oracle as oracle
import numpy as np
import pyarrow.parquet as pq
import rasterio
from harness import data_root, write_result

from swath.corpus import sandbox
from swath.corpus.facts import Fact, Facts
from swath.corpus.narrate import (
    Options,
    QualityControl,
    RetrievalCaptioner,
    RouteOptions,
    open_route,
    read_bank,
    write_narration,
)
from swath.corpus.sandbox.classes import LOOKS
from swath.models import DualEncoder

SEED = 0
FLOODS = {1: "water", 0: "land"}
OTHER = {"cargo ship": "tanker", "tanker": "cargo ship", "carrier": "tanker", "water": "farmland", "forest": "lake",
         "river": "glacier", "residential area": "airport", "field": "harbour", "grass": "runway"}  # fmt: skip
SIDES = {"left": "right", "right": "left", "upper": "lower", "lower": "upper", "top": "bottom", "bottom": "top"}

Checks = Callable[[Mapping[str, Any]], Callable[[str], list[str]]]


def main() -> None:
    """Write the four corpora, read them again, plant errors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=300, help="optical partners that are captioned")
    count = parser.parse_args().pairs
    start = time.perf_counter()
    metrics: dict[str, float] = {}
    caught: list[tuple[str, bool, bool]] = []
    with tempfile.TemporaryDirectory() as name:
        for route, table, checks in _corpora(Path(name), count):
            rows = pq.read_table(table).to_pylist()
            found = _read_again(rows, checks)
            summary = json.loads(table.with_name(f"{table.stem}.summary.json").read_text())
            metrics |= {f"{route}_{key}": value for key, value in found.items()}
            metrics |= {
                f"{route}_images": summary["images"],
                f"{route}_pairs": summary["captions"],
                f"{route}_rejected_share": summary["rejected_share"],
                f"{route}_left_out": sum(summary["left_out"].values()),
            }
            for reason, number in summary["rejected"].items():
                metrics[f"{route}_rejected_{reason.replace(' ', '_')}"] = number
            caught += _plant(rows, checks, random.Random(SEED))
    routes = ("ships", "floods", "socal", "sandbox")
    for key in ("images", "pairs", "sentences", "fact_errors"):
        metrics[key] = sum(metrics[f"{route}_{key}"] for route in routes)
    metrics["planted"] = len(caught)
    metrics["planted_caught"] = float(np.mean([one for _, one, _ in caught]))
    metrics["planted_caught_oracle"] = float(np.mean([other for _, _, other in caught]))
    for kind in sorted({kind for kind, _, _ in caught}):
        metrics[f"planted_{kind}"] = float(np.mean([one for name, one, _ in caught if name == kind]))
    metrics["seconds"] = time.perf_counter() - start
    write_result("narrator", {"socal_chips": count, "seed": SEED, "writer": "rules", "bank": "sandbox"}, metrics)


def _corpora(folder: Path, count: int) -> Iterator[tuple[str, Path, Checks]]:
    """(name, table, how to read a row again) of each corpus."""
    data, options = data_root(), Options(seed=SEED, fractions={"train": 0.7, "test": 0.3})
    records = {row["file"]: row for row in json.loads((data / "opensarship" / "labels.json").read_text())}
    table = folder / "ships.parquet"
    write_narration(open_route("records", str(data / "opensarship" / "labels.json")), table, options)
    yield "ships", table, lambda row: _with(oracle.ship_checks(records[row["image"]]))

    floods, table = data / "floods_s1", folder / "floods.parquet"
    given = RouteOptions(
        masks=str(floods / "*_label.tif"), classes="1=water,0=land,-1=", pair=("_S1", "_label"), size=128
    )
    write_narration(open_route("masks", str(floods), given), table, options)
    yield "floods", table, lambda row: _mask(row, floods, FLOODS, lambda name: name.replace("_S1", "_label"), 1)

    world, table = folder / "world", folder / "sandbox.parquet"
    sandbox.write(world, seed=SEED, regions=3, scenes_per_region=1, dates=1, size=256)
    given = RouteOptions(masks=str(world / "landcover"), classes="sandbox", pair=("-s1.tif", ".tif"), size=128)
    write_narration(open_route("masks", str(world / "s1-grd"), given), table, options)
    titles = {int(code): look.title for code, look in LOOKS.items()}
    yield "sandbox", table, lambda row: _mask(row, world / "landcover", titles, lambda name: name.replace("-s1", ""), 2)

    scenes, table = str(data / "socal_scenes" / "items.json"), folder / "socal.parquet"
    captioner = RetrievalCaptioner(DualEncoder.from_pretrained("swath-mini"), read_bank([str(world)]))
    route = open_route("pairs", scenes, RouteOptions(optical=scenes, captioner=captioner))
    chosen = sorted(random.Random(SEED).sample(range(len(route.items)), min(count, len(route.items))))
    route.items = [route.items[at] for at in chosen]  # type: ignore[misc]
    write_narration(route, table, options)
    yield "socal", table, lambda row: lambda text: oracle.pair_errors(text, _source(row), *_around(row))


def _with(checks: Sequence[oracle.Check]) -> Callable[[str], list[str]]:
    return lambda text: oracle.errors(text, checks)


def _around(row: Mapping[str, Any]) -> tuple[datetime | None, tuple[float, float] | None]:
    moment = datetime.fromisoformat(row["datetime"]) if row["datetime"] else None
    return moment, (row["lon"], row["lat"]) if row["lon"] is not None else None


def _source(row: Mapping[str, Any]) -> str:
    """The optical caption that a row's captions come from."""
    return " ".join(json.loads(fact["value"]) for fact in row["facts"] if fact["kind"] == "caption")


def _mask(
    row: Mapping[str, Any], folder: Path, names: Mapping[int, str], rename: Callable[[str], str], finer: int
) -> Callable[[str], list[str]]:
    """The mask under a window, read with rasterio; `finer` mask pixels lie along one of the image."""
    col, top, width, height = row["window"]
    file = folder / rename(Path(row["layers"][0]["file"]).name)
    with rasterio.open(file) as raster:
        area = rasterio.windows.Window(col * finer, top * finer, width * finer, height * finer)
        codes = raster.read(1, window=area)[finer // 2 :: finer, finer // 2 :: finer].astype(np.int64)
        transform, degrees = raster.window_transform(area), raster.crs.is_geographic
    known = np.isin(codes, list(names)) & _valid(row, folder)
    metres = 111_320.0 if degrees else 1.0
    tilt = np.cos(np.radians(row["lat"])) if degrees else 1.0
    pixel = abs(transform.a * transform.e) * metres * metres * tilt * finer * finer
    checks = oracle.mask_checks(oracle.Mask(codes, known, names, float(pixel)))
    return _with([*checks, *oracle.circumstances(*_around(row))])


def _valid(row: Mapping[str, Any], folder: Path) -> np.ndarray:
    """Where the image itself has data."""
    col, top, width, height = row["window"]
    found = list(folder.parent.rglob(Path(row["layers"][0]["file"]).name))
    with rasterio.open(found[0]) as raster:
        values = raster.read(window=rasterio.windows.Window(col, top, width, height))
        masks = raster.read_masks(window=rasterio.windows.Window(col, top, width, height))
    return np.isfinite(values).all(axis=0) & (masks > 0).all(axis=0)


def _read_again(rows: Sequence[Mapping[str, Any]], checks: Checks) -> dict[str, float]:
    sentences, wrong = 0, []
    for row in rows:
        read = checks(row)
        for text in [*row["captions"], *row["long_captions"]]:
            sentences += len(oracle.sentences(text))
            wrong += [f"{row['image']}: {fault}" for fault in read(text)]
    for fault in wrong[:5]:
        print(fault)
    return {"sentences": sentences, "fact_errors": len(wrong)}


def _plant(rows: Sequence[Mapping[str, Any]], checks: Checks, rng: random.Random) -> list[tuple[str, bool, bool]]:
    """(kind, rejected by quality control, found by the second reading) of planted errors."""
    control, found = QualityControl(), []
    for row in rng.sample(list(rows), min(150, len(rows))):
        facts, read = _facts(row), checks(row)
        for kind, text in _changed(row["captions"], rng):
            # A change that happens to be true is no error.
            wrong = bool(read(text))
            if wrong or kind == "colour":
                found.append((kind, control.fault(text, facts) is not None, wrong))
    return found


def _changed(captions: Sequence[str], rng: random.Random) -> Iterator[tuple[str, str]]:
    for caption in captions:
        numbers = list(re.finditer(r"(?<![\d.:-])\d+(?![\d.:])(?! (?:[A-Z]|UTC))", caption))
        if numbers:
            match = rng.choice(numbers)
            other = str(int(match[0]) + rng.choice((7, 13, 29)))
            yield "number", caption[: match.start()] + other + caption[match.end() :]
        sides = [word for word in SIDES if re.search(rf"\b{word}\b", caption)]
        if sides:
            word = rng.choice(sides)
            yield "position", re.sub(rf"\b{word}\b", SIDES[word], caption)
        things = [word for word in OTHER if re.search(rf"\b{word}s?\b", caption)]
        if things:
            word = rng.choice(things)
            yield "thing", re.sub(rf"\b{word}", OTHER[word], caption)
        words = caption.rstrip(".").split(" ")
        if len(words) > 3:
            words.insert(-1, rng.choice(("green", "blue", "white", "red")))
            yield "colour", " ".join(words) + "."


def _facts(row: Mapping[str, Any]) -> Facts:
    items = []
    for fact in row["facts"]:
        value = json.loads(fact["value"])
        items.append(
            Fact(fact["kind"], fact["subject"], tuple(value) if isinstance(value, list) else value, fact["source"])
        )
    return Facts(row["image"], tuple(items))


if __name__ == "__main__":
    main()
