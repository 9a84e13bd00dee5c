"""`Newest`: the snapshot that an archive is read by, renewed as processes write.

A new version is looked for at every read, at little cost. It is taken at once, unless `Newest.load_ahead` was asked
for: then the version before it answers until a large new one has been loaded, so that no read waits for that.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np

from swath.archive.snapshot import Limits, Snapshot
from swath.archive.store import LOOKS, Store
from swath.errors import SwathError, VersionGoneError

T = TypeVar("T")

logger = logging.getLogger("swath.archive")

REMOTE_REFRESH_SECONDS = 5.0
LOCAL_REFRESH_SECONDS = 1.0  # where the time of the folder says that nothing was written; it may come late over NFS
_SETTLED_NS = 10**9  # a folder that changed later than this ago may change again within one tick of its clock
LOADED_AT_ONCE = 2**25
"""Vectors up to this many bytes are loaded sooner than anybody notices."""


class Newest:
    """The newest snapshot of one archive; safe to share between threads."""

    def __init__(self, store: Store, limits: Limits) -> None:
        self._store = store
        self._limits = limits
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._coming: Snapshot | None = None
        self._steps: tuple[Callable[[Snapshot], object], ...] = ()
        self._checked_at = -np.inf
        self._settled: int | None = None
        self._own_writes = False

    def get(self) -> Snapshot:
        """The newest snapshot; the one at hand while no process has written since, or while it is being loaded."""
        with self._lock:
            changed = self._store.changed_at()
            wait = REMOTE_REFRESH_SECONDS if changed is None else LOCAL_REFRESH_SECONDS
            now = time.monotonic()
            if self._snapshot is None or changed != self._settled or now - self._checked_at >= wait:
                old = changed is not None and time.time_ns() - changed > _SETTLED_NS
                self._checked_at, self._settled = now, None
                self._snapshot = self._renewed(self._snapshot)
                self._settled = changed if old else None
            return self._snapshot

    def read(self, ask: Callable[[Snapshot], T]) -> T:
        """What is asked of the newest snapshot; asked again where its version was removed in favour of a newer one."""
        for _ in range(LOOKS - 1):
            try:
                return ask(self.get())
            except VersionGoneError:
                self.refresh()
        return ask(self.get())

    def refresh(self) -> None:
        """Look for the newest version at the next read, and take it at once: what this process wrote is seen by it."""
        self._own_writes = True
        self._checked_at = -np.inf

    def load_ahead(self, *steps: Callable[[Snapshot], object]) -> None:
        """Prepare the newest snapshot now, and from now on those to come, in a thread, before they are read by.

        While one is prepared, the vectors of two are in memory. Small archives are taken at once as before.

        Args:
            *steps: load a snapshot, and find whatever else reads would wait for.
        """
        self.read(lambda snapshot: [step(snapshot) for step in steps])
        with self._lock:
            self._steps = steps

    def _renewed(self, known: Snapshot | None) -> Snapshot:
        """What is to be read by now, `known` being what was so far."""
        own_writes, self._own_writes = self._own_writes, False
        if known is None:
            return self._made()
        version, coming = self._store.newest_version(), self._coming
        if version == known.version:
            return known
        waits = bool(self._steps) and not own_writes
        # Maintenance may have removed what is read by: better to wait for the new one than to fail.
        if waits and coming is not None and self._store.version(known.version) is not None:
            return known
        found = coming if coming is not None and version == coming.version else self._made()
        if waits and coming is None and found.bytes > LOADED_AT_ONCE:
            self._coming = found
            threading.Thread(target=self._load, args=(found,), daemon=True, name="swath-load").start()
            return known
        self._coming = None
        return found

    def _made(self) -> Snapshot:
        return Snapshot(self._store.uri, self._store.snapshot(), self._store.about.dim, self._limits)

    def _load(self, coming: Snapshot) -> None:
        try:
            for step in self._steps:
                step(coming)
        except SwathError as error:
            # Those who read by it meet what is wrong themselves.
            logger.warning("version %d of archive %s cannot be loaded: %s", coming.version, self._store.uri, error)
        finally:
            with self._lock:
                if self._coming is coming:
                    self._snapshot, self._coming = coming, None
