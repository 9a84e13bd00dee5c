"""A sentence encoder in MiniLM's layout, small and with random weights."""

from __future__ import annotations

from pathlib import Path

import torch

WORDS = ("many", "planes", "at", "an", "airport", "trees", "beach", "forest", "harbor", "land", ".")


def sentence_encoder(folder: Path, width: int = 32) -> Path:
    """Write configuration, tokenizer and weights; returns the folder."""
    from swath.models.adapters.torchvision import ensure_torchvision

    ensure_torchvision()  # transformers looks for it
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    transformers.BertTokenizerFast(str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(0)
    sizes = {"hidden_size": width, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 2 * width}
    config = transformers.BertConfig(vocab_size=len(vocabulary), max_position_embeddings=64, **sizes)
    transformers.BertModel(config, add_pooling_layer=True).save_pretrained(folder)
    return folder
