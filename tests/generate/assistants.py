"""Tiny image-text-to-text models of three families with random weights, written to disk with their processors."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from swath.models.adapters.torchvision import ensure_torchvision

_CHAT = (
    "{% for message in messages %}{{ '<s>' + message['role'] + ' ' }}"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'image' %}{{ IMAGE }}{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}{{ '</s>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<s>assistant ' }}{% endif %}"
)
_SENTENCES = [
    "how many ships are there ? there are three ships .",
    "is a road present ? yes , a road . no , none .",
    "user assistant what does the image show ? the sea , trees and an airport .",
]


def tokenizer(special: list[str], template: str) -> Any:
    """A byte-level tokenizer of some hundred pieces, trained on a few sentences."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    raw = Tokenizer(models.BPE())
    raw.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    raw.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<pad>", "<s>", "</s>", *special],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    raw.train_from_iterator(_SENTENCES, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=raw,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        chat_template=template,
        model_input_names=["input_ids", "attention_mask"],
    )


def llava(folder: Path, context: int = 512) -> Path:
    """LLaVA: CLIP's vision tower, a projector, Llama."""
    ensure_torchvision()
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    words = tokenizer(["<image>"], _CHAT.replace("IMAGE", "'<image>'"))
    vision = CLIPVisionConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14
    )
    text = LlamaConfig(**_language(words, context))
    config = LlavaConfig(
        vision_config=vision,
        text_config=text,
        image_token_index=words.convert_tokens_to_ids("<image>"),
        vision_feature_select_strategy="default",
        vision_feature_layer=-1,
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
    )
    pictures = CLIPImageProcessor(size={"shortest_edge": 28}, crop_size={"height": 28, "width": 28})
    processor = LlavaProcessor(
        pictures, words, patch_size=14, vision_feature_select_strategy="default", chat_template=words.chat_template,
        num_additional_image_tokens=1,
    )  # fmt: skip
    return _saved(folder, LlavaForConditionalGeneration, config, processor)


def qwen2_vl(folder: Path, context: int = 512) -> Path:
    """Qwen2-VL: pictures of any size as merged patches, rotary positions in three dimensions."""
    ensure_torchvision()
    from transformers import (
        Qwen2TokenizerFast,
        Qwen2VLConfig,
        Qwen2VLForConditionalGeneration,
        Qwen2VLImageProcessor,
        Qwen2VLProcessor,
    )
    from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor

    marks = ["<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>"]
    template = _CHAT.replace("IMAGE", "'<|vision_start|><|image_pad|><|vision_end|>'")
    plain = tokenizer(marks, template)
    words = Qwen2TokenizerFast(
        tokenizer_object=plain.backend_tokenizer, pad_token="<pad>", bos_token="<s>", eos_token="</s>",
        unk_token=None, chat_template=template, additional_special_tokens=marks,
    )  # fmt: skip
    ids = {
        name: words.convert_tokens_to_ids(mark)
        for name, mark in zip(("start", "end", "image", "video"), marks, strict=True)
    }
    config = Qwen2VLConfig(
        **_language(words, context),
        rope_scaling={"type": "mrope", "mrope_section": [1, 1, 2]},
        vision_config={
            "depth": 2, "embed_dim": 16, "hidden_size": 16, "num_heads": 2, "mlp_ratio": 2, "patch_size": 14,
            "spatial_merge_size": 2, "temporal_patch_size": 2, "in_channels": 3,
        },
        vision_start_token_id=ids["start"], vision_end_token_id=ids["end"],
        image_token_id=ids["image"], video_token_id=ids["video"],
    )  # fmt: skip
    limits = {"min_pixels": 28 * 28, "max_pixels": 56 * 56}
    processor = Qwen2VLProcessor(
        Qwen2VLImageProcessor(**limits), words, Qwen2VLVideoProcessor(**limits), chat_template=template
    )
    return _saved(folder, Qwen2VLForConditionalGeneration, config, processor)


def paligemma(folder: Path, context: int = 512) -> Path:
    """PaliGemma: SigLIP's vision tower and Gemma, which reads the prompt as a whole; no chat template."""
    ensure_torchvision()
    from transformers import (
        GemmaConfig,
        GemmaTokenizerFast,
        PaliGemmaConfig,
        PaliGemmaForConditionalGeneration,
        PaliGemmaProcessor,
        SiglipImageProcessor,
        SiglipVisionConfig,
    )

    plain = tokenizer(["<image>"], "")
    words = GemmaTokenizerFast(
        tokenizer_object=plain.backend_tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        unk_token="<pad>",
    )
    pictures = SiglipImageProcessor(size={"height": 28, "width": 28})
    pictures.image_seq_length = 4
    processor = PaliGemmaProcessor(pictures, words)
    vision = SiglipVisionConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2, image_size=28, patch_size=14,
        vision_use_head=False,
    )  # fmt: skip
    language = _language(words, context) | {"head_dim": 8, "vocab_size": len(words)}
    config = PaliGemmaConfig(
        vision_config=vision.to_dict(),
        text_config=GemmaConfig(**language).to_dict(),
        image_token_index=words.convert_tokens_to_ids("<image>"),
        projection_dim=16,
        hidden_size=16,
        pad_token_id=words.pad_token_id,
        eos_token_id=words.eos_token_id,
    )
    return _saved(folder, PaliGemmaForConditionalGeneration, config, processor)


def conversations(folder: Path, count: int = 6, turns: int = 2, image: str = "image-{}.png") -> Path:
    """A LLaVA-style file about `count` pictures, which are written too."""
    from generate.rasters import write_image

    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for number in range(count):
        name = image.format(number)
        write_image(folder / name, 32, 32, seed=number)
        said = []
        for turn in range(turns):
            said.append({"from": "human", "value": ("<image>\n" if not turn else "") + _SENTENCES[turn % 3]})
            said.append({"from": "gpt", "value": f"there are {number} ships ."})
        entries.append({"id": f"c{number}", "image": name, "conversations": said})
    file = folder / "conversations.json"
    file.write_text(json.dumps(entries))
    return file


def _language(words: Any, context: int) -> dict[str, Any]:
    return {
        "vocab_size": len(words), "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2,
        "num_attention_heads": 2, "num_key_value_heads": 2, "max_position_embeddings": context,
        "bos_token_id": words.bos_token_id, "eos_token_id": words.eos_token_id, "pad_token_id": words.pad_token_id,
    }  # fmt: skip


def _saved(folder: Path, kind: Any, config: Any, processor: Any) -> Path:
    torch.manual_seed(0)
    model = kind(config).eval()
    # The last norm fixes the length of what the output layer reads: with small weights every word stays as likely.
    model.get_output_embeddings().weight.data.mul_(40)
    model.save_pretrained(folder, safe_serialization=True)
    processor.save_pretrained(folder)
    return folder
