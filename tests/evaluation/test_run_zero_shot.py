from __future__ import annotations

import csv
import json

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from generate.models import tiny_model
from swath.data import read_dataset
from swath.errors import EvaluationError
from swath.evaluation.label_table import read_label_table
from swath.evaluation.run_zero_shot import evaluate_zero_shot
from swath.features import Features

COLOURS = {"Forest": (20, 160, 30), "SeaLake": (20, 40, 200), "desert": (220, 190, 40)}


class ColourModel:
    """Sees the mean colour; knows the colour of a class by the word in the prompt."""

    model_id = "colours@0"

    def encode_pixels(self, chips, *, batch_size=32, tokens=True):
        return self._features(torch.stack([torch.from_numpy(c.data.mean((1, 2))).float() for c in chips]))

    def encode_texts(self, texts, *, pad_to_context=False, tokens=True):
        words = {"forest": "Forest", "sea": "SeaLake", "desert": "desert"}
        found = [next(COLOURS[name] for word, name in words.items() if word in text) for text in texts]
        return self._features(torch.tensor(found, dtype=torch.float))

    def _features(self, vectors):
        pooled = F.normalize(vectors, dim=1)
        return Features(pooled, pooled[:, None], torch.ones(len(pooled), 1, dtype=torch.bool))


@pytest.fixture
def folders(tmp_path):
    rng = np.random.default_rng(0)
    for name, colour in COLOURS.items():
        (tmp_path / "set" / name).mkdir(parents=True)
        for number in range(4):
            noise = rng.integers(-15, 15, size=(24, 24, 3))
            picture = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
            Image.fromarray(picture).save(tmp_path / "set" / name / f"{name}_{number}.png")
    return tmp_path / "set"


def test_a_model_that_knows_is_always_right(folders, tmp_path):
    report = evaluate_zero_shot(ColourModel(), read_dataset(folders), rounds=50)
    assert report.metrics["top1"] == report.metrics["mean_per_class"] == 100.0
    assert report.intervals["top1"] == (100.0, 100.0)
    assert report.settings["temperature"] == "CLIP's, as the model tells none"
    assert [row["class"] for row in report.per_class()] == ["Forest", "SeaLake", "desert"]
    report.save(tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "report.json",
        "report.md",
        "confusion.csv",
        "confusion.png",
        "predictions.csv",
    }
    document = json.loads((tmp_path / "out" / "report.json").read_text())
    assert {"dataset", "split", "metrics", "intervals", "per_class", "confusion", "calibration"} <= set(document)
    assert document["confusion"] == (4 * np.eye(3, dtype=int)).tolist()
    with (tmp_path / "out" / "confusion.csv").open(newline="") as file:
        assert next(csv.reader(file)) == ["", "Forest", "SeaLake", "desert"]
    assert Image.open(tmp_path / "out" / "confusion.png").size[0] > 100
    assert "| top1 | 100 | 100.00 to 100.00 |" in (tmp_path / "out" / "report.md").read_text()


def test_a_wrong_answer_is_counted_where_it_went(folders):
    (folders / "desert" / "desert_0.png").rename(folders / "Forest" / "odd.png")
    report = evaluate_zero_shot(ColourModel(), read_dataset(folders), rounds=0)
    assert report.metrics["top1"] == pytest.approx(100 * 11 / 12)
    assert report.result.confusion().tolist() == [[4, 0, 1], [0, 4, 0], [0, 0, 3]]
    assert report.intervals == {}


def test_csv_parquet_and_karpathy_labels_agree_with_folders(folders, tmp_path):
    from swath.data.parquet import write_parquet

    whole = read_dataset(folders)
    (folders / "labels.csv").write_text(
        "filename,label\n" + "".join(f"{pair.name},{pair.labels[0]}\n" for pair in whole.pairs)
    )
    write_parquet(whole, folders / "pairs.parquet")
    images = [
        {"filename": pair.name, "split": "test", "class": pair.labels[0], "sentences": ["a picture"]}
        for pair in whole.pairs
    ]
    (folders / "dataset.json").write_text(json.dumps({"dataset": "x", "images": images}))
    wanted = evaluate_zero_shot(tiny_model(), whole, rounds=0).metrics
    for file in ("labels.csv", "pairs.parquet", "dataset.json"):
        data = read_dataset(folders / file, images=folders)
        assert evaluate_zero_shot(tiny_model(), data, rounds=0).metrics == pytest.approx(wanted), file


def test_an_image_that_cannot_be_read_is_left_out_and_named(folders):
    (folders / "Forest" / "Forest_1.png").write_bytes(b"no picture")
    report = evaluate_zero_shot(ColourModel(), read_dataset(folders), rounds=0)
    assert len(report.images) == 11
    assert any("Forest_1.png" in failure for failure in report.failures)


def test_several_labels_an_image(folders, tmp_path):
    data = read_dataset(folders)
    rows = "".join(
        f"{pair.name.split('/')[-1].removesuffix('.png')}\t{int(pair.labels[0] == 'Forest')}\t1\n"
        for pair in data.pairs
    )
    (tmp_path / "labels.csv").write_text("IMAGE\\LABEL\tForest\tdesert\n" + rows)
    table = read_label_table(tmp_path / "labels.csv")
    report = evaluate_zero_shot(ColourModel(), data, table=table, rounds=20)
    assert report.metrics["mAP"] == pytest.approx(100.0)
    assert report.metrics["chance_mAP"] == pytest.approx(100 * (1 / 3 + 1) / 2)
    assert report.calibration is None
    report.save(tmp_path / "out")
    assert not (tmp_path / "out" / "confusion.png").exists()
    assert "average_precision" in (tmp_path / "out" / "report.md").read_text()


def test_bad_label_tables_name_the_line(tmp_path, folders):
    file = tmp_path / "labels.csv"
    for content, said in (
        ("", "no table of labels"),
        ("image\nx\n", "no table of labels"),
        ("image,a\nx,1,0\n", "line 2 has 3 cells"),
        ("image,a\nx,maybe\n", "line 2: 'maybe' is neither"),
        ("image,a\nx,1\nx.png,0\n", "line 3: image 'x.png' is there twice"),
    ):
        file.write_text(content)
        with pytest.raises(EvaluationError, match=said):
            read_label_table(file)
    file.write_text("image,Forest\nother,1\n")
    with pytest.raises(EvaluationError, match="has no row in the table of labels"):
        evaluate_zero_shot(ColourModel(), read_dataset(folders), table=read_label_table(file))


def test_classes_may_be_given_and_must_cover_the_labels(folders):
    data = read_dataset(folders)
    more = evaluate_zero_shot(tiny_model(), data, classes=[*COLOURS, "airport"], rounds=0)
    assert more.result.classes == (*COLOURS, "airport")
    with pytest.raises(EvaluationError, match="'desert', which is not among the classes given"):
        evaluate_zero_shot(tiny_model(), data, classes=["Forest", "SeaLake"], rounds=0)


@pytest.mark.data
def test_ucm_labels_are_read(shared_data):
    table = read_label_table(shared_data / "ucm" / "multilabels_17.csv")
    assert (len(table.labels), len(table.rows)) == (17, 2100)
    truth = table.truth(["agricultural00.webp"])[0]
    assert [name for name, here in zip(table.labels, truth, strict=True) if here] == ["field", "trees"]
