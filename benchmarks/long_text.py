"""Paragraphs as queries: a model's 77-token form against its 248-token form, on RSICD test and UCM test.

    python benchmarks/long_text.py --model-77 runs/swath-mini/best --model-248 swath-mini

writes `long_text.json`. Long captions are written by `swath.corpus.long` from the captions and the class of each test
image, facts only; nothing of the test sets is trained on. `mR` is the mean of the six recalls, images and paragraphs
both asked; metrics of UCM begin with `ucm_`.

- `mR_77`: paragraphs cut to 77 tokens, as published models of that context read them.
- `mR_77_window`: the same model reads all of a paragraph, window by window, and pools.
- `mR_248`: the 248-token form; `mR_248_cut`: the same weights, given only the first 77 tokens. What lies between
  `mR_77` and `mR_248_cut` is training, what lies between `mR_248_cut` and `mR_248` is context.
- `short_mR_77`, `short_mR_248`: the data set's own captions.
- `over_...`: only images whose paragraph is over 77 tokens, as queries and as gallery.
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from harness import data_root, write_result
from numpy.typing import NDArray
from torch import Tensor

from swath.corpus.long import write_long_captions
from swath.data import Dataset, read_dataset
from swath.evaluation.encoding import encode_pictures
from swath.evaluation.intervals import bootstrap, compare_runs
from swath.evaluation.relation import Relation
from swath.evaluation.retrieval import RetrievalResult, evaluate
from swath.models import DualEncoder, ragged
from swath.models.towers import Truncation
from swath.training.tokens import clip_tokenizer

DATASETS = {"rsicd": "", "ucm": "ucm_"}
"""Data sets, and what the names of their metrics begin with."""

SHORT_CONTEXT = 77
DIFFERENCES = {
    "gain": ("mR_77", "mR_248"),
    "gain_over_window": ("mR_77_window", "mR_248"),
    "gain_of_context": ("mR_248_cut", "mR_248"),
    "over_gain": ("over_mR_77", "over_mR_248"),
    "short_change": ("short_mR_77", "short_mR_248"),
}
"""Paired differences: from which run to which."""


@dataclass(frozen=True)
class Texts:
    """Texts of a data set's images: (T,) texts, (T,) the image of each, and how many images there are."""

    texts: list[str]
    owner: NDArray[np.int64]
    images: int

    def of_images(self, kept: NDArray[np.bool_]) -> Texts:
        """The texts of some images, which are numbered anew."""
        rows = np.flatnonzero(kept[self.owner])
        number = np.cumsum(kept) - 1
        return Texts([self.texts[row] for row in rows], number[self.owner[rows]], int(kept.sum()))

    def judged(self, vectors: Tensor, images: Tensor) -> RetrievalResult:
        """Rank both ways."""
        return evaluate(vectors @ images.T, Relation.from_rows(self.texts, self.owner, self.images))


@dataclass(frozen=True)
class Encoded:
    """A model with the images of a data set."""

    model: DualEncoder
    images: Tensor

    def run(self, texts: Texts, truncation: Truncation = "count") -> RetrievalResult:
        """Retrieval with a truncation policy."""
        vectors = self.model.encode_texts(texts.texts, truncation=truncation, tokens=False).pooled
        return texts.judged(vectors.cpu(), self.images)

    def run_cut(self, texts: Texts, length: int) -> RetrievalResult:
        """Retrieval with the first tokens of each text only."""
        ids = clip_tokenizer(self.model)(texts.texts, length, "count").ids
        found = ragged.encode(self.model.text, ids, self.model.device, pad_to_context=False, tokens=False)
        return texts.judged(found.pooled.cpu(), self.images)


def with_long_captions(name: str, folder: Path, limit: int | None) -> Dataset:
    """The test split with long captions."""
    test = read_dataset(data_root() / name).split("test")
    table = folder / f"{name}.parquet"
    write_long_captions(test, table)
    found = read_dataset(table, images=test.root, name=name)
    step = 1 if limit is None else max(1, len(found) // limit)
    return Dataset(name, found.pairs[::step], found.failures, found.root)


def measure(
    data: Dataset, short: DualEncoder, long: DualEncoder
) -> tuple[dict[str, RetrievalResult], NDArray[np.int64]]:
    """All runs on a data set, and the length of every paragraph in tokens."""
    encoded = []
    for model in (short, long):
        _, images, failures = encode_pictures(model, data.pairs, tokens=False)
        if failures:
            raise SystemExit(f"images cannot be read: {failures[0]}")
        encoded.append(Encoded(model, images.pooled.cpu()))
    at_77, at_248 = encoded
    captions, paragraphs = Texts(*data.captions(), len(data)), Texts(*data.long_captions(), len(data))
    lengths = np.array([len(ids) for ids in clip_tokenizer(long)(paragraphs.texts, 10**6, "count").ids])
    longest = np.zeros(len(data), dtype=np.int64)
    np.maximum.at(longest, paragraphs.owner, lengths)
    chosen = longest > SHORT_CONTEXT
    over = paragraphs.of_images(chosen)
    runs = {
        "mR_77": at_77.run(paragraphs),
        "mR_77_window": at_77.run(paragraphs, "window"),
        "mR_248": at_248.run(paragraphs),
        "mR_248_cut": at_248.run_cut(paragraphs, SHORT_CONTEXT),
        "short_mR_77": at_77.run(captions),
        "short_mR_248": at_248.run(captions),
        "over_mR_77": Encoded(short, at_77.images[chosen]).run(over),
        "over_mR_77_window": Encoded(short, at_77.images[chosen]).run(over, "window"),
        "over_mR_248": Encoded(long, at_248.images[chosen]).run(over),
    }
    return runs, lengths


def main() -> None:
    """Measure and write the result."""
    arguments = _arguments()
    short = DualEncoder.from_pretrained(arguments.model_77, dtype=arguments.dtype)
    long = DualEncoder.from_pretrained(arguments.model_248, dtype=arguments.dtype)
    if short.config.text.context_length != SHORT_CONTEXT or long.config.text.context_length <= SHORT_CONTEXT:
        raise SystemExit("--model-77 must have a context of 77 tokens, --model-248 a longer one")
    metrics: dict[str, float] = {}
    intervals: dict[str, tuple[float, float]] = {}
    about: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, prefix in DATASETS.items():
            data = with_long_captions(name, Path(folder), arguments.limit)
            runs, lengths = measure(data, short, long)
            for run, result in runs.items():
                metrics[prefix + run] = result.metrics["mR"]
                intervals[prefix + run] = bootstrap(result, arguments.rounds)["mR"]
            for difference, (before, after) in DIFFERENCES.items():
                rows = compare_runs(runs[before], runs[after], arguments.rounds)
                found = next(row for row in rows if row.metric == "mR")
                metrics[prefix + difference] = found.difference
                metrics[f"{prefix}{difference}_p"] = found.p_value
                intervals[prefix + difference] = (found.low, found.high)
            about[name] = _lengths(lengths, len(data), long.config.text.context_length)
    write_result(
        "long_text",
        settings={
            "model_77": short.model_id,
            "model_248": long.model_id,
            "dtype": str(long.dtype).removeprefix("torch."),
            "long_captions": "grammar writer, from captions and class of each test image",
            "paragraphs": about,
            "intervals": f"95 % bootstrap over images, {arguments.rounds} rounds; p: paired permutation test",
        },
        metrics=metrics,
        intervals=intervals,
    )


def _lengths(lengths: NDArray[np.int64], images: int, context: int) -> dict[str, float]:
    """How long the paragraphs are, in tokens of the model's own encoding, start and end counted."""
    return {
        "images": images,
        "median_tokens": float(np.median(lengths)),
        "longest": int(lengths.max()),
        "over_77": int((lengths > SHORT_CONTEXT).sum()),
        "over_context": int((lengths > context).sum()),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model-77", default="swath-mini", help="name or directory of the 77-token form")
    parser.add_argument("--model-248", required=True, help="name or directory of the 248-token form")
    parser.add_argument("--dtype", default="auto", help="precision of the weights")
    parser.add_argument("--rounds", type=int, default=2000, help="bootstrap resamples and permutations")
    parser.add_argument("--limit", type=int, help="about this many images a data set, to try it out")
    return parser.parse_args()


if __name__ == "__main__":
    main()
