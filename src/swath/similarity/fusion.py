"""Global and local similarity in one score.

EBAKER fuses at inference, ``Sim = alpha Sim^g + beta Sim^l`` with 0.6 and 0.4. As published, Sim^g is a cosine and
Sim^l an unscaled norm that may reach 61, so the local part decides nearly alone. `Fusion.calibrate` instead brings both
parts to unit spread and takes the weights that do best on a validation split; both then stay fixed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from torch import Tensor

from swath.errors import InputError

WEIGHTS = tuple(step / 10 for step in range(11))
"""Weights of the local part that calibration tries by default: the paper's Table 3."""


@dataclass(frozen=True, slots=True)
class Fusion:
    """``alpha (g - global_mean) / global_std + beta (l - local_mean) / local_std``.

    Attributes:
        alpha: weight of global similarity.
        beta: weight of local similarity.
        global_mean: subtracted from global similarity.
        global_std: divides it.
        local_mean: subtracted from local similarity.
        local_std: divides it.
        normalise: whether the local part must be count-normalised (`local_similarity(..., normalise=True)`).
        ends: whether the start and end tokens of a text count in the local part (`local_similarity_of(..., ends=...)`).
    """

    alpha: float = 0.6
    beta: float = 0.4
    global_mean: float = 0.0
    global_std: float = 1.0
    local_mean: float = 0.0
    local_std: float = 1.0
    normalise: bool = False
    ends: bool = True

    def __post_init__(self) -> None:
        numbers = {name: value for name, value in asdict(self).items() if name not in ("normalise", "ends")}
        for name, value in numbers.items():
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                raise InputError(f"{name} of a fusion must be a number, got {value!r}")
        if not (self.global_std > 0 and self.local_std > 0):
            raise InputError(f"a spread must be above 0, got {self.global_std} and {self.local_std}")

    def __call__(self, pooled: Tensor, local: Tensor) -> Tensor:
        """Fuse.

        Args:
            pooled: global similarities, any shape.
            local: local similarities of the same shape.

        Raises:
            InputError: the shapes differ.
        """
        if pooled.shape != local.shape:
            raise InputError(f"global similarities are {tuple(pooled.shape)}, local ones {tuple(local.shape)}")
        shift = self.alpha * self.global_mean / self.global_std + self.beta * self.local_mean / self.local_std
        fused = pooled * (self.alpha / self.global_std)
        return fused.add(local.to(fused.dtype), alpha=self.beta / self.local_std).sub_(shift)

    @classmethod
    def calibrate(
        cls,
        pooled: Tensor,
        local: Tensor,
        metric: Callable[[Tensor], float],
        *,
        weights: Sequence[float] = WEIGHTS,
        normalise: bool = False,
        ends: bool = True,
    ) -> Self:
        """Scale both parts to unit spread and choose the weights on a validation split.

        Args:
            pooled: (T, I) global similarities of the validation split.
            local: (T, I) local similarities of the same.
            metric: what to maximise, given fused scores: mean recall, say. Never of the test split.
            weights: candidate weights of the local part, 0 to 1; the global part has the rest. Of equally good ones the
                smallest is taken.
            normalise: recorded: whether `local` was count-normalised.
            ends: recorded: whether start and end tokens counted in `local`.

        Raises:
            InputError: no weights, weights out of range, or similarities without any spread.
        """
        if not weights or min(weights) < 0 or max(weights) > 1:
            raise InputError(f"weights must be between 0 and 1, got {list(weights)}")
        means = [float(part.double().mean()) for part in (pooled, local)]
        spreads = [float(part.double().std(correction=0)) for part in (pooled, local)]
        if min(spreads) <= 0 or pooled.numel() < 2:
            raise InputError(f"similarities without spread cannot be calibrated (standard deviations {spreads})")
        best, found = -float("inf"), None
        for beta in sorted(weights):
            fusion = cls(1.0 - beta, beta, means[0], spreads[0], means[1], spreads[1], normalise, ends)
            value = metric(fusion(pooled, local))
            if value > best:
                best, found = value, fusion
        if found is None:
            raise InputError("the metric gave no number for any weight")
        return found

    def to_dict(self) -> dict[str, Any]:
        """JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The fusion that `to_dict` wrote.

        Raises:
            InputError: a field is unknown or cannot be used.
        """
        try:
            return cls(**values)
        except TypeError as error:
            raise InputError(f"not a fusion: {error}") from error


PUBLISHED = Fusion()
"""EBAKER's fusion, verbatim: 0.6 and 0.4 of unscaled parts."""
