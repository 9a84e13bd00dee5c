"""How fast an archive is indexed, compared with encoding alone.

Real chips (256 px, Sentinel-1 and Sentinel-2 scenes on local disk) are read, prepared, encoded and committed by
`ingest`; the same number of prepared inputs is encoded in batches and nothing else. The two alternate, so that whatever
else runs on the machine slows both; a ratio is the median of the ratios of neighbours.

`ratio_to_encoding` is for ViT-B/32 (random weights: the arithmetic is the same), the size of the models that archives
are built with. `mini_` is the packaged swath-mini, which on a CPU encodes a chip in less time than reading it, drawing
its thumbnail and compressing its tokens take: there the same cores do both, and reading sets the pace.

    python benchmarks/index_rate.py [--device auto] [--chips 256] [--rounds 3]
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from harness import data_root, write_result

from swath.archive import Archive, IngestOptions, ingest
from swath.chips import Chip
from swath.models import DualEncoder, ModelConfig
from swath.raster import read_chip
from swath.sources import cut, open_source

BATCH = 32
VIT_B_32 = {
    "name": "vit-b-32-random",
    "embed_dim": 512,
    "text": {"type": "clip", "context_length": 77, "width": 512, "heads": 8, "layers": 12},
    "towers": {"rgb": {"type": "vit", "image_size": 224, "patch_size": 32, "width": 768, "heads": 12, "layers": 12}},
    "sensors": {"*": {"tower": "rgb"}},
}


def vit_b_32(device: str) -> DualEncoder:
    """ViT-B/32 with random weights, in the precision that `dtype="auto"` chooses here."""
    with tempfile.TemporaryDirectory() as folder:
        DualEncoder(ModelConfig.parse(VIT_B_32)).save_pretrained(folder)
        return DualEncoder.from_pretrained(folder, device=device)


def encode_alone(model: DualEncoder, inputs: dict[str, torch.Tensor]) -> float:
    """Images encoded a second, from prepared inputs."""
    count = sum(len(batch) for batch in inputs.values())
    started = time.perf_counter()
    for sensor, stacked in inputs.items():
        for at in range(0, len(stacked), BATCH):
            model.encode_images(stacked[at : at + BATCH], sensor).pooled.cpu()
    return count / (time.perf_counter() - started)


def index(model: DualEncoder, chips: list[Chip], folder: Path, readers: int) -> float:
    """Chips indexed a second, into an archive of their own; the bank of captions is encoded before."""
    archive = Archive.create(folder, model.model_id, model.dim, encoder=model)
    archive.ensure_background()
    report = ingest(archive, chips, model, options=IngestOptions(batch_size=BATCH, readers=readers))
    if report.added != len(chips):
        raise SystemExit(f"only {report.added} of {len(chips)} chips were indexed: {report.failures[:3]}")
    return report.added / report.seconds


def compare(model: DualEncoder, chips: list[Chip], rounds: int, readers: int) -> tuple[list[float], list[float]]:
    """Images encoded a second and chips indexed a second, in turns."""
    share = len(chips) // (rounds + 1)
    inputs: dict[str, list[torch.Tensor]] = {}
    for chip in chips[:share]:
        inputs.setdefault(chip.scene.sensor, []).append(model.prepare(read_chip(chip)))
    stacked = {sensor: torch.stack(tensors) for sensor, tensors in inputs.items()}
    encode_alone(model, {sensor: batch[:BATCH] for sensor, batch in stacked.items()})
    encoding: list[float] = []
    indexing: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        for number in range(1, rounds + 1):
            encoding.append(encode_alone(model, stacked))
            part = chips[number * share : (number + 1) * share]
            indexing.append(index(model, part, Path(folder) / str(number), readers))
    return encoding, indexing


def main() -> None:
    """Alternate encoding and indexing, with two models."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--device", default="auto")
    options.add_argument("--chips", type=int, default=256)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--readers", type=int, default=2)
    asked = options.parse_args()
    source = open_source(str(data_root() / "socal_scenes" / "items.json"))
    chips = list(islice(cut(source, 256), asked.chips * (asked.rounds + 1)))
    metrics: dict[str, float] = {}
    intervals: dict[str, tuple[float, float]] = {}
    settings: dict[str, Any] = {"chips": asked.chips, "chip_size": 256, "rounds": asked.rounds, "batch_size": BATCH}
    settings |= {"readers": asked.readers, "torch_threads": torch.get_num_threads()}
    for prefix, load in (("", vit_b_32), ("mini_", partial(DualEncoder.from_pretrained, "swath-mini"))):
        model = load(device=asked.device)
        encoding, indexing = compare(model, chips, asked.rounds, asked.readers)
        ratios = [fast / alone for fast, alone in zip(indexing, encoding, strict=True)]
        metrics[f"{prefix}ratio_to_encoding"] = statistics.median(ratios)
        metrics[f"{prefix}index_per_s"] = statistics.median(indexing)
        metrics[f"{prefix}encode_per_s"] = statistics.median(encoding)
        intervals[f"{prefix}ratio_to_encoding"] = (min(ratios), max(ratios))
        settings[f"{prefix}model"] = model.model_id
        settings |= {"device": str(model.device), "dtype": str(model.dtype).removeprefix("torch.")}
    metrics["peak_rss_mib"] = peak_mib()
    write_result("index_rate", settings, metrics, intervals)


def peak_mib() -> float:
    """Peak memory of this process."""
    status = Path(f"/proc/{os.getpid()}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


if __name__ == "__main__":
    main()
