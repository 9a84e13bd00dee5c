"""Checkpoints laid out as Long-CLIP's (LRSCLIP, DGTRS-CLIP): OpenAI's keys, 248 positions in two tables, QuickGELU."""

from __future__ import annotations

import torch
from torch import Tensor

VOCABULARY, CONTEXT, KEPT = 49_408, 248, 20
WIDTH, LAYERS, HEADS = 128, 2, 2
VISION_WIDTH, PATCH, GRID = 64, 8, 4
EMBED = 48


def state_dict(seed: int = 0) -> dict[str, Tensor]:
    """Random weights under the keys, shapes and types of a published file, but for the sizes."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int, std: float = 0.05) -> Tensor:
        return std * torch.randn(*shape, generator=generator)

    def block(prefix: str, width: int) -> dict[str, Tensor]:
        return {
            f"{prefix}.attn.in_proj_weight": normal(3 * width, width),
            f"{prefix}.attn.in_proj_bias": normal(3 * width),
            f"{prefix}.attn.out_proj.weight": normal(width, width),
            f"{prefix}.attn.out_proj.bias": normal(width),
            f"{prefix}.ln_1.weight": 1 + normal(width),
            f"{prefix}.ln_1.bias": normal(width),
            f"{prefix}.mlp.c_fc.weight": normal(4 * width, width),
            f"{prefix}.mlp.c_fc.bias": normal(4 * width),
            f"{prefix}.mlp.c_proj.weight": normal(width, 4 * width),
            f"{prefix}.mlp.c_proj.bias": normal(width),
            f"{prefix}.ln_2.weight": 1 + normal(width),
            f"{prefix}.ln_2.bias": normal(width),
        }

    state = {
        "positional_embedding": normal(CONTEXT, WIDTH),
        "positional_embedding_res": normal(CONTEXT, WIDTH),
        "text_projection": normal(WIDTH, EMBED),
        "logit_scale": torch.tensor(4.6052),
        "visual.class_embedding": normal(VISION_WIDTH),
        "visual.positional_embedding": normal(GRID**2 + 1, VISION_WIDTH),
        "visual.proj": normal(VISION_WIDTH, EMBED),
        "visual.conv1.weight": normal(VISION_WIDTH, 3, PATCH, PATCH),
        "token_embedding.weight": normal(VOCABULARY, WIDTH),
    }
    for name, width in (("visual.ln_pre", VISION_WIDTH), ("visual.ln_post", VISION_WIDTH), ("ln_final", WIDTH)):
        state |= {f"{name}.weight": 1 + normal(width), f"{name}.bias": normal(width)}
    for layer in range(LAYERS):
        state |= block(f"visual.transformer.resblocks.{layer}", VISION_WIDTH)
        state |= block(f"transformer.resblocks.{layer}", WIDTH)
    return state
