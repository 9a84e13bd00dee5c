"""Counting a stream while it is consumed, so that a long command can say how much is left."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")

MOST_AHEAD = 200_000
"""Items held at most; a longer stream is counted only as far as this ahead of its consumer."""


class LookAhead(Generic[Item]):
    """Iterates over `items`, drawing them in a thread of its own ahead of the consumer.

    Args:
        items: drawn once; what it raises is raised from the iteration.
        most: items held at most.
    """

    def __init__(self, items: Iterable[Item], most: int = MOST_AHEAD) -> None:
        self._queue: queue.Queue[Item | _End] = queue.Queue(most)
        self._items = items
        self._counted = 0
        self._ended = False
        self._thread = threading.Thread(target=self._draw, name="swath-look-ahead", daemon=True)
        self._thread.start()

    @property
    def total(self) -> int | None:
        """How many items there are; None until the last has been drawn."""
        return self._counted if self._ended else None

    def __iter__(self) -> Iterator[Item]:
        while not isinstance(item := self._queue.get(), _End):
            yield item
        if item.error is not None:
            raise item.error

    def _draw(self) -> None:
        error: BaseException | None = None
        try:
            for item in self._items:
                self._queue.put(item)
                self._counted += 1
        except BaseException as raised:
            error = raised
        self._ended = error is None
        self._queue.put(_End(error))


class _End:
    """Ends the queue; carries what ended the stream early."""

    def __init__(self, error: BaseException | None) -> None:
        self.error = error
