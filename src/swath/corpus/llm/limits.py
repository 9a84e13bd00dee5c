"""How fast, how long and how often: rate limit, timeouts, back-off."""

from __future__ import annotations

import math
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from swath.errors import InputError


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of the traffic with one endpoint.

    Attributes:
        concurrency: requests at the same time.
        per_minute: requests a minute; None for no limit.
        timeout: seconds for one whole answer.
        retries: how often one request is sent again.
        backoff: seconds before the first retry; doubled each time, with jitter.
        longest_wait: seconds; the longest pause before a retry, also where a server asks for more.
    """

    concurrency: int = 4
    per_minute: float | None = None
    timeout: float = 120.0
    retries: int = 6
    backoff: float = 1.0
    longest_wait: float = 120.0

    def __post_init__(self) -> None:
        positive = (self.concurrency, self.timeout, 1.0 if self.per_minute is None else self.per_minute)
        others = (self.retries, self.backoff, self.longest_wait)
        if not all(0 < value < math.inf for value in positive) or not all(0 <= value < math.inf for value in others):
            raise InputError(f"limits must be positive, finite numbers: {self}")

    def pause(self, attempt: int, asked: float | None, rng: random.Random) -> float:
        """Seconds before retry number `attempt` (from 0): what the server asked for, or a random time that grows.

        Full jitter (Brooker, "Exponential backoff and jitter"): many clients that failed together do not return
        together.
        """
        if asked is not None:
            return min(max(asked, 0.0), self.longest_wait)
        return rng.uniform(0.5, 1.0) * min(self.backoff * 2.0**attempt, self.longest_wait)


class Pacer:
    """Lets requests go one by one at the rate allowed, and none while the server asks for a pause.

    Args:
        per_minute: requests a minute; None for no limit.
        clock: seconds, monotonic.
        sleep: waits for seconds.
    """

    def __init__(
        self,
        per_minute: float | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._gap = 60.0 / per_minute if per_minute else 0.0
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._next = clock()

    def wait(self) -> None:
        """Return when the next request may be sent; who waits also waits for a pause that is asked for meanwhile."""
        while True:
            with self._lock:
                now = self._clock()
                pause = self._next - now
                if pause <= 0:
                    self._next = now + self._gap
                    return
            self._sleep(pause)

    def hold(self, seconds: float) -> None:
        """Send nothing for so long: the server said that it has had enough."""
        with self._lock:
            self._next = max(self._next, self._clock() + seconds)


def retry_after(value: str | None) -> float | None:
    """Seconds to wait from a ``Retry-After`` header: a number of seconds or an HTTP date; None where it is neither."""
    if value is None:
        return None
    try:
        seconds = float(value)
        return seconds if seconds >= 0 else None
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - datetime.now(UTC)).total_seconds())
