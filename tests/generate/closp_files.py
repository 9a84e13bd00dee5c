"""Directories laid out as CLOSP's and GeoCLOSP's, and what their code computes, in small."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from generate.location_files import satclip

RESNET = {"layers": [1, 1, 1, 1], "channels": [8, 8, 16, 16]}
VIT = {"img_size": 32, "depth": 2, "embed_dim": 64, "num_heads": 1}
WIDTH = 32
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "trees", "water", ".", "flooded", "area", "burned"]


def write_minilm(folder: Path, pooling: str = "mean_tokens", length: int = 128) -> Path:
    """A sentence encoder as sentence-transformers writes one: BERT, tokenizer, pooling; random weights."""
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.txt").write_text("\n".join(VOCABULARY))
    transformers.BertTokenizerFast(str(folder / "vocab.txt"), model_max_length=length).save_pretrained(folder)
    sizes = {"hidden_size": WIDTH, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 48}
    torch.manual_seed(0)
    config = transformers.BertConfig(vocab_size=len(VOCABULARY), max_position_embeddings=length, **sizes)
    transformers.BertModel(config).save_pretrained(folder)
    modes = ("cls_token", "mean_tokens", "max_tokens", "mean_sqrt_len_tokens")
    said = {"word_embedding_dimension": WIDTH} | {f"pooling_mode_{mode}": mode == pooling for mode in modes}
    (folder / "1_Pooling").mkdir(exist_ok=True)
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(said))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": length, "do_lower_case": False}))
    return folder


class Closp(nn.Module):
    """The module tree of CLOSP's code, and its way from pixels and tokens to vectors."""

    def __init__(self, kind: str, text: Path, *, location: bool = False, seed: int = 0) -> None:
        import timm
        import transformers

        super().__init__()
        torch.manual_seed(seed)
        models = {"rn": ("resnet18", RESNET, 10, 10), "vs": ("vit_small_patch16_224", VIT, 0, 10)}
        name, arguments, *classes = models[kind]
        self.s1_encoder, self.s2_encoder = (
            timm.create_model(name, in_chans=bands, num_classes=count, **arguments)
            for bands, count in zip((2, 13), classes, strict=True)
        )
        widths = [count or VIT["embed_dim"] for count in classes]
        self.s1_projection, self.s2_projection = (nn.Linear(width, WIDTH) for width in widths)
        self.text_model = transformers.BertModel.from_pretrained(text)
        self.settings: dict[str, Any] = {
            "architectures": ["ClospModel"],
            "auto_map": {"AutoModel": "modeling_closp.ClospModel"},
            "logit_scale_init_value": 1.0,
            "s1_embedding_dim": widths[0],
            "s1_head_dim": classes[0],
            "s2_embedding_dim": widths[1],
            "s2_head_dim": classes[1],
        }
        if location:
            stored = satclip()["state_dict"]
            prefix = "model.location."
            self.location = {k.removeprefix(prefix): v.float() for k, v in stored.items() if k.startswith(prefix)}
            self.location_projection = nn.Linear(len(self.location["nnet.last_layer.weight"]), WIDTH)
            self.settings["location_embedding_dim"] = self.location_projection.in_features
        self.eval()

    def weights(self) -> dict[str, Tensor]:
        """What the published file holds."""
        located = {f"location_encoder.{key}": value for key, value in getattr(self, "location", {}).items()}
        return {**self.state_dict(), **located}

    @torch.no_grad()
    def encode_image(self, image: Tensor) -> Tensor:
        """Images in their sensor's units (B, 2, H, W) or (B, 13, H, W) to normalised vectors."""
        s1 = image.shape[1] == 2
        encoder, projection = (self.s1_encoder, self.s1_projection) if s1 else (self.s2_encoder, self.s2_projection)
        return F.normalize(projection(encoder(image if s1 else image / 10_000)), dim=-1)

    @torch.no_grad()
    def encode_text(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Token ids and their mask to normalised vectors."""
        return F.normalize(self.text_model(input_ids=ids, attention_mask=mask).last_hidden_state[:, 0], dim=-1)


def write_closp(model: Closp, folder: Path) -> Path:
    """The directory that its authors publish."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {key: value.contiguous() for key, value in model.weights().items()}
    safetensors.torch.save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    (folder / "config.json").write_text(json.dumps(model.settings, indent=2) + "\n")
    return folder
