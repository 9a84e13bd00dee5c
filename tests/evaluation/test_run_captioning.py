from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from generate.captions import karpathy
from generate.models import tiny_model
from swath.chips import Pixels
from swath.data import Dataset, read_dataset
from swath.errors import EvaluationError
from swath.evaluation.captioning import evaluate_captions
from swath.evaluation.run_captioning import judge_captions, write_captions
from swath.models.decoding import Decoding


class Writes:
    """A captioner that says the same of every image."""

    id = "writes@0"

    def caption(
        self, pixels: Sequence[Pixels], decoding: Decoding | None = None, *, batch_size: int = 32, first: int = 0
    ) -> list[str]:
        return [f"a forest of tall trees number {first + number} ." for number in range(len(pixels))]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    return read_dataset(karpathy(tmp_path_factory.mktemp("data") / "tiny"))


def test_a_report_is_that_of_the_captions_and_their_references(data: Dataset, tmp_path: Path) -> None:
    test = data.split("test")
    candidates, failures = write_captions(Writes(), test.pairs, batch_size=3)
    assert failures == []
    assert list(candidates) == [pair.name for pair in test]
    assert candidates[test[3].name] == "a forest of tall trees number 3 ."
    report = judge_captions(candidates, data, source="x", rounds=20, encoder=tiny_model())
    plain = evaluate_captions(candidates, {pair.name: pair.captions for pair in test}, rounds=20)
    assert {name: report.metrics[name] for name in plain.metrics} == plain.metrics
    assert set(report.metrics) - set(plain.metrics) == {"clip_score", "ref_clip_score"}
    assert "clip_score" in report.result.intervals
    folder = report.save(tmp_path / "report")
    document = json.loads((folder / "report.json").read_text())
    assert (document["dataset"], document["split"], document["images"]) == ("tiny", "test", 4)
    with (folder / "captions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["caption"] for row in rows] == [candidates[row["image"]] for row in rows]
    assert float(rows[0]["cider"]) == pytest.approx(report.result.per_image[rows[0]["image"]]["cider"], abs=1e-5)


def test_what_has_no_counterpart_is_left_out_and_told(data: Dataset) -> None:
    names = [pair.name for pair in data.split("test")]
    candidates = {names[0]: "trees", f"/other/place/{names[1]}": "a beach", "elsewhere.png": "x"}
    report = judge_captions(candidates, data, source="x", rounds=0)
    assert list(report.candidates) == names[:2]
    assert report.failures == (
        "elsewhere.png: no image of the split",
        *(f"{n}: no caption to judge" for n in names[2:]),
    )
    with pytest.raises(EvaluationError, match=r"no caption of x belongs to an image.*'elsewhere\.png'"):
        judge_captions({"elsewhere.png": "x"}, data, source="x")
    with pytest.raises(EvaluationError, match="unknown metric 'bertscore'"):
        judge_captions(candidates, data, source="x", optional=["bertscore"])


def test_an_image_that_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    data = read_dataset(karpathy(tmp_path / "tiny"))
    broken = data.split("test")[1]
    (tmp_path / "tiny/images" / broken.name).write_bytes(b"\x89PNG no picture")
    found, failures = write_captions(Writes(), data.split("test").pairs)
    assert broken.name not in found
    assert len(found) == 3
    assert failures[0].startswith(broken.name)
