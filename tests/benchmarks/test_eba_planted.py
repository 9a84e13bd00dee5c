from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from scipy.stats import binomtest

from generate.captions import karpathy
from swath.data import Dataset, read_dataset
from swath.errors import InputError

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(scope="module")
def benchmark() -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        yield importlib.import_module("eba_planted")


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """24 images of four classes, three captions each; no two classes share one."""
    return read_dataset(karpathy(tmp_path_factory.mktemp("data"), per_class=6))


@pytest.fixture
def one_thread() -> Iterator[None]:
    """Steps so small are not worth sharing: on busy cores, threads that wait for each other take all the time."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("share", [0.2, 0.5])
@pytest.mark.parametrize("seed", range(5))
def test_planted_captions_are_of_another_class_and_the_rest_stay(
    benchmark: Any, pairs: Dataset, share: float, seed: int
) -> None:
    planted = benchmark.plant(pairs.pairs, share, np.random.default_rng(seed))
    owner = {text: pair.labels[0] for pair in pairs for text in pair.captions}
    changed = [
        (pair.name, text)
        for before, pair in zip(pairs, planted.pairs, strict=True)
        for old, text in zip(before.captions, pair.captions, strict=True)
        if old != text
    ]
    assert len(changed) == round(share * 72)
    assert planted.wrong == set(changed)
    label = {pair.name: pair.labels[0] for pair in pairs}
    assert all(owner[text] != label[image] for image, text in changed)
    before, after = (Counter(text for pair in one for text in pair.captions) for one in (pairs, planted.pairs))
    assert before == after


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_captions_planted_in_real_data_are_what_is_eliminated(
    benchmark: Any, shared_data: Path, one_thread: None
) -> None:
    """One caption in twenty of 1,000 UCM images is another class's; the weakest pairs must be mostly those."""
    options = benchmark.arguments([])
    data, random = read_dataset(shared_data / "ucm"), np.random.default_rng(options.seed)
    planted = benchmark.plant(benchmark.subset(data.split("train"), options.images, random), 0.05, random)
    eliminated, weakest = benchmark.measure(planted, data.split("val").pairs[:64], data.root, 0.05, options)
    assert eliminated.picked == pytest.approx(len(planted.wrong), rel=0.05)
    assert eliminated.precision >= 0.5  # chance: 0.05
    assert weakest.precision >= 0.5


def test_captions_that_cannot_be_exchanged_are_refused(benchmark: Any, pairs: Dataset) -> None:
    with pytest.raises(InputError, match="1 captions cannot be exchanged between classes; plant more"):
        benchmark.plant(pairs.pairs, 1 / 72, np.random.default_rng(0))


@pytest.mark.parametrize(("hits", "of"), [(0, 7), (3, 7), (91, 142), (142, 142)])
def test_the_interval_is_wilsons(benchmark: Any, hits: int, of: int) -> None:
    expected = binomtest(hits, of).proportion_ci(0.95, method="wilson")
    assert benchmark.wilson(hits, of) == pytest.approx((expected.low, expected.high), abs=1e-4)
