from __future__ import annotations

import pytest
import torch
from torch import nn

from generate.recipes import MODEL
from swath.models import DualEncoder, ModelConfig
from swath.training.muon import Muon, orthogonal
from swath.training.optimizers import build_optimizers
from swath.training.recipe import OptimRecipe


@pytest.mark.parametrize("shape", [(16, 16), (8, 64), (64, 8)])
def test_orthogonal_keeps_directions_and_evens_lengths(shape: tuple[int, int]) -> None:
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    left, _, right = torch.linalg.svd(matrix, full_matrices=False)
    found = orthogonal(matrix).float()
    inner = left.T @ found @ right.T
    assert 0.5 < inner.diag().min() < inner.diag().max() < 1.4
    assert (inner - inner.diag().diag()).abs().max() < 0.1


def test_a_step_has_the_size_of_adamws() -> None:
    weight = nn.Parameter(torch.zeros(32, 32))
    weight.grad = torch.randn(32, 32, generator=torch.Generator().manual_seed(0)) * 1e-6
    Muon([weight], lr=0.1).step()
    assert weight.detach().square().mean().sqrt().item() == pytest.approx(0.1 * 0.2, rel=0.2)


def test_weight_decay_is_decoupled() -> None:
    weight = nn.Parameter(torch.ones(4, 4))
    weight.grad = torch.zeros(4, 4)
    Muon([weight], lr=0.1, weight_decay=0.5).step()
    torch.testing.assert_close(weight.detach(), torch.full((4, 4), 0.95))


def test_filters_of_any_memory_layout_move_alike() -> None:
    start = torch.randn(8, 4, 3, 3, generator=torch.Generator().manual_seed(0))
    gradient = torch.randn(8, 4, 3, 3, generator=torch.Generator().manual_seed(1))
    after = []
    for layout in (torch.contiguous_format, torch.channels_last):
        weight = nn.Parameter(start.clone(memory_format=layout))
        weight.grad = gradient.clone(memory_format=layout)
        Muon([weight], lr=0.1).step()
        after.append(weight.detach().contiguous())
    torch.testing.assert_close(*after)


def test_it_fits_a_matrix() -> None:
    torch.manual_seed(0)
    target, weight = torch.randn(6, 6), nn.Parameter(torch.zeros(6, 6))
    optimizer = Muon([weight], lr=0.1)
    for step in range(200):
        optimizer.param_groups[0]["lr"] = 0.1 * (1 - step / 200)
        optimizer.zero_grad()
        (weight - target).square().sum().backward()
        optimizer.step()
    assert (weight - target).abs().max() < 0.1


def test_every_parameter_has_one_optimiser_and_embeddings_have_adamw() -> None:
    model = DualEncoder(ModelConfig.parse(MODEL))
    adamw, muon = build_optimizers(model, OptimRecipe(matrices="muon", lr=1e-3, matrix_lr=2e-3))
    names = {id(value): name for name, value in model.named_parameters()}
    held = [[names[id(value)] for group in entry.param_groups for value in group["params"]] for entry in (adamw, muon)]
    assert sorted(held[0] + held[1]) == sorted(names.values())
    assert {"text.token_embedding.weight", "text.positional_embedding", "towers.rgb.stem.0.weight"} <= set(held[0])
    assert {"towers.rgb.blocks.0.conv1.weight", "text.text_projection"} <= set(held[1])
    assert muon.param_groups[0]["highest_lr"] == 2e-3
    decayed = {names[id(value)] for value in adamw.param_groups[0]["params"]}
    assert all(dict(model.named_parameters())[name].ndim > 1 for name in decayed)
    assert len(build_optimizers(model, OptimRecipe())) == 1
