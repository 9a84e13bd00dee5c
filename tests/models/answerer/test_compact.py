"""The compact answerer: views, answers, files beside a model."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from generate.models import tiny_model
from swath.chips import Pixels
from swath.errors import CheckpointError, InputError
from swath.models import DualEncoder
from swath.models.answerer import AnswererConfig, CompactAnswerer, is_dual_encoder, load_answerer, parse
from swath.models.answerer.compact import order_of_magnitude
from swath.models.answerer.config import CONFIG
from swath.models.answerer.views import Views, view
from swath.models.hub import packaged_names, resolve
from swath.sensors import sensor

torch.set_num_threads(1)


def picture(side: int, name: str = "rgb", seed: int = 0) -> Pixels:
    """Random pixels of a sensor."""
    kind = sensor(name)
    data = np.random.default_rng(seed).normal(-12 if kind.is_radar else 100, 5, (len(kind.bands), side, side))
    data = data.astype(np.float32) if kind.is_radar else data.astype(np.uint8)
    return Pixels(data, np.ones((side, side), dtype=bool), kind)


@pytest.fixture(scope="module")
def encoder() -> DualEncoder:
    return tiny_model()


@pytest.fixture(scope="module")
def answerer(encoder: DualEncoder) -> CompactAnswerer:
    torch.manual_seed(1)
    answers = {"words": ("rural", "urban"), "counts": (0, 1, 2, 5), "areas": (0, 10, 300)}
    config = AnswererConfig(base=encoder.model_id, dim=encoder.dim, members=2, **answers)
    return CompactAnswerer(encoder, config)


def test_windows_are_added_while_they_keep_the_towers_resolution(encoder: DualEncoder) -> None:
    counts = [view(encoder, [picture(side)]).windows.shape[1] for side in (20, 32, 64, 127, 128, 600)]
    assert counts == [1, 1, 5, 5, 21, 21]


def test_the_first_window_is_the_whole_image(encoder: DualEncoder) -> None:
    image = picture(64)
    found = view(encoder, [image])
    whole = encoder.encode_pixels([image])
    assert torch.allclose(found.windows[0, 0].float(), whole.pooled[0], atol=1e-3)
    corner = Pixels(image.data[:, 32:, 32:], image.valid[32:, 32:], image.sensor)
    assert torch.allclose(found.windows[0, 4].float(), encoder.encode_pixels([corner]).pooled[0], atol=1e-3)


def test_an_image_is_answered_alike_alone_and_beside_larger_ones(answerer: CompactAnswerer) -> None:
    small, large = picture(32, seed=1), picture(128, seed=2)
    asked = [parse("How many roads are there?")]
    alone = answerer.answer_views(view(answerer.encoder, [small]), [0], asked)
    together = answerer.answer_views(view(answerer.encoder, [large, small]), [1], asked)
    assert alone[0].text == together[0].text
    assert alone[0].confidence == pytest.approx(together[0].confidence, abs=1e-4)


def test_each_kind_of_question_has_its_kind_of_answer(answerer: CompactAnswerer) -> None:
    questions = ["How many ships?", "What is the area of roads?", "Is a road present?", "More or less?"]
    image = picture(48, "s1-vv")
    found = answerer.answer([image] * 4, questions)
    assert [one.type for one in found] == ["count", "area", "whether", "open"]
    assert found[0].text in {"0", "1", "2", "5"}
    assert found[1].text in {"0m2", "10m2", "300m2"}
    assert found[2].text in {"yes", "no"}
    assert found[3].text in {"rural", "urban"}
    assert all(0 < one.confidence <= 1 for one in found)


def test_more_and_fewer_of_the_same_pair_do_not_both_hold(answerer: CompactAnswerer) -> None:
    """The rates compared are the same, so at equal offsets one answer is the other's opposite."""
    questions = ["Are there more roads than trees?", "Are there less roads than trees?"]
    found = answerer.answer([picture(40)] * 2, questions)
    assert {one.text for one in found} == {"yes", "no"}


def test_saved_and_loaded_it_answers_the_same_and_the_models_id_stays(
    answerer: CompactAnswerer, encoder: DualEncoder, tmp_path: Path
) -> None:
    encoder.save_pretrained(tmp_path / "m")
    assert is_dual_encoder(tmp_path / "m")
    answerer.save(tmp_path / "m")
    loaded = load_answerer(tmp_path / "m", dtype="float32")
    assert loaded.model_id == answerer.model_id
    assert loaded.encoder.model_id == encoder.model_id
    image, question = picture(64), "How many roads are there?"
    assert loaded.answer([image], [question]) == answerer.answer([image], [question])


def test_an_answerer_of_another_model_is_refused(answerer: CompactAnswerer, tmp_path: Path) -> None:
    tiny_model(seed=5).save_pretrained(tmp_path / "m")
    answerer.save(tmp_path / "m")
    with pytest.raises(CheckpointError, match="reads features of"):
        load_answerer(tmp_path / "m")


def test_a_model_without_answerer_says_how_to_train_one(encoder: DualEncoder, tmp_path: Path) -> None:
    encoder.save_pretrained(tmp_path / "m")
    with pytest.raises(CheckpointError, match="swath train answerer"):
        load_answerer(tmp_path / "m")


def test_files_that_do_not_fit_are_refused(answerer: CompactAnswerer, encoder: DualEncoder, tmp_path: Path) -> None:
    encoder.save_pretrained(tmp_path / "m")
    answerer.save(tmp_path / "m")
    file = tmp_path / "m" / "answerer.json"
    changed = json.loads(file.read_text()) | {"counts": [0, 1]}
    file.write_text(json.dumps(changed))
    with pytest.raises(CheckpointError, match=r"does not fit answerer\.json"):
        load_answerer(tmp_path / "m")
    file.write_text(json.dumps(changed | {"hiden": 3}))
    with pytest.raises(CheckpointError, match="hiden"):
        load_answerer(tmp_path / "m")


def test_bad_requests_name_their_place(answerer: CompactAnswerer) -> None:
    good = picture(32)
    nan = Pixels(np.full((1, 8, 8), np.nan, np.float32), np.zeros((8, 8), dtype=bool), sensor("s1-vv"))
    with pytest.raises(InputError, match="question 1 is empty"):
        answerer.answer([good, good], ["how many?", " "])
    with pytest.raises(InputError, match="image 1 has no valid pixel"):
        answerer.answer([good, nan], ["how many?", "how many?"])
    with pytest.raises(InputError, match="1 questions about 2 images"):
        answerer.answer([good, good], ["how many?"])
    with pytest.raises(InputError, match="no question"):
        answerer.answer([], [])


def test_open_questions_are_refused_where_none_were_learned(encoder: DualEncoder) -> None:
    silent = CompactAnswerer(encoder, AnswererConfig(base=encoder.model_id, dim=encoder.dim, members=1))
    with pytest.raises(InputError, match="no open questions"):
        silent.answer([picture(32)], ["what is shown?"])


def test_views_of_no_other_length_are_mixed_up() -> None:
    one = Views(torch.ones(1, 1, 4), torch.ones(1, 1, dtype=torch.bool), torch.ones(1, 2, 4), torch.ones(1, 2).bool())
    two = Views(torch.ones(1, 3, 4), torch.ones(1, 3, dtype=torch.bool), torch.ones(1, 6, 4), torch.ones(1, 6).bool())
    both = Views.cat([one, two])
    assert both.windows_mask.sum(dim=1).tolist() == [1, 3]
    assert both.select(torch.tensor([1])).regions_mask.all()


def test_ranges_are_rsvqas() -> None:
    assert [order_of_magnitude(number) for number in (0, 1, 10, 11, 100, 101, 1000, 1001)] == [0, 1, 1, 2, 2, 3, 3, 4]


def test_answerers_that_ship_belong_to_their_models() -> None:
    """A packaged model that was replaced needs its answerer trained anew."""
    shipped = [name for name in packaged_names() if (resolve(name) / CONFIG).is_file()]
    for name in shipped:
        assert load_answerer(name).config.counts
