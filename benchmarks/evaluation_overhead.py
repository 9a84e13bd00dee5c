"""What local similarity adds to a whole retrieval evaluation, as its user sees it.

    python benchmarks/evaluation_overhead.py [--model DIR_OR_NAME] [--dtype float32]

`evaluate_retrieval` runs on the RSICD test split (1,093 images, 5,465 captions) with global similarity only and with
global and local similarity fused, in turns. Everything a user waits for is counted in both: reading the images,
encoding images and texts, similarities, metrics and bootstrap intervals; loading the model is not. Without `--model`
the model is a ViT-B/32 CLIP with random weights: speed does not depend on what the weights are.

`ratio` is that of median times. `peak_extra_mib` is the growth of the process's peak memory when the fused evaluation
runs after the global one. `--nwpu` adds the peak of local similarity alone at the size of the NWPU-Captions test split
(3,150 images, 7,662 distinct captions of 15 words), on random features.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import torch
from harness import data_root, write_result
from torch.nn import functional as F

from swath.data import read_dataset
from swath.evaluation.run_retrieval import evaluate_retrieval
from swath.evaluation.scoring import Scoring
from swath.models import DualEncoder, ModelConfig
from swath.models.precision import choose_dtype
from swath.similarity import Fusion, local_similarity


def vit_b_32(dtype: str) -> DualEncoder:
    """CLIP ViT-B/32 with random weights."""
    torch.manual_seed(0)
    config = ModelConfig.parse(
        {
            "name": "random-vit-b-32",
            "embed_dim": 512,
            "text": {"width": 512, "layers": 12, "heads": 8},
            "towers": {"rgb": {"patch_size": 32, "width": 768, "layers": 12, "heads": 12}},
            "sensors": {"*": {"tower": "rgb"}},
        }
    )
    return DualEncoder(config).eval().to(choose_dtype(dtype, torch.device("cpu")))


def peak_mib() -> float:
    """Largest resident size of this process so far; of its own, which ru_maxrss of a spawned process is not."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024


def nwpu_peak() -> float:
    """Growth of the peak while local similarities of an NWPU-sized test set are computed, in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_nwpu_peak).result()


def _nwpu_peak() -> float:
    images = F.normalize(torch.randn(3150, 49, 512), dim=-1)
    texts = F.normalize(torch.randn(7662, 15, 512), dim=-1)
    before = peak_mib()
    local_similarity(images, texts, route="moments")
    return peak_mib() - before


def main() -> None:
    """Time, weigh, write the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--nwpu", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = (
        DualEncoder.from_pretrained(options.model, dtype=options.dtype) if options.model else vit_b_32(options.dtype)
    )
    dataset = read_dataset(data_root() / "rsicd")
    evaluate_retrieval(model, dataset)  # reads the files into the page cache, and warms up
    # Ready weights: choosing them on the validation split is done once, not with every evaluation.
    scorings = {"global": Scoring(), "fused": Scoring("fused", Fusion(normalise=True, ends=False))}
    times: dict[str, list[float]] = {similarity: [] for similarity in scorings}
    peaks = []
    for _ in range(options.rounds):
        for similarity, scoring in scorings.items():
            start = time.perf_counter()
            report = evaluate_retrieval(model, dataset, scoring)
            times[similarity].append(time.perf_counter() - start)
            peaks.append(peak_mib())
    metrics = {"nwpu_peak_extra_mib": nwpu_peak()} if options.nwpu else {}
    medians = {similarity: statistics.median(own) for similarity, own in times.items()}
    write_result(
        "evaluation_overhead",
        {
            "dataset": "RSICD test",
            "images": report.result.relation.images,
            "captions": report.result.relation.captions,
            "model": model.model_id,
            "dtype": str(model.dtype).removeprefix("torch."),
            "local_route": report.settings["local_route"],
            "threads": options.threads,
            "rounds": options.rounds,
            "counted": "reading, encoding of images and texts, similarities, metrics, intervals; not loading the model",
        },
        metrics
        | {
            "ratio": medians["fused"] / medians["global"],
            "peak_extra_mib": peaks[1] - peaks[0],
            "global_seconds": medians["global"],
            "fused_seconds": medians["fused"],
        },
    )


if __name__ == "__main__":
    main()
