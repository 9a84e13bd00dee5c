"""Text encoding at each caption's own length against OpenCLIP's padding to 77 positions.

The same ViT-B/32 text tower (random weights: speed and equality do not depend on them), float32 on both sides,
distinct RSICD test captions, tokenising included. Rounds are interleaved; the speed-up is the ratio of medians.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

import torch
from harness import data_root, write_result
from torch import Tensor

from swath.models import DualEncoder
from swath.models.adapters.torchvision import ensure_torchvision
from swath.models.architecture import infer
from swath.models.convert import build_config
from swath.models.precision import cast, choose_dtype


def captions(count: int) -> list[str]:
    """The first `count` distinct captions of the RSICD test split."""
    entries = json.loads((data_root() / "rsicd" / "dataset_rsicd.json").read_text())["images"]
    found = (sentence["raw"] for entry in entries if entry["split"] == "test" for sentence in entry["sentences"])
    return list(dict.fromkeys(found))[:count]


def timed(function: Callable[[], Tensor]) -> tuple[float, Tensor]:
    """Seconds of one call, and what it gave."""
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


def main() -> None:
    """Measure and write `results/ragged_text.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--captions", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch", type=int, default=64, help="batch size of the padded side")
    options = parser.parse_args()

    ensure_torchvision()
    import open_clip

    texts = captions(options.captions)
    reference = open_clip.create_model("ViT-B-32").eval()
    tokenizer = open_clip.get_tokenizer("ViT-B-32")
    state = reference.state_dict()
    config = build_config(infer(state, "gelu", "ViT-B-32"), "ViT-B-32")
    model, fast = DualEncoder(config).eval(), DualEncoder(config).eval()
    for copy in (model, fast):
        copy.load_state_dict(state)
    cast(fast, choose_dtype("auto", torch.device("cpu")))

    @torch.inference_mode()
    def padded() -> Tensor:
        batches = [texts[start : start + options.batch] for start in range(0, len(texts), options.batch)]
        return torch.cat([reference.encode_text(tokenizer(batch), normalize=True) for batch in batches])

    def ragged() -> Tensor:
        return model.encode_texts(texts, tokens=False).pooled

    def automatic() -> Tensor:
        return fast.encode_texts(texts, tokens=False).pooled

    sides = {"padded": padded, "ragged": ragged, "automatic": automatic}
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    results: dict[str, Tensor] = {}
    for side in sides.values():
        side()  # warm up: thread pools, caches of the tokenizers
    for _ in range(options.rounds):
        for name, side in sides.items():
            spent, results[name] = timed(side)
            seconds[name].append(spent)

    medians = {name: statistics.median(values) for name, values in seconds.items()}
    ratios = [one / two for one, two in zip(seconds["padded"], seconds["ragged"], strict=True)]
    lengths = [len(ids) for ids in model.text.tokenize(texts).ids]  # type: ignore[operator, union-attr]
    write_result(
        "ragged_text",
        {
            "model": "ViT-B-32 text tower, random weights",
            "dtype": "float32 on both sides",
            "dtype_auto": str(fast.dtype).removeprefix("torch."),
            "captions": len(texts),
            "data": "RSICD test, distinct captions",
            "mean_tokens": round(statistics.mean(lengths), 2),
            "padded_batch": options.batch,
            "rounds": options.rounds,
            "threads": torch.get_num_threads(),
        },
        {
            "speedup": medians["padded"] / medians["ragged"],
            "max_abs_error": float((results["padded"] - results["ragged"]).abs().max()),
            "padded_texts_per_s": len(texts) / medians["padded"],
            "ragged_texts_per_s": len(texts) / medians["ragged"],
            "speedup_auto": medians["padded"] / medians["automatic"],
            "auto_min_cosine": float((results["padded"] * results["automatic"]).sum(-1).min()),
        },
        {"speedup": (min(ratios), max(ratios))},
    )


if __name__ == "__main__":
    main()
