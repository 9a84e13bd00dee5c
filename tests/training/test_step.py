from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from generate.models import tiny_model
from generate.processes import run_in_two
from swath.data.masking import Masker
from swath.errors import ModelError
from swath.training.long_texts import LongTexts
from swath.training.objective import ObjectiveRecipe
from swath.training.replay import replayed
from swath.training.rows import Rows
from swath.training.step import TrainingModel

TEXTS = ["two planes near a terminal", "a beach", "green trees and a lake", "boats in the harbor of a town"]


def batch(encoder: Any, *, masked: bool = False) -> dict[str, Any]:
    """Four images, a text each; the texts stand in another order than their images."""
    ids, mask = encoder.tokenize(TEXTS)
    owners = torch.tensor([2, 0, 3, 1])
    found = {
        "images": {"rgb": torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))},
        "ids": ids,
        "mask": mask,
        "image_captions": torch.arange(4)[:, None],
        "text_caption": owners,
        "classes": torch.zeros(4, 0),
        "owners": owners,
        "pairs": owners + 10,
    }
    if masked:
        hidden = Masker(encoder.text.tokenizer, keywords=["planes", "trees", "town"])(
            TEXTS, ids, mask, np.random.default_rng(0)
        )
        found |= {"masked_ids": hidden.ids, "targets": hidden.targets}
    return found


@torch.no_grad()
def scores(encoder: Any, inputs: dict[str, Any], *, context: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    """Global cosines and local similarities, images by their own texts, by plain einsum from the public encoder."""
    order = inputs["owners"].argsort()
    images = encoder.forward_images(inputs["images"]["rgb"])
    texts = encoder.encode_texts([TEXTS[place] for place in order], pad_to_context=context)
    cosines = torch.einsum("ipd,twd->itpw", images.tokens, texts.tokens)
    return images.pooled @ texts.pooled.T, cosines.square().sum(dim=(2, 3)).sqrt()


def summed(logits: torch.Tensor, keep: torch.Tensor) -> torch.Tensor:
    """The released code's loss: rows filtered in both directions, columns kept, both directions added up."""
    labels = torch.arange(len(logits))[keep]
    return F.cross_entropy(logits[keep], labels) + F.cross_entropy(logits.T[keep], labels)


def objective(**terms: Any) -> ObjectiveRecipe:
    return ObjectiveRecipe.model_validate(
        {"temperature": 0.05, "learn_temperature": False, "reduction": "sum", "shared_captions": False} | terms
    )


@pytest.mark.parametrize("positions", ["text", "context"])
def test_global_and_local_terms_add_up(positions: str) -> None:
    encoder = tiny_model()
    model = TrainingModel(encoder, objective(local={"weight": 0.5, "scale": 10.0, "positions": positions}), 0).eval()
    inputs = batch(encoder)
    losses, seen = model(**inputs)
    whole, local = scores(encoder, inputs, context=positions == "context")
    every = torch.ones(4, dtype=torch.bool)
    assert losses["contrastive"].item() == pytest.approx(summed(20 * whole, every).item(), rel=1e-4)
    assert losses["local"].item() == pytest.approx(summed(10 * local, every).item(), rel=1e-4)
    assert losses["loss"].item() == pytest.approx((losses["contrastive"] + 0.5 * losses["local"]).item(), rel=1e-5)
    assert seen.pairs.tolist() == [12, 10, 13, 11]
    torch.testing.assert_close(seen.similarity["global"], whole.diagonal()[inputs["owners"]].detach())
    torch.testing.assert_close(seen.similarity["local"], local.diagonal()[inputs["owners"]].detach())


@pytest.mark.parametrize("scheme", ["joint", "split"])
def test_eliminated_pairs_lose_their_rows_under_each_scheme(scheme: str) -> None:
    encoder = tiny_model()
    terms = {"local": {"scale": 10.0}, "elimination": {"scheme": scheme}}
    model = TrainingModel(encoder, objective(**terms), 0).eval()
    inputs = batch(encoder)
    whole, local = scores(encoder, inputs)
    thresholds = {"global": whole.diagonal().sort().values[0].item() + 1e-6}
    kept = {"global": whole.diagonal() > thresholds["global"]}
    if scheme == "split":
        thresholds["local"] = local.diagonal().sort().values[1].item() + 1e-6
        kept["local"] = local.diagonal() > thresholds["local"]
    losses, _ = model(**inputs, thresholds=thresholds)
    assert losses["contrastive"].item() == pytest.approx(summed(20 * whole, kept["global"]).item(), rel=1e-4)
    expected = summed(10 * local, kept["local" if scheme == "split" else "global"]).item()
    assert losses["local"].item() == pytest.approx(expected, rel=1e-4)
    assert losses["eliminated"].item() == pytest.approx(0.25)
    assert ("eliminated_local" in losses) == (scheme == "split")


@pytest.mark.parametrize(
    ("scheme", "thresholds"), [("joint", {"global": 2.0}), ("split", {"global": 2.0, "local": 1e9})]
)
def test_a_threshold_above_everything_leaves_one_pair(scheme: str, thresholds: dict[str, float]) -> None:
    encoder = tiny_model().requires_grad_(True)
    model = TrainingModel(encoder, objective(elimination={"scheme": scheme}, local={"scale": 10.0}), 0)
    losses, _ = model(**batch(encoder), thresholds=thresholds)
    shares = [value.item() for name, value in losses.items() if name.startswith("eliminated")]
    assert shares == pytest.approx([0.75] * len(thresholds))
    losses["loss"].backward()
    gradients = [value.grad for value in model.parameters() if value.grad is not None]
    assert losses["loss"].isfinite()
    assert all(gradient.isfinite().all() for gradient in gradients)
    assert any(gradient.abs().max() > 0 for gradient in gradients)


def test_an_image_stays_a_query_while_one_of_its_captions_is_kept() -> None:
    rows = Rows(torch.tensor([[True, True, False], [False, False, True]]))
    owner = torch.tensor([0, 0, 1])
    left = rows.without(torch.tensor([True, False, False]), owner)
    assert left.keep_images is not None
    assert left.keep_images.tolist() == [True, False]
    assert left.positives.tolist() == [[True, False, False], [False, False, False]]


def test_hidden_words_train_the_towers_through_the_reasoner() -> None:
    encoder = tiny_model()
    model = TrainingModel(encoder, objective(keywords={"weight": 0.5, "reasoner": {"layers": 1}}), 0).eval()
    inputs = batch(encoder, masked=True)
    losses, _ = model(**inputs)
    assert losses["loss"].item() == pytest.approx((losses["contrastive"] + 0.5 * losses["keywords"]).item(), rel=1e-5)
    assert model.reasoner is not None
    texts = encoder.forward_texts(inputs["masked_ids"], inputs["mask"])
    images = encoder.forward_images(inputs["images"]["rgb"]).select(inputs["owners"])
    logits = model.reasoner(texts, images)
    expected = F.cross_entropy(logits.flatten(0, 1), inputs["targets"].flatten(), ignore_index=-100)
    assert losses["keywords"].item() == pytest.approx(expected.item(), rel=1e-4)
    model.zero_grad()
    model._keyword_loss(images, inputs["masked_ids"], inputs["mask"], inputs["targets"]).backward()
    for part in (encoder.towers["rgb"].conv1.weight, encoder.text.token_embedding.weight):
        assert part.grad is not None
        assert part.grad.abs().max() > 0


def test_choosing_among_the_keywords_is_a_softmax_over_their_tokens() -> None:
    encoder = tiny_model()
    words = ("planes", "trees", "town")
    tokens = torch.tensor(sorted({token for word in words for token in encoder.text.tokenizer.word_ids(word)}))
    settings = objective(keywords={"vocabulary": "keywords", "reasoner": {"layers": 1}})
    model = TrainingModel(encoder, settings, 0, vocabulary=tokens).eval()
    inputs = batch(encoder, masked=True)
    losses, _ = model(**inputs)
    assert model.reasoner is not None
    texts = encoder.forward_texts(inputs["masked_ids"], inputs["mask"])
    logits = model.reasoner(texts, encoder.forward_images(inputs["images"]["rgb"]).select(inputs["owners"]))
    whole = torch.full((*logits.shape[:2], encoder.text.tokenizer.vocab_size), float("-inf"))
    whole[:, :, tokens] = logits
    expected = F.cross_entropy(whole.flatten(0, 1), inputs["targets"].flatten(), ignore_index=-100)
    assert losses["keywords"].item() == pytest.approx(expected.item(), rel=1e-4)


EVERY_TERM = {
    "local": {"scale": 10.0},
    "elimination": {"scheme": "split"},
    "keywords": {"reasoner": {"layers": 1}},
    "learn_temperature": True,
}


def long_texts(encoder: Any) -> LongTexts:
    """A long text for each of the four images, ordered by length."""
    texts = ["a beach", "planes stand near a terminal", "a lake among green trees", "a town with a harbor and boats"]
    ids, mask = encoder.tokenize(texts)
    owner = torch.tensor([3, 1, 0, 2])
    order = mask.sum(dim=1).argsort(stable=True)
    return LongTexts(ids[order], mask[order], owner[order], torch.arange(4))


def gradients(model: TrainingModel, inputs: dict[str, Any], seed: int) -> tuple[dict[str, torch.Tensor], list[Any]]:
    model.zero_grad()
    torch.manual_seed(seed)
    losses, _ = model(**inputs)
    losses["loss"].backward()
    return losses, [None if value.grad is None else value.grad.clone() for value in model.parameters()]


@pytest.mark.parametrize("chunk", [1, 3, 64])
@pytest.mark.parametrize("terms", [{}, EVERY_TERM, {"dual_text": {"components": 2, "label_smoothing": 0.1}}])
def test_cached_gradients_are_those_of_the_plain_batch(chunk: int, terms: dict[str, Any]) -> None:
    encoder = tiny_model()
    torch.manual_seed(0)
    plain = TrainingModel(encoder, objective(**terms), 0).train()
    inputs = batch(encoder, masked="keywords" in terms)
    inputs |= {"long": long_texts(encoder)} if "dual_text" in terms else {}
    inputs |= {"thresholds": {"global": -1.0, "local": 2.0}} if "elimination" in terms else {}
    cached = TrainingModel(encoder, objective(**terms), 0, cached=chunk).train()
    cached.load_state_dict(plain.state_dict())
    losses, expected = gradients(plain, inputs, 0)
    again, found = gradients(cached, inputs, 0)
    assert again.keys() == losses.keys()
    for name, value in losses.items():
        torch.testing.assert_close(again[name], value, rtol=1e-5, atol=1e-5)
    largest = max(value.abs().max().item() for value in expected if value is not None)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-5 * largest)


def test_cached_gradients_draw_dropout_again_and_leave_batch_norms_as_they_are() -> None:
    """Against the same chunks with their activations kept: other random numbers would give other gradients."""
    torch.manual_seed(0)
    tower = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 3))
    images = torch.randn(8, 6)
    kept, again = copy.deepcopy(tower), copy.deepcopy(tower)
    found = []
    for module, function in ((kept, kept), (again, replayed(again.__call__, again))):
        torch.manual_seed(1)
        output = torch.cat([function(part) for part in images.split(4)])
        torch.manual_seed(2)
        output.square().sum().backward()
        found.append([value.grad for value in module.parameters()])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)
    for one, other in zip(kept.buffers(), again.buffers(), strict=True):
        assert torch.equal(one, other)


def test_long_and_short_texts_are_weighed_as_the_run_goes_on() -> None:
    encoder = tiny_model()
    settings = objective(dual_text={"long": 2.0, "short": 0.5, "schedule": "linear"})
    model = TrainingModel(encoder, settings, 0).eval()
    inputs = batch(encoder) | {"long": long_texts(encoder)}
    losses, _ = model(**inputs, progress=0.25)
    expected = 0.5 * losses["contrastive"] + 0.5 * losses["long"]
    assert losses["loss"].item() == pytest.approx(expected.item(), rel=1e-5)
    plain, _ = TrainingModel(encoder, objective(), 0).eval()(**batch(encoder))
    assert losses["contrastive"].item() == pytest.approx(plain["loss"].item(), rel=1e-5)


def test_a_temperature_at_its_bound_can_rise_again() -> None:
    encoder = tiny_model().requires_grad_(True)
    model = TrainingModel(encoder, objective(learn_temperature=True, min_temperature=0.05), 0)
    with torch.no_grad():
        encoder.logit_scale.fill_(10.0)  # as a step of the optimiser may leave it
    losses, _ = model(**batch(encoder))
    losses["loss"].backward()
    assert losses["temperature"].item() == pytest.approx(0.05)
    assert encoder.logit_scale.grad.abs() > 0
    assert encoder.logit_scale.exp().item() == pytest.approx(20)


class WithoutTokens(nn.Module):
    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.ones(len(images), 48), torch.ones(len(images), 0, 48)


def test_a_tower_without_patch_tokens_is_named() -> None:
    encoder = tiny_model()
    encoder.towers["rgb"] = WithoutTokens()
    with pytest.raises(ModelError, match="'rgb' gives no patch tokens"):
        TrainingModel(encoder, objective(local={}), 0)(**batch(encoder))


TWO_PROCESSES = """
import torch
from torch.nn.parallel import DistributedDataParallel
from generate.models import tiny_model
from swath.objectives.contrastive import gather
from swath.training.long_texts import LongTexts
from swath.training.objective import ObjectiveRecipe
from swath.training.step import TrainingModel

terms = {"learn_temperature": False, "local": {"scale": 10.0}, "elimination": {"scheme": "split"}}
terms |= {"dual_text": {"components": 3, "label_smoothing": 0.1, "long": 0.7}, "class_weight": 0.5}
objective = ObjectiveRecipe.model_validate(terms)
texts = ["a beach", "planes", "a lake", "trees", "boats in a harbor of the town", "a road in a forest", "sand", "sea"]

# One process has three images with a class, the other one.
classes = torch.zeros(8, 2)
classes[[0, 1, 3, 6], [0, 1, 0, 1]] = 1

def inputs(model, rows):
    torch.manual_seed(0)
    images = torch.randn(8, 3, 32, 32)
    ids, mask = model.encoder.tokenize(texts[rows])
    numbers = torch.arange(8)[rows]
    return {
        "images": {"rgb": images[rows]}, "ids": ids, "mask": mask, "image_captions": numbers[:, None],
        "text_caption": numbers, "classes": classes[rows], "owners": torch.arange(len(ids)),
        "pairs": numbers, "thresholds": thresholds,
        "long": LongTexts(ids.flip(0), mask.flip(0), numbers.flip(0), numbers),
    }

model = TrainingModel(tiny_model(), objective, 2).eval()
thresholds = None
_, seen = model(**inputs(model, slice(None)))
thresholds = {name: float(values.sort().values[2]) for name, values in seen.similarity.items()}
whole, seen = model(**inputs(model, slice(None)))
used = [p for p in model.parameters() if p.requires_grad]
expected = torch.autograd.grad(whole["loss"], used)

meet()
split = TrainingModel(model.encoder, objective, 2, cached=int(arguments[0]) or None).eval()
split.classify = model.classify
parallel = DistributedDataParallel(split)
found, both = parallel(**inputs(model, slice(rank * 4, rank * 4 + 4)))
found["loss"].backward()
# The term of the classes is over a process's own images, and the processes' mean is that of all.
found["loss"] = found["loss"] - 0.5 * found["classes"] + 0.5 * gather(found["classes"][None]).mean()
assert both.pairs.tolist() == list(range(8))
for name, values in seen.similarity.items():
    torch.testing.assert_close(both.similarity[name], values, rtol=1e-4, atol=1e-5)
for name in ("loss", "long", "local", "eliminated", "eliminated_local"):
    torch.testing.assert_close(found[name], whole[name], rtol=1e-4, atol=1e-5)
for parameter, gradient in zip(used, expected):
    torch.testing.assert_close(parameter.grad, gradient, rtol=1e-3, atol=1e-5)
"""


@pytest.mark.slow
@pytest.mark.parametrize("cached", [0, 3])
def test_two_processes_eliminate_and_compare_as_one(tmp_path: Path, cached: int) -> None:
    """Texts of the two processes have different lengths, so their tokens must be padded to be gathered."""
    run_in_two(TWO_PROCESSES, tmp_path, str(cached))
