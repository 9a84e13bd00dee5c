from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from generate.models import TEXT, tiny_config, tiny_model
from swath.errors import CheckpointError
from swath.models import DualEncoder
from swath.models.sentences import sentences

PARAGRAPH = "A river bends. Many green trees stand on both sides of it. A bridge!"


def reader(share: float) -> DualEncoder:
    return tiny_model(tiny_config(text=TEXT | {"sentences": share}))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (PARAGRAPH, ["A river bends.", "Many green trees stand on both sides of it.", "A bridge!"]),
        ("some trees are near a river . there is a road .", ["some trees are near a river .", "there is a road ."]),
        ("one sentence only", ["one sentence only"]),
        ("2.5 metres wide. ... !", ["2.5 metres wide."]),
        (" . ", []),
        ("", []),
    ],
)
def test_sentences(text: str, parts: list[str]) -> None:
    assert sentences(text) == parts


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_a_paragraph_is_read_as_the_formula_says(share: float) -> None:
    whole, model = reader(0.0), reader(share)
    parts = sentences(PARAGRAPH)
    vectors = whole.encode_texts(parts).pooled
    mean = F.normalize((vectors * torch.tensor([[3.0], [9.0], [2.0]])).sum(dim=0), dim=0)
    alone = whole.encode_texts([PARAGRAPH])
    wanted = F.normalize((1 - share) * alone.pooled[0] + share * mean, dim=0)
    found = model.encode_texts([PARAGRAPH])
    torch.testing.assert_close(found.pooled[0], wanted, rtol=1e-5, atol=1e-6)
    assert torch.equal(found.tokens, alone.tokens)


def test_only_texts_of_several_sentences_change() -> None:
    texts = ["a river", PARAGRAPH, "", "one sentence.", "..."]
    before, after = (reader(share).encode_texts(texts).pooled for share in (0.0, 0.5))
    same = [0, 2, 3, 4]
    torch.testing.assert_close(after[same], before[same])
    assert (after[1] - before[1]).abs().max() > 1e-3


def test_a_text_that_is_read_in_windows_is_read_by_sentences_too() -> None:
    text = " ".join(
        f"The {word} field lies beside the long straight road." for word in ("first", "second", "third", "last")
    )
    model = reader(1.0)
    wanted = model.encode_texts([text], truncation="count").pooled
    torch.testing.assert_close(model.encode_texts([text], truncation="window").pooled, wanted)


def test_the_share_belongs_to_what_a_model_computes() -> None:
    assert reader(0.5).model_id != reader(0.0).model_id
    assert tiny_config(text=TEXT | {"sentences": 0.0}).identity() == tiny_config().identity()
    with pytest.raises(CheckpointError, match="sentences"):
        tiny_config(text=TEXT | {"sentences": 1.5})
