"""Heavy work in threads, so many at once and no more waiting than can be served."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from swath.service.problems import RequestError

T = TypeVar("T")


class Workers:
    """Runs work in threads.

    Attributes:
        running: how much is being worked on.
        waiting: how much waits.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        """Set limits.

        Args:
            at_once: how much is worked on at once.
            waiting: how much more may wait.
        """
        self.running = 0
        self.waiting = 0
        self._most_waiting = waiting
        self._slots = asyncio.Semaphore(at_once)

    async def run(self, work: Callable[[], T]) -> T:
        """Do work in a thread.

        Raises:
            RequestError: 429, too much waits already.
        """
        if self.waiting > self._most_waiting:
            raise RequestError(429, "the service is busy; try again in a moment", {"Retry-After": "2"})
        self.waiting += 1
        try:
            await self._slots.acquire()
        finally:
            self.waiting -= 1
        self.running += 1
        # A request that is given up leaves its thread running: its slot is free when the work has ended.
        task = asyncio.ensure_future(run_in_threadpool(work))
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    def _done(self, task: asyncio.Future[T]) -> None:
        self.running -= 1
        self._slots.release()
        if not task.cancelled():
            task.exception()
