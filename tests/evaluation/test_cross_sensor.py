from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from typer.testing import CliRunner

from generate.models import tiny_model
from generate.rasters import noise, write_tiff
from swath.cli.app import app
from swath.data import read_dataset
from swath.errors import DataError, EvaluationError
from swath.evaluation.cross_sensor import evaluate_cross_sensor, recalls
from swath.features import Features

PLACES = 6


def layers(file, names):
    return [{"band": name, "file": file, "index": at} for at, name in enumerate(names, 1)]


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Six places with an optical and a radar chip each, and a radar chip without partner."""
    folder = tmp_path_factory.mktemp("pairs")
    rows = []
    for at in range(PLACES + 1):
        write_tiff(folder / f"s1-{at}.tif", np.full((1, 32, 32), 10 + 30 * at, dtype=np.uint8))
        if at < PLACES:
            write_tiff(folder / f"s2-{at}.tif", noise(3, 32, 32, seed=at))
        for sensor, bands in (("s2-tci", ("red", "green", "blue")), ("s1-vh-8bit", ("VH",))):
            file = f"{sensor[:2]}-{at}.tif"
            if (folder / file).exists():
                place = {"window": [0, 0, 32, 32], "sensor": sensor, "layers": layers(file, bands)}
                rows.append({"image": file, "group": f"place {at}", "split": "test"} | place)
    pq.write_table(pa.Table.from_pylist(rows), folder / "pairs.parquet")
    return folder / "pairs.parquet"


class Numbered:
    """Knows the place of each image by a table from its mean value; `wrong` places are confused with the next one."""

    model_id = "numbered@0"

    def __init__(self, wrong=()):
        self.wrong = set(wrong)

    def encode_pixels(self, chips, *, batch_size=32, tokens=True):
        means = [noise(3, 32, 32, seed=at).mean() for at in range(PLACES)]
        rows = torch.zeros(len(chips), PLACES + 1)
        for row, chip in zip(rows, chips, strict=True):
            radar = chip.data.shape[0] == 1
            at = round((chip.data.mean() - 10) / 30) if radar else int(np.argmin(np.abs(means - chip.data.mean())))
            row[(at + 1) % PLACES if radar and at in self.wrong else at] = 1.0
        return Features(rows, rows[:, None], torch.ones(len(rows), 1, dtype=torch.bool))


def test_finds_the_other_sensors_image(table):
    report = evaluate_cross_sensor(Numbered(), read_dataset(table), ks=(1, 2))
    assert report.groups == tuple(f"place {at}" for at in range(PLACES))
    assert report.metrics["mR"] == report.metrics["s1_s2_r1"] == report.metrics["s2_s1_r1"] == 100.0
    assert report.metrics["chance_r2"] == pytest.approx(100.0 * 2 / PLACES)
    assert report.intervals["s1_s2_r1"] == (100.0, 100.0)
    assert report.failures == ("group 'place 6' has no image of both sensors",)
    json.dumps(report.to_dict())


def test_counts_what_is_wrong(table):
    report = evaluate_cross_sensor(Numbered(wrong=[2]), read_dataset(table))
    # Radar of place 2 looks like place 3. Asked with it, place 3 comes first; then the tied rest, 5 of 6 places.
    assert report.metrics["s1_s2_r1"] == pytest.approx(100.0 * 5 / 6)
    # Asked with optical 2, all six score zero: by expectation one in six. Asked with optical 3, two share the lead.
    assert report.metrics["s2_s1_r1"] == pytest.approx(100.0 * (4 + 1 / 6 + 1 / 2) / 6)
    low, high = report.intervals["s1_s2_r1"]
    assert low < report.metrics["s1_s2_r1"] < high


def test_recalls_of_random_scores_are_chance():
    scores = torch.rand(400, 400, generator=torch.Generator().manual_seed(0))
    metrics, intervals = recalls(scores, ("a", "b"), ks=(40,), rounds=500)
    low, high = intervals["a_b_r40"]
    assert low <= metrics["chance_r40"] <= high
    equal, _ = recalls(torch.zeros(50, 50), ("a", "b"), ks=(5,), rounds=10)
    assert equal["a_b_r5"] == pytest.approx(10.0)


def test_bad_input(table):
    data = read_dataset(table)
    with pytest.raises(DataError, match="no split 'val'"):
        evaluate_cross_sensor(Numbered(), data, "val")
    with pytest.raises(EvaluationError, match="images of both rgb and s2"):
        evaluate_cross_sensor(Numbered(), data, sensors=("rgb", "s2"))
    twice = replace(data, pairs=tuple(replace(pair, group="one") for pair in data.pairs))
    with pytest.raises(EvaluationError, match="group 'one' has two images of s1"):
        evaluate_cross_sensor(Numbered(), twice)
    with pytest.raises(EvaluationError, match=r"got \(2, 3\)"):
        recalls(torch.zeros(2, 3), ("a", "b"))


def test_command(table, tmp_path):
    tiny_model().save_pretrained(tmp_path / "model")
    done = CliRunner().invoke(app, ["evaluate", "cross-sensor", str(tmp_path / "model"), str(table), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["groups"] == PLACES
    assert set(found["intervals"]) == {f"{way}_r{k}" for way in ("s1_s2", "s2_s1") for k in (1, 5, 10)} | {"mR"}
