"""`Elimination`: the similarity banks of a run, and its report of the weakest pairs."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from swath.objectives.elimination import SimilarityBank
from swath.training.batches import TrainingSet
from swath.training.objective import EliminationRecipe
from swath.training.rows import Seen

REPORT = "weakest.csv"
"""File of the report in a run's folder; ``data.exclude`` takes it, or what people leave of it, as it is."""

COLUMNS = ("dataset", "split", "image", "caption", "similarity", "eliminated")


class Elimination:
    """Banks of one run. Every process keeps all of them, from the gathered batches.

    Args:
        settings: the recipe's.
        pairs: number of pairs in the training set.
    """

    def __init__(self, settings: EliminationRecipe, pairs: int) -> None:
        self.settings = settings
        names = ("global",) if settings.scheme == "joint" else ("global", "local")
        self.banks = {name: SimilarityBank(pairs) for name in names}

    def thresholds(self, epoch: int) -> dict[str, float] | None:
        """What an epoch (from 0) eliminates by; None where it trains on every pair."""
        if epoch < self.settings.start_epoch:
            return None
        return {name: bank.threshold(self.settings.ratio) for name, bank in self.banks.items()}

    def record(self, seen: Seen) -> None:
        """Note the pairs of a batch."""
        for name, bank in self.banks.items():
            bank.record(seen.pairs, seen.similarity[name])

    def close_epoch(self) -> None:
        """Make the running epoch the one that the next thresholds come from."""
        for bank in self.banks.values():
            bank.close_epoch()

    def write_report(self, folder: Path, data: TrainingSet) -> None:
        """Write the weakest pairs of the last epoch by global similarity, weakest first, as `REPORT`.

        The last column says whether the pair lies at or under the threshold, so that an epoch from
        `EliminationRecipe.start_epoch` on leaves it out.
        """
        bank = self.banks["global"]
        threshold = bank.threshold(self.settings.ratio)
        fresh = folder / (REPORT + ".new")
        with fresh.open("w", newline="", encoding="utf-8") as file:
            rows = csv.writer(file)
            rows.writerow(COLUMNS)
            for weak in bank.weakest(self.settings.report):
                pair = data.described(weak.index)
                out = "yes" if weak.similarity <= threshold else "no"
                rows.writerow([pair.dataset, pair.split, pair.image, pair.caption, f"{weak.similarity:.6f}", out])
        fresh.replace(folder / REPORT)

    def state_dict(self) -> dict[str, dict[str, Tensor]]:
        """What to save with a checkpoint."""
        return {name: bank.state_dict() for name, bank in self.banks.items()}

    def load_state_dict(self, state: Mapping[str, Mapping[str, Tensor]]) -> None:
        """Go on from what `state_dict` gave.

        Raises:
            CheckpointError: a bank was made for other data.
        """
        for name, bank in self.banks.items():
            bank.load_state_dict(state.get(name, {}))
