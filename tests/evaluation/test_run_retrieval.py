from __future__ import annotations

import json
from dataclasses import replace
from importlib.metadata import version

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

import swath
from generate.captions import karpathy
from generate.models import tiny_model
from swath.data import read_dataset
from swath.errors import EvaluationError
from swath.evaluation import Relation, encoding, evaluate
from swath.evaluation.compare import compare
from swath.evaluation.report import RetrievalReport
from swath.evaluation.run_retrieval import evaluate_retrieval
from swath.evaluation.scoring import Scoring, calibrate
from swath.evaluation.sheets import RIGHT, SHARED, WRONG, write_sheets
from swath.features import Features
from swath.raster import read_chip
from swath.similarity import PUBLISHED, Fusion, content_mask


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return read_dataset(karpathy(tmp_path_factory.mktemp("pairs"), per_class=5))


@pytest.fixture(scope="module")
def model():
    return tiny_model()


class PictureModel:
    """A model that knows: images by their mean colour, texts by a table; it makes any outcome possible."""

    model_id = "known@0"

    def __init__(self, answers):
        self.answers = answers

    def encode_pixels(self, chips, *, batch_size=32, tokens=True):
        pooled = F.normalize(torch.stack([torch.from_numpy(c.data.mean((1, 2))).float() for c in chips]), dim=1)
        return Features(pooled, pooled[:, None], torch.ones(len(pooled), 1, dtype=torch.bool))

    def encode_texts(self, texts, *, pad_to_context=False, tokens=True):
        pooled = torch.stack([self.answers[text] for text in texts])
        return Features(pooled, pooled[:, None], torch.ones(len(pooled), 1, dtype=torch.bool))


def by_hand(model, dataset, similarity, fusion=None, split="test"):
    """The same evaluation with nothing shared: one text and image at a time, padded, by einsum."""
    fusion = fusion or PUBLISHED
    pairs = dataset.split(split).pairs
    images = model.encode_pixels([read_chip(pair.chip) for pair in pairs])
    rows = []
    for pair in pairs:
        for caption in pair.captions:
            text = model.encode_texts([caption], pad_to_context=similarity == "published")
            words = text.tokens[0] if fusion.ends else text.tokens[0][content_mask(text.mask)[0]]
            pooled = (images.pooled @ text.pooled.T)[:, 0]
            local = torch.einsum("ind,md->inm", images.tokens, words).norm(dim=(1, 2))
            local /= (images.tokens.shape[1] * len(words)) ** 0.5 if fusion.normalise else 1.0
            fused = fusion.alpha * (pooled - fusion.global_mean) / fusion.global_std
            fused = fused + fusion.beta * (local - fusion.local_mean) / fusion.local_std
            rows.append({"global": pooled, "local": local}.get(similarity, fused))
    relation = Relation.from_captions([pair.captions for pair in pairs])
    # Equal captions must tie, which separately encoded ones do only to rounding.
    first = np.unique(relation.text, return_index=True)[1]
    return torch.stack(rows)[first[relation.text]], relation


GIVEN = Fusion(0.3, 0.7, 0.05, 0.1, 0.2, 0.02, normalise=True, ends=False)


@pytest.mark.parametrize(
    "scoring",
    [Scoring(), Scoring("local"), Scoring("published"), Scoring("fused", PUBLISHED), Scoring("fused", GIVEN)],
    ids=["global", "local", "published", "unscaled", "given"],
)
def test_equals_an_evaluation_by_hand(model, dataset, scoring, monkeypatch):
    monkeypatch.setattr(encoding, "_TEXTS", 5)
    report = evaluate_retrieval(model, dataset, scoring, batch_size=3, rounds=50)
    expected = evaluate(*by_hand(model, dataset, scoring.similarity, scoring.fusion))
    assert report.metrics == pytest.approx(expected.metrics)
    assert set(report.intervals) <= set(report.metrics)
    assert (report.dataset, report.split, report.model) == ("tiny", "test", model.model_id)
    assert (report.settings["similarity"], report.settings["rerank"]) == (scoring.similarity, "none")


def test_fast_precision_is_recorded_and_near(model, dataset):
    exact = evaluate_retrieval(model, dataset, Scoring("local", precision="exact"), rounds=0)
    fast = evaluate_retrieval(model, dataset, Scoring("local", precision="fast"), rounds=0)
    assert (exact.settings["local_route"], fast.settings["local_route"]) == ("auto", "fast")
    assert fast.intervals == {}


def test_weights_are_those_that_do_best_on_validation(model, dataset):
    report = evaluate_retrieval(model, dataset, Scoring("fused"), rounds=0)
    fusion = Fusion.from_dict(report.settings["fusion"])
    assert fusion == calibrate(model, dataset)
    assert fusion.normalise
    assert not fusion.ends
    assert report.settings["weights_from"] == "val"
    again = evaluate_retrieval(model, dataset, Scoring("fused", fusion), rounds=0)
    assert again.metrics == report.metrics
    assert again.settings["weights_from"] == "given"

    def on_validation(beta):
        tried = replace(fusion, alpha=1 - beta, beta=beta)
        return evaluate(*by_hand(model, dataset, "fused", tried, "val")).metrics["mR"]

    best = max(on_validation(step / 10) for step in range(11))
    assert on_validation(fusion.beta) == pytest.approx(best)


@pytest.mark.parametrize(
    ("method", "transductive"), [("none", False), ("reverse", True), ("multivariate", True), ("bank", False)]
)
def test_reranking_says_whether_it_is_transductive(model, dataset, method, transductive):
    report = evaluate_retrieval(model, dataset, Scoring(rerank=method, rerank_k=3), rounds=0)
    assert report.transductive is transductive
    assert report.to_dict()["transductive"] is transductive
    assert report.settings["rerank"] == method
    assert ("**Transductive**" in report.to_markdown()) is transductive


@pytest.mark.parametrize("similarity", ["global", "fused"])
def test_reverse_equals_the_loops(model, dataset, similarity):
    scoring = Scoring(similarity, GIVEN if similarity == "fused" else None, rerank="reverse", rerank_k=3)
    report = evaluate_retrieval(model, dataset, scoring, rounds=0)
    scores, relation = by_hand(model, dataset, similarity, scoring.fusion)

    def rearranged(way):
        out = way.clone()
        for query, row in enumerate(way):
            first = sorted(range(len(row)), key=lambda c: -float(row[c]))[:3]
            rank = {c: int((way[:, c] > way[query, c] + 1e-6).sum()) for c in first}
            for place, candidate in enumerate(sorted(first, key=lambda c: rank[c])):
                out[query, candidate] = 100 - place
        return out

    expected = evaluate(rearranged(scores), relation, i2t_scores=rearranged(scores.T))
    # Captions that repeat tie in one direction and are counted as such; nothing ties in the other.
    for k in (1, 5, 10):
        assert report.metrics[f"t2i_r{k}"] == pytest.approx(expected.metrics[f"t2i_r{k}"])


def test_bank_leaves_image_queries_alone(model, dataset):
    plain = evaluate_retrieval(model, dataset, rounds=0)
    banked = evaluate_retrieval(model, dataset, Scoring(rerank="bank"), rounds=0)
    assert banked.result.placements["i2t"].to_dict() == plain.result.placements["i2t"].to_dict()


def cut_short(file):
    """A header that reads well, pixels that do not."""
    file.write_bytes(file.read_bytes()[:200])


def test_broken_images_are_left_out_and_told(tmp_path, model):
    folder = karpathy(tmp_path, per_class=5)
    (folder / "images" / "beach_4.png").write_bytes(b"not a picture")
    cut_short(folder / "images" / "forest_4.png")
    report = evaluate_retrieval(model, read_dataset(folder), rounds=0)
    assert report.result.relation.images == 2
    for name in ("beach_4.png", "forest_4.png"):
        assert any(name in failure for failure in report.failures)
        assert name in report.to_markdown()


def test_nothing_readable_is_an_error(tmp_path, model):
    folder = karpathy(tmp_path, per_class=3)
    for file in (folder / "images").glob("*_2.png"):
        cut_short(file)
    with pytest.raises(EvaluationError, match="nothing to evaluate"):
        evaluate_retrieval(model, read_dataset(folder))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"similarity": "magic"}, "'magic'"),
        ({"rerank": "magic"}, "'magic'"),
        ({"similarity": "fused", "validation": "test"}, "must not be chosen"),
        ({"rerank": "bank", "bank": "test"}, "must not come from"),
        ({"fusion": Fusion()}, "'fused'"),
        ({"rerank": "bank", "rerank_k": 0}, "at least 1"),
        ({"precision": "magic"}, "'magic'"),
    ],
)
def test_unusable_options_are_named_before_any_work(dataset, options, message):
    with pytest.raises(EvaluationError, match=message):
        evaluate_retrieval(PictureModel({}), dataset, Scoring(**options))


@pytest.mark.parametrize("options", [{"similarity": "fused"}, {"rerank": "bank"}])
def test_nothing_is_learned_from_a_whole_that_is_reported_on(dataset, options):
    with pytest.raises(EvaluationError, match="'all'"):
        evaluate_retrieval(PictureModel({}), dataset, Scoring(**options), split=None)


def test_report_survives_its_folder(model, dataset, tmp_path):
    report = evaluate_retrieval(model, dataset, rounds=50)
    again = RetrievalReport.load(report.save(tmp_path / "run"))
    assert again.to_dict(queries=True) == json.loads(json.dumps(report.to_dict(queries=True)))
    assert {"dataset", "split", "metrics", "intervals"} <= set(report.to_dict())
    assert "queries" not in report.to_dict()
    for name in ("mR", "i2t_r1", "t2i_r10", "caption_aware_mR", "t2i_r1_ceiling", "i2t_median_rank"):
        assert name in report.metrics


def test_latex_row_is_laid_out_as_the_papers_table(model, dataset):
    report = evaluate_retrieval(model, dataset, rounds=0)
    m = report.metrics
    cells = [m["i2t_r1"], m["i2t_r5"], m["i2t_r10"], m["t2i_r1"], m["t2i_r5"], m["t2i_r10"], m["mR"]]
    expected = " & ".join(["tiny", r"a\_b", *(f"{cell:.2f}" for cell in cells)]) + r" \\"
    assert report.to_latex("a_b") == expected


def test_a_saved_report_says_the_protocol_and_what_made_it(model, dataset, tmp_path):
    folder = evaluate_retrieval(model, dataset, rounds=0).save(tmp_path / "run")
    protocol, heads, row = (folder / "table.tex").read_text().splitlines()
    assert heads.removeprefix("% ").count("&") == row.count("&")
    assert protocol.startswith("% tiny, split test: ")
    for said in ("in one fold, all against all", "short captions, global similarity; recall", "mR the mean of the six"):
        assert said in protocol
        assert said in (folder / "report.md").read_text()
    made = json.loads((folder / "report.json").read_text())["made_with"]
    assert (made["swath"], made["packages"]["torch"]) == (swath.__version__, version("torch"))
    again = evaluate_retrieval(model, dataset, Scoring(rerank="reverse"), rounds=0)
    assert "global similarity, re-ranked (reverse);" in again.protocol


def test_damaged_reports_are_named(tmp_path, model, dataset):
    with pytest.raises(EvaluationError, match="absent"):
        RetrievalReport.load(tmp_path / "absent.json")
    (tmp_path / "list.json").write_text("[]")
    with pytest.raises(EvaluationError, match=r"list\.json"):
        RetrievalReport.load(tmp_path / "list.json")
    report = evaluate_retrieval(model, dataset, rounds=0)
    (tmp_path / "short.json").write_text(json.dumps(report.to_dict()))
    with pytest.raises(EvaluationError, match=r"short\.json.*queries"):
        RetrievalReport.load(tmp_path / "short.json")


def test_compare_reads_saved_runs(model, dataset, tmp_path):
    a = evaluate_retrieval(model, dataset, rounds=0)
    b = evaluate_retrieval(tiny_model(seed=1), dataset, Scoring(rerank="reverse"), rounds=0)
    found = compare(a.save(tmp_path / "a"), b.save(tmp_path / "b") / "report.json", rounds=200)
    row = next(row for row in found.differences if row.metric == "mR")
    assert row.difference == pytest.approx(b.metrics["mR"] - a.metrics["mR"])
    assert found.warnings
    assert "| mR |" in found.to_markdown()
    assert json.loads(json.dumps(found.to_dict()))["differences"][0]["metric"] == found.differences[0].metric


def test_runs_of_other_images_are_not_compared(model, dataset):
    a = evaluate_retrieval(model, dataset, rounds=0)
    b = evaluate_retrieval(model, dataset, split="val", rounds=0)
    with pytest.raises(EvaluationError, match="same images"):
        compare(a, b)


def test_sheets_frame_right_shared_and_wrong_answers(tmp_path):
    folder = karpathy(tmp_path, per_class=3)
    entries = json.loads((folder / "dataset_tiny.json").read_text())
    test = [image for image in entries["images"] if image["split"] == "test"]
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (150, 150, 0)]
    for number, (image, colour) in enumerate(zip(test, colours, strict=True)):
        Image.new("RGB", (40, 40), colour).save(folder / "images" / image["filename"])
        image["sentences"] = [{"raw": "shared" if number < 2 else f"own {number}"}]
    (folder / "dataset_tiny.json").write_text(json.dumps(entries))
    axes = torch.eye(3)
    model = PictureModel({"shared": axes[0], "own 2": axes[2], "own 3": axes[1]})
    dataset = read_dataset(folder)
    report = evaluate_retrieval(model, dataset, rounds=0)
    t2i, i2t = write_sheets(report, dataset, tmp_path / "sheets", queries=4)
    for file in (t2i, i2t):
        colours = {colour for _, colour in Image.open(file).getcolors(1 << 20)}
        assert {RIGHT, SHARED, WRONG} <= colours
    # Second query: "shared" of the green image; its first answer is the red image, which carries the text too.
    sheet = Image.open(t2i)
    left, height = 8 + 300 + 8, 128 + 8
    assert sheet.getpixel((left + 1, 8 + height + 60)) == SHARED
    assert sheet.getpixel((left + 64, 8 + height + 64)) == (200, 0, 0)
    assert sheet.getpixel((left + 1, 8 + 60)) == RIGHT
    assert sheet.getpixel((left + 128 + 8 + 1, 8 + 2 * height + 60)) == WRONG


def test_sheets_of_another_data_set_are_refused(tmp_path, model, dataset):
    report = evaluate_retrieval(model, dataset, rounds=0)
    other = read_dataset(karpathy(tmp_path, per_class=3))
    with pytest.raises(EvaluationError, match="not in tiny"):
        write_sheets(report, other, tmp_path)


def test_progress_counts_images(model, dataset):
    seen = []
    evaluate_retrieval(model, dataset, rounds=0, batch_size=3, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(3, 4), (4, 4)]


def test_texts_over_the_context_are_read_as_asked(tmp_path, model):
    from swath.evaluation.truncation import Reading

    folder = karpathy(tmp_path / "pairs", per_class=3)
    document = json.loads(next(folder.glob("*.json")).read_text())
    for entry in document["images"]:
        filler = "a picture from above with many things in it . " * 5
        entry["long_sentences"] = [{"raw": filler + entry["sentences"][0]["raw"]}]
    next(folder.glob("*.json")).write_text(json.dumps(document))
    long = read_dataset(folder)
    with pytest.warns(UserWarning, match="texts were cut to 32 tokens"):
        cut = evaluate_retrieval(model, long, captions="long", split=None, rounds=0)
    whole = evaluate_retrieval(Reading(model, "window"), long, captions="long", split=None, rounds=0)
    assert (cut.settings["truncation"], whole.settings["truncation"]) == ("warn", "window")
    assert cut.model == whole.model
    # Cut, all texts read alike, so every image is as good as any other.
    assert len({tuple(row) for row in cut.first_images.tolist()}) == 1
    assert len({tuple(row) for row in whole.first_images.tolist()}) > 1
    with pytest.raises(ValueError, match="the model takes 32"):
        evaluate_retrieval(Reading(model, "error"), long, captions="long", split=None, rounds=0)


def test_rows_of_a_table_may_be_pairs_of_their_own(model, dataset, tmp_path):
    """1:1: each caption asks for its own copy of its image, and copies tie; 1:n is the usual reading."""
    joined = evaluate_retrieval(model, dataset, rounds=0)
    alone = evaluate_retrieval(model, dataset, rounds=20, pairing="rows")
    pairs = dataset.split("test").pairs
    count = sum(len(pair.captions) for pair in pairs)
    assert (alone.result.relation.images, alone.result.relation.captions) == (count, count)
    assert alone.settings["pairing"] == "rows"
    images = model.encode_pixels([read_chip(pair.chip) for pair in pairs for _ in pair.captions]).pooled
    texts = model.encode_texts([text for pair in pairs for text in pair.captions]).pooled
    expected = evaluate(texts @ images.T, Relation(np.arange(count), alone.result.relation.text, count))
    assert alone.metrics["mR"] == pytest.approx(expected.metrics["mR"])
    # Three copies of an image share its place: a hit of the first one of them counts a third.
    assert alone.metrics["t2i_r1"] == pytest.approx(joined.metrics["t2i_r1"] / 3, abs=1e-4)
    assert len(write_sheets(alone, dataset, tmp_path)) == 2


def test_one_caption_an_image_is_the_same_either_way(model, dataset):
    single = replace(dataset, pairs=tuple(replace(pair, captions=pair.captions[:1]) for pair in dataset.pairs))
    found = [evaluate_retrieval(model, single, rounds=0, pairing=pairing).metrics for pairing in ("images", "rows")]
    assert found[0] == found[1]
