from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from generate.processes import run_in_two
from swath.errors import InputError
from swath.objectives.bridge import NO_GROUP, bridge_loss, bridge_targets, label_overlap, paired_loss
from swath.objectives.contrastive import contrastive_loss


def unit(rows: int, seed: int = 0, dim: int = 6) -> torch.Tensor:
    return F.normalize(
        torch.randn(rows, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64), dim=1
    )


def closp(images: torch.Tensor, texts: torch.Tensor, sensor: torch.Tensor) -> torch.Tensor:
    """The published loss, one text an image: cosines without temperature, arange targets, mean over sensors."""
    losses = []
    for one in sensor.unique():
        logits = images[sensor == one] @ texts[sensor == one].T
        labels = torch.arange(len(logits))
        losses += [F.cross_entropy(logits, labels), F.cross_entropy(logits.T, labels)]
    return torch.stack(losses).mean()


def by_hand(scores: list[list[float]], targets: list[list[float]]) -> float:
    """Cross-entropy of softmax rows against normalised targets, in plain floats."""
    terms = []
    for row, target in zip(scores, targets, strict=True):
        if sum(target):
            total = math.log(sum(math.exp(value) for value in row))
            terms.append(-sum(t * (v - total) for v, t in zip(row, target, strict=True)) / sum(target))
    return sum(terms) / len(terms)


def both_ways(logits: torch.Tensor, targets: torch.Tensor) -> float:
    return (by_hand(logits.tolist(), targets.tolist()) + by_hand(logits.T.tolist(), targets.T.tolist())) / 2


sensors = st.lists(st.integers(0, 3), min_size=2, max_size=9)


@settings(max_examples=40)
@given(sensors, st.integers(0, 1000))
def test_diagonal_targets_and_scale_1_are_closps_loss(numbers: list[int], seed: int) -> None:
    sensor = torch.tensor(numbers)
    images, texts = unit(len(sensor), seed), unit(len(sensor), seed + 1)
    targets = bridge_targets("diagonal", torch.eye(len(sensor), dtype=torch.bool))
    found = bridge_loss(images, texts, sensor, sensor, 1.0, targets)
    assert found.item() == pytest.approx(closp(images, texts, sensor).item(), rel=1e-9, abs=1e-9)


@settings(max_examples=40)
@given(sensors, st.integers(0, 1000), st.floats(0.5, 20), st.sampled_from(["diagonal", "equal", "jaccard"]))
def test_any_targets_follow_the_formula_sensor_by_sensor(
    numbers: list[int], seed: int, scale: float, kind: str
) -> None:
    random = torch.Generator().manual_seed(seed)
    sensor, count = torch.tensor(numbers), len(numbers)
    owners = torch.arange(count).repeat(2)[torch.randperm(2 * count, generator=random)]
    labels = torch.rand(count, 4, generator=random) < 0.4
    shared = torch.rand(count, 2 * count, generator=random) < 0.1
    own = owners[None] == torch.arange(count)[:, None]
    images, texts = unit(count, seed), unit(2 * count, seed + 1)
    found = bridge_loss(images, texts, sensor, sensor[owners], scale, bridge_targets(kind, own, shared, labels, owners))
    sets = [{k for k in range(4) if labels[i, k]} for i in range(count)]
    expected = []
    for one in sorted(set(numbers)):
        rows = [i for i in range(count) if numbers[i] == one]
        columns = [j for j in range(2 * count) if numbers[owners[j]] == one]
        targets = torch.zeros(len(rows), len(columns))
        for a, i in enumerate(rows):
            for b, j in enumerate(columns):
                mine, its = sets[i], sets[int(owners[j])]
                same = owners[j] == i or (kind != "diagonal" and bool(shared[i, j]))
                if kind == "equal":
                    same = same or (mine == its and bool(mine))
                targets[a, b] = float(same)
                if kind == "jaccard" and not same and mine | its:
                    targets[a, b] = len(mine & its) / len(mine | its)
        expected.append(both_ways(scale * images[rows] @ texts[columns].T, targets))
    assert found.item() == pytest.approx(sum(expected) / len(expected), rel=1e-6, abs=1e-8)


@settings(max_examples=30)
@given(st.integers(0, 1000), st.integers(2, 5), st.integers(2, 5))
def test_images_of_one_sensor_are_no_negatives_of_another(seed: int, first: int, second: int) -> None:
    """Moving the second sensor's images and texts changes nothing for the first: its gradient is that of it alone."""
    sensor = torch.tensor([0] * first + [1] * second)
    targets = torch.eye(first + second)
    images, texts = unit(first + second, seed).requires_grad_(), unit(first + second, seed + 1)
    bridge_loss(images, texts, sensor, sensor, 5.0, targets).backward()
    alone = images.detach()[:first].clone().requires_grad_()
    contrastive_loss(alone, texts[:first], 5.0).backward()
    assert images.grad is not None
    assert alone.grad is not None
    torch.testing.assert_close(2 * images.grad[:first], alone.grad)


@settings(max_examples=30)
@given(sensors, st.integers(0, 1000))
def test_order_and_numbers_of_sensors_do_not_matter(numbers: list[int], seed: int) -> None:
    random = torch.Generator().manual_seed(seed)
    sensor, count = torch.tensor(numbers), len(numbers)
    images, texts, group = unit(count, seed), unit(count, seed + 1), torch.randint(-1, 3, (count,), generator=random)
    order = torch.randperm(count, generator=random)
    moved = (7 - sensor)[order]
    losses = [
        bridge_loss(images, texts, sensor, sensor, 3.0, torch.eye(count)),
        bridge_loss(images[order], texts[order], moved, moved, 3.0, torch.eye(count)),
    ]
    torch.testing.assert_close(losses[0], losses[1])
    torch.testing.assert_close(
        paired_loss(images, sensor, group, 3.0), paired_loss(images[order], moved, group[order], 3.0)
    )


@pytest.mark.parametrize("kind", ["diagonal", "equal", "jaccard"])
def test_gradients_agree_with_finite_differences(kind: str) -> None:
    sensor, owners = torch.tensor([0, 1, 0, 1, 1]), torch.tensor([4, 0, 3, 1, 2])
    labels = torch.tensor([[1, 0, 1], [0, 1, 1], [1, 0, 1], [0, 1, 0], [1, 1, 0]], dtype=torch.bool)
    own = owners[None] == torch.arange(5)[:, None]
    targets = bridge_targets(kind, own, own, labels, owners)  # type: ignore[arg-type]
    group = torch.tensor([3, 3, 5, NO_GROUP, 5])

    def loss(images: torch.Tensor, texts: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        vision, text = F.normalize(images, dim=1), F.normalize(texts, dim=1)
        paired = paired_loss(vision, sensor, group, scale)
        return bridge_loss(vision, text, sensor, sensor[owners], scale, targets) + 0.5 * paired

    inputs = (unit(5), unit(5, 1), torch.tensor(4.0, dtype=torch.float64))
    assert torch.autograd.gradcheck(loss, tuple(value.requires_grad_() for value in inputs))


def test_equal_label_sets_are_positives_and_empty_ones_are_not() -> None:
    labels = torch.tensor([[1, 1, 0], [1, 1, 0], [0, 0, 0], [0, 0, 0], [1, 0, 1]], dtype=torch.bool)
    own, owners = torch.eye(5, dtype=torch.bool), torch.arange(5)
    equal = bridge_targets("equal", own, own, labels, owners)
    expected = torch.eye(5)
    expected[0, 1] = expected[1, 0] = 1
    assert torch.equal(equal, expected)
    graded = bridge_targets("jaccard", own, own, labels, owners)
    assert graded[0, 4].item() == pytest.approx(1 / 3)
    assert graded[2, 3].item() == 0
    assert torch.equal(graded == 1, expected == 1)


@given(st.integers(0, 1000), st.integers(1, 8), st.integers(1, 40))
def test_overlap_is_jaccards(seed: int, rows: int, labels: int) -> None:
    random = torch.Generator().manual_seed(seed)
    sets = torch.rand(rows, labels, generator=random) < 0.5
    found = label_overlap(sets, sets)
    assert torch.equal(found, found.T)
    assert torch.equal(found.diagonal(), sets.any(dim=1).float())
    assert found.min() >= 0
    assert found.max() <= 1


def test_partners_of_several_sensors_attract() -> None:
    sensor, group = torch.tensor([0, 0, 1, 1, 1, 2]), torch.tensor([4, 9, 9, 4, 4, 9])
    images = unit(6)
    one, two, three = images[:2], images[2:5], images[5:]
    terms = [
        both_ways(8 * one @ two.T, torch.tensor([[0, 1, 1], [1, 0, 0]])),
        both_ways(8 * one @ three.T, torch.tensor([[0], [1]])),
        both_ways(8 * two @ three.T, torch.tensor([[1], [0], [0]])),
    ]
    assert paired_loss(images, sensor, group, 8.0).item() == pytest.approx(sum(terms) / 3, rel=1e-9)


def test_without_text_or_partner_there_is_no_loss_and_no_nan() -> None:
    images, texts = unit(3).requires_grad_(), unit(2, 1).requires_grad_()
    sensor = torch.tensor([0, 0, 1])
    group = torch.tensor([7, 7, NO_GROUP])
    loss = paired_loss(images, sensor, group, 5.0)
    loss = loss + bridge_loss(images, texts, sensor, torch.tensor([3, 3]), 5.0, torch.zeros(3, 2))
    loss.backward()
    assert loss.item() == 0
    for value in (images, texts):
        assert value.grad is not None
        assert torch.equal(value.grad, torch.zeros_like(value))


def test_a_sensor_whose_images_have_no_text_is_not_counted() -> None:
    images, texts = unit(4), unit(2, 1)
    sensor = torch.tensor([0, 0, 1, 1])
    found = bridge_loss(images, texts, sensor, torch.tensor([0, 0]), 5.0, torch.eye(4)[:, :2])
    torch.testing.assert_close(found, contrastive_loss(images[:2], texts, 5.0))


def test_what_does_not_fit_is_refused() -> None:
    own = torch.eye(3, dtype=torch.bool)
    with pytest.raises(InputError, match="'jaccard' need"):
        bridge_targets("jaccard", own)
    with pytest.raises(InputError, match="do not fit"):
        bridge_targets("equal", own, own, torch.zeros(2, 4), torch.arange(3))
    with pytest.raises(InputError, match=r"must be \(3, 3\)"):
        bridge_loss(unit(3), unit(3), torch.zeros(3), torch.zeros(3), 1.0, torch.eye(4))


TWO_PROCESSES = """
import torch
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel
from swath.objectives.bridge import bridge_loss, bridge_targets, paired_loss
from swath.objectives.contrastive import gather, shared_captions

meet()
torch.manual_seed(0)
inputs, words = torch.randn(8, 6), torch.randn(8, 6)
sensor, group = torch.tensor([0, 0, 1, 1, 0, 0, 0, 1]), torch.tensor([1, 2, 1, 3, 3, -1, 4, 4])
captions, labels = torch.tensor([0, 1, 2, 0, 3, 4, 1, 5]), torch.rand(8, 3) < 0.5

class Both(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.towers = torch.nn.ModuleList([torch.nn.Linear(6, 5) for _ in range(2)])
        self.text = torch.nn.Linear(6, 5)
        self.scale = torch.nn.Parameter(torch.tensor(2.0))
    def forward(self, x, y, sensor, group, caption, labels, joined):
        take = gather if joined else (lambda value: value)
        each = torch.stack([tower(x) for tower in self.towers])[sensor, torch.arange(len(x))]
        vision, text = take(F.normalize(each, dim=1)), take(F.normalize(self.text(y), dim=1))
        sensor, group, caption, labels = map(take, (sensor, group, caption, labels))
        own, owners = torch.eye(len(vision), dtype=torch.bool), torch.arange(len(vision))
        targets = bridge_targets("jaccard", own, shared_captions(caption[:, None], caption), labels, owners)
        scale = self.scale.exp()
        return bridge_loss(vision, text, sensor, sensor, scale, targets) + paired_loss(vision, sensor, group, scale)

torch.manual_seed(1)
model, everything = Both(), (inputs, words, sensor, group, captions, labels)
whole = model(*everything, False)
expected = torch.autograd.grad(whole, list(model.parameters()))
half = slice(rank * 4, rank * 4 + 4)
parallel = DistributedDataParallel(model)
loss = parallel(*(value[half] for value in everything), True)
loss.backward()
torch.testing.assert_close(loss, whole)
for parameter, gradient in zip(model.parameters(), expected):
    torch.testing.assert_close(parameter.grad, gradient, rtol=1e-4, atol=1e-6)
"""


@pytest.mark.slow
def test_two_processes_give_the_gradient_of_the_whole_batch(tmp_path: Path) -> None:
    """The processes hold other numbers of images of each sensor, and partners are apart."""
    run_in_two(TWO_PROCESSES, tmp_path)
