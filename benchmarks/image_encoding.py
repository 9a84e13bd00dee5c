"""Image encoding with `dtype="auto"` against OpenCLIP's eager float32.

The same ViT-B/32 image tower (random weights), the same prepared batches of random pictures. Rounds are interleaved;
the speed-up is the ratio of medians. On a CPU without AMX `auto` is float32, and the ratio is about one.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from harness import write_result

from swath.models import DualEncoder
from swath.models.adapters.torchvision import ensure_torchvision
from swath.models.architecture import infer
from swath.models.convert import build_config
from swath.models.precision import cast, choose_dtype


def main() -> None:
    """Measure and write `results/image_encoding.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()

    ensure_torchvision()
    import open_clip

    reference = open_clip.create_model("ViT-B-32").eval()
    state = reference.state_dict()
    model = DualEncoder(build_config(infer(state, "gelu", "ViT-B-32"), "ViT-B-32")).eval()
    model.load_state_dict(state)
    cast(model, choose_dtype("auto", torch.device("cpu")))
    images = torch.randn(options.batch, 3, 224, 224, generator=torch.manual_seed(0))

    seconds: dict[str, list[float]] = {"open_clip": [], "swath": []}
    with torch.inference_mode():
        wanted = reference.encode_image(images, normalize=True)
        found = model.encode_images(images, "rgb").pooled
        for _ in range(options.rounds):
            start = time.perf_counter()
            reference.encode_image(images, normalize=True)
            middle = time.perf_counter()
            # Tokens are given too: what indexing and local similarity use.
            model.encode_images(images, "rgb")
            seconds["open_clip"].append(middle - start)
            seconds["swath"].append(time.perf_counter() - middle)

    medians = {name: statistics.median(values) for name, values in seconds.items()}
    ratios = sorted(one / two for one, two in zip(seconds["open_clip"], seconds["swath"], strict=True))
    write_result(
        "image_encoding",
        {
            "model": "ViT-B-32 image tower, random weights",
            "dtype": f"auto = {str(model.dtype).removeprefix('torch.')}, against float32",
            "batch": options.batch,
            "rounds": options.rounds,
            "threads": torch.get_num_threads(),
        },
        {
            "speedup": medians["open_clip"] / medians["swath"],
            "cosine": float((wanted * found).sum(-1).min()),
            "open_clip_images_per_s": options.batch / medians["open_clip"],
            "swath_images_per_s": options.batch / medians["swath"],
        },
        {"speedup": (ratios[0], ratios[-1])},
    )


if __name__ == "__main__":
    main()
