from __future__ import annotations

from pathlib import Path

import numpy as np

from archive.fakes import DIM, FakeEncoder, filled, make_chip, unit, units
from swath.archive import Archive
from swath.archive.background import captions, confidence


def test_captions_are_many_distinct_and_plain() -> None:
    found = captions()
    assert len(found) >= 300
    assert len(set(found)) == len(found)
    assert all(caption == caption.strip() and caption.isascii() and 2 < len(caption.split()) < 16 for caption in found)


def test_confidence_is_the_share_of_worse_captions() -> None:
    bank = np.eye(4, dtype=np.float32)
    vectors = np.array([[0.8, 0.6, 0, 0], [0, 0, 0, 1]], dtype=np.float32)
    text = np.array([0.7, 0.1, 0.1, 0], dtype=np.float32)
    # 0.62 beats the cosines 0.6, 0, 0 but not 0.8; 0 beats nothing.
    assert confidence(bank, text, vectors).tolist() == [0.75, 0.0]


def test_the_bank_is_encoded_once_an_archive(tmp_path: Path) -> None:
    encoder = FakeEncoder()
    archive = filled(tmp_path / "archive", [make_chip(1)], encoder=encoder)
    archive.search("port")
    assert encoder.encoded_texts == len(captions()) + 1
    archive.search("port")
    assert encoder.encoded_texts == len(captions()) + 2
    another = FakeEncoder()
    Archive.open(tmp_path / "archive", another).search("port")
    assert another.encoded_texts == 1


def test_a_good_match_is_confident_and_a_bad_one_is_not(tmp_path: Path) -> None:
    vector = unit("a chip")
    encoder = FakeEncoder(texts={"this chip": vector, "anything else": -vector})
    archive = filled(tmp_path / "archive", [make_chip(1)], vector[None], encoder)
    good, bad = archive.search("this chip"), archive.search("anything else")
    assert good[0].confidence == 1.0
    assert good.matches_well
    assert bad[0].confidence == 0.0
    assert not bad.matches_well


def test_confidence_belongs_to_the_text_also_beside_other_parts(tmp_path: Path) -> None:
    chips, vectors = [make_chip(n) for n in range(5)], units(5)
    archive = filled(tmp_path / "archive", chips, vectors, FakeEncoder(DIM))
    alone = {hit.id: hit.confidence for hit in archive.search("port")}
    mixed = {hit.id: hit.confidence for hit in archive.search("port", like=chips[0].id, negatives=["ship"])}
    assert mixed == alone
