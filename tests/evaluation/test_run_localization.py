from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from generate.rasters import write_json
from localize.scenes import ColourEncoder, patched
from swath.errors import EvaluationError
from swath.evaluation.localization import LocalizationScore
from swath.evaluation.run_localization import evaluate_localization, summarise

RED = [[160, 64], [224, 64], [224, 128], [160, 128]]
SCALES = (32, 64)


def entry(caption: str = "red", image: str = "a.tif", points: Any = None) -> dict[str, Any]:
    return {"caption": caption, "jpg_name": image, "points": points or [RED]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    patched(tmp_path / "imgs" / "a.tif")
    patched(tmp_path / "imgs" / "b.tif", patch=(0, 0, 64, 64))
    return tmp_path


def test_right_regions_score_higher_than_wrong_ones(folder: Path) -> None:
    entries = [entry(), entry(image="b.tif", points=[[[0, 0], [64, 0], [64, 64], [0, 64]]]), entry("green")]
    anno = write_json(folder / "annotations" / "anno.json", entries)
    encoder = ColourEncoder()
    report = evaluate_localization(encoder, anno, scales=SCALES, rounds=200)
    scores = [score for _, score in report.queries]
    assert [score.pointing for score in scores[:2]] == [1.0, 1.0]
    assert min(scores[0].rmi, scores[1].rmi) > 0.8 > scores[2].rmi
    assert report.metrics["rmi"] == pytest.approx(np.mean([score.rmi for score in scores]))
    low, high = report.intervals["rmi"]
    assert low <= report.metrics["rmi"] <= high
    # Both queries of a.tif share one look at it.
    once = ColourEncoder()
    evaluate_localization(once, write_json(folder / "annotations" / "one.json", entries[:2]), scales=SCALES)
    assert sum(once.batches) == sum(encoder.batches)


def test_legacy_runs_at_full_size(folder: Path) -> None:
    anno = write_json(folder / "annotations" / "anno.json", [entry()])
    report = evaluate_localization(ColourEncoder(), anno, scales=SCALES, legacy=True)
    assert report.settings["pixel"] == 1
    # A median of 251 over a scene of 192 x 256 leaves no trace of the patch.
    assert report.metrics["rsu"] < 0.5
    with pytest.raises(EvaluationError, match="full size"):
        evaluate_localization(ColourEncoder(), anno, scales=SCALES, legacy=True, pixel=2)


def test_what_cannot_be_scored_is_listed_and_stops_nothing(folder: Path) -> None:
    (folder / "imgs" / "broken.tif").write_bytes(b"II*\0 this is no TIFF")
    entries = [
        entry(points=[[[900, 900], [950, 900], [950, 950]]]),
        entry(points=[[[5, 5], [9, 9], [5, 5]]]),
        {"caption": "red"},
        entry(image="missing.tif"),
        entry(image="broken.tif"),
        entry(),
    ]
    anno = write_json(folder / "annotations" / "anno.json", entries)
    report = evaluate_localization(ColourEncoder(), anno, folder / "imgs", scales=SCALES)
    assert [query.place for query, _ in report.queries] == [5]
    assert [bad.place for bad in report.failures] == [0, 1, 2, 3, 4]
    for bad, says in zip(report.failures, ["outside", "no area", "lacks", "missing.tif", "broken.tif"], strict=True):
        assert says in bad.reason
    assert report.to_dict()["failures"][0]["place"] == 0
    with pytest.raises(EvaluationError, match="no query could be scored; entry 0"):
        evaluate_localization(ColourEncoder(), write_json(anno, entries[:1]), folder / "imgs", scales=SCALES)


def test_intervals_draw_images_and_not_queries() -> None:
    scores = [LocalizationScore(value, 0.0, 0.0, value, 0.0, 1) for value in (0.0, 0.0, 0.0, 1.0, 1.0, 1.0)]
    metrics, grouped = summarise(scores, ["a", "a", "a", "b", "b", "b"], rounds=500)
    _, single = summarise(scores, list("abcdef"), rounds=500)
    assert metrics["rmi"] == 0.5
    assert grouped["rmi"] == (0.0, 1.0)
    assert single["rmi"][0] > 0.0
    assert summarise(scores, list("abcdef"), rounds=0)[1] == {}
