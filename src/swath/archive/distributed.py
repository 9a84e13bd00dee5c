"""`ingest_on_ray`: index scenes with several processes, on this machine or on a Ray cluster.

    tasks       cut scenes into chips: only headers are read
    this        process gathers chips into fragments and hands each to a worker that has little to do
    workers     actors that hold the model (and a share of a GPU, where the cluster has one) and the archive; each runs
                `swath.archive.ingest.index_chips`, as the engine of one process does, and commits a fragment at once

A chip's id decides whether it is there, and a commit inserts absent ids only: a fragment that is done twice, because
its worker was lost after the commit and before its report, adds nothing the second time. The fragments of a worker
that is lost go to others, and Ray starts it anew where there is room. A fragment that workers are lost on again and
again is halved until the chip that does it is alone, which is then reported as a failure.

Workers open the archive, the model and the scenes by the addresses that this process uses: on several machines these
must be on shared storage or object stores, and each machine needs its own credentials for them.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

from swath.archive.archive import Archive
from swath.archive.encoder import Encoder
from swath.archive.ingest import ChipFailure, IngestReport, Progress, index_chips
from swath.archive.pipeline import IngestOptions
from swath.chips import Chip, Pixels, SceneRef
from swath.errors import ArchiveError, InputError, MissingExtraError, SourceError

_AHEAD = 2  # fragments that a worker has: one in work, one waiting
_CUTTING = 2  # tasks that cut at a time
_SCENES_A_TASK = 8
_TRIES = 3  # of a fragment whose workers are lost, all but the first alone, before it is halved
_STARTS = 20  # of a worker
_BEGINS = 3  # of Ray on this machine
_PAUSE = 0.5  # seconds, before a worker that is starting is asked again
_ANSWER_SECONDS = 10.0  # that the address of a cluster may take
_STORE_BYTES = 128 * 2**20  # chips are references; no pixel goes through Ray's object store

Cut = Callable[[SceneRef], Sequence[Chip]]


@dataclass(frozen=True, slots=True)
class RayOptions:
    """How an ingest is spread.

    Attributes:
        address: of a cluster (``HOST:PORT``, ``ray://HOST:PORT``, ``auto``); None starts Ray on this machine, or takes
            the one that this process has started.
        workers: processes that hold a model each; on a cluster with less room, those that find some.
        fragment: chips that a worker takes and commits at once; what a lost worker had in work is done again.
        gpus: whether workers take a GPU (several share one where there are fewer); None where the cluster has any.
    """

    address: str | None = None
    workers: int = 2
    fragment: int = 512
    gpus: bool | None = None

    def __post_init__(self) -> None:
        if min(self.workers, self.fragment) < 1:
            raise InputError(f"workers and chips of a fragment must be at least 1, got {self}")


def ingest_on_ray(
    archive: Archive,
    scenes: Iterable[SceneRef],
    encoder: Callable[[], Encoder],
    cut: Cut,
    *,
    spread: RayOptions | None = None,
    options: IngestOptions | None = None,
    progress: Callable[[Progress], None] | None = None,
    failed: Callable[[str, str], None] | None = None,
    read: Callable[[Chip], Pixels] | None = None,
) -> IngestReport:
    """Index scenes with several processes; the rows are those that `swath.archive.ingest` makes.

    Args:
        archive: where to, at an address that every worker can open.
        scenes: what.
        encoder: loads the archive's model; called in every worker.
        cut: makes the chips of a scene, such as a `functools.partial` of `swath.sources.cut_scene`.
        spread: the cluster, how many workers, and what each takes at a time.
        options: how each worker runs; a fragment is one commit, whatever they say of commits.
        progress: called whenever a fragment is done, a worker is ready, or scenes are cut.
        failed: called with the address and the reason of a scene that could not be cut.
        read: reads a chip's pixels; by default `swath.raster.read_chip`.

    Returns:
        What was done. Chips that a lost worker had committed without reporting count as present.

    Raises:
        MissingExtraError: Ray is not installed.
        InputError: there is no cluster at the address.
        ArchiveError: the archive cannot be written. What was committed is safe.
        ModelMismatchError: `encoder` gives another model than the archive's.
    """
    spread = spread or RayOptions()
    # One commit a fragment: neither rows nor seconds make one earlier.
    options = replace(options or IngestOptions(), commit_rows=spread.fragment, commit_seconds=86_400.0)
    with _ray(spread) as ray:
        workers = _start(ray, spread, archive.uri, encoder, options, read)
        run = _Run(ray, workers, iter(scenes), cut, spread.fragment, failed)
        try:
            while run.step():
                if progress is not None:
                    progress(run.progress())
            run.finish()
        finally:
            for worker in workers:
                ray.kill(worker)
    archive.refresh()
    return run.report()


class _Worker:
    """Holds the model and the archive; Ray runs it as an actor."""

    def __init__(
        self,
        uri: str,
        encoder: Callable[[], Encoder],
        options: IngestOptions,
        read: Callable[[Chip], Pixels] | None,
    ) -> None:
        self._uri, self._load, self._options, self._read = uri, encoder, options, read
        self._encoder: Encoder | None = None
        self._archive: Archive | None = None

    def open(self) -> tuple[Archive, Encoder]:
        """Open what is held; not in `__init__`, whose errors Ray does not pass on as they are."""
        if self._archive is None or self._encoder is None:
            self._encoder = self._load()
            self._archive = Archive.open(self._uri, self._encoder)
        return self._archive, self._encoder

    def ready(self) -> bool:
        """Returns once the worker can take fragments."""
        self.open()
        return True

    def index(self, chips: list[Chip]) -> IngestReport:
        """Index one fragment."""
        archive, encoder = self.open()
        archive.refresh()
        present = archive.present_ids([chip.id for chip in chips])
        return index_chips(archive, chips, encoder, present, options=self._options, read=self._read)

    def finish(self) -> None:
        """Leave the archive as `swath.archive.ingest` does."""
        archive, encoder = self.open()
        archive.refresh()
        archive.ensure_background(encoder)


class _Run:
    """What is under way, and what came of the rest."""

    def __init__(
        self,
        ray: Any,  # noqa: ANN401 - ray is untyped
        workers: Sequence[Any],
        scenes: Iterator[SceneRef],
        cut: Cut,
        fragment: int,
        failed: Callable[[str, str], None] | None,
    ) -> None:
        self._ray, self._workers, self._scenes, self._fragment = ray, workers, scenes, fragment
        self._failed = failed
        self._cut = partial(ray.remote(num_cpus=0, max_retries=_TRIES)(_cut_scenes).remote, cut)
        self._all_cut = False
        self._loose: list[Chip] = []
        self._waiting: deque[tuple[list[Chip], int]] = deque()  # fragments, how often each was tried
        self._cutting: list[Any] = []
        self._working: dict[Any, tuple[int, list[Chip], int]] = {}
        self._starting = {self._wake(number): number for number in range(len(workers))}
        self._awake: set[int] = set()
        self._added = self._present = self._empty = 0
        self._failures: list[ChipFailure] = []
        self._started = time.monotonic()

    def step(self) -> bool:
        """Hand out what there is and wait for something to be done; False once everything is.

        Raises:
            SwathError: of a worker, such as an archive that cannot be written.
        """
        self._hand_out()
        if not self._cutting and not self._working and not self._waiting:
            return False
        # A worker that cannot start (no room for it) must not be waited for alone.
        under_way = [*self._cutting, *self._working, *self._starting]
        for reference in self._ray.wait(under_way, num_returns=1)[0]:
            if reference in self._working:
                self._settle(reference)
            elif reference in self._starting:
                self._welcome(reference)
            else:
                self._gather(reference)
        return True

    def finish(self) -> None:
        """Let one worker do what is done once."""
        for _ in range(_TRIES):
            while not self._awake:
                for reference in self._ray.wait(list(self._starting), num_returns=1)[0]:
                    self._welcome(reference)
            number = min(self._awake)
            try:
                self._result(self._workers[number].finish.remote())
            except self._ray.exceptions.RayError:
                self._lose(number)
            else:
                return
        raise ArchiveError(f"{_TRIES} workers were lost after the last commit; every chip is indexed, run again to end")

    def progress(self) -> Progress:
        """How far this is; the total is not known before all scenes are cut."""
        seconds = time.monotonic() - self._started
        worked = self._added + self._empty + len(self._failures)
        rest = sum(len(chips) for chips, _ in self._waiting) + sum(len(chips) for _, chips, _ in self._working.values())
        done = worked + self._present
        total = done + rest if self._all_cut and not self._cutting else None
        rate = worked / seconds if seconds > 0 else 0.0
        left = None if total is None or rate == 0 else rest / rate
        return Progress(done, total, self._added, self._present, self._empty, len(self._failures), rate, left)

    def report(self) -> IngestReport:
        """What was done."""
        seconds = time.monotonic() - self._started
        return IngestReport(self._added, self._present, self._empty, self._failures, seconds)

    def _hand_out(self) -> None:
        """Keep tasks and workers busy."""
        enough = 2 * _AHEAD * len(self._workers)
        while not self._all_cut and len(self._cutting) < _CUTTING and len(self._waiting) < enough:
            scenes = list(islice(self._scenes, _SCENES_A_TASK))
            if scenes:
                self._cutting.append(self._cut(scenes))
            self._all_cut = not scenes
        if self._all_cut and not self._cutting and self._loose:
            self._waiting.append((self._loose, 0))
            self._loose = []
        load = dict.fromkeys(self._awake, 0)
        for number, _, tried in self._working.values():
            if number in load:
                load[number] += _AHEAD if tried > 1 else 1
        while self._waiting and load:
            number = min(load, key=load.__getitem__)
            # What a worker was lost on is tried alone: else what waits behind it would be blamed with it.
            alone = self._waiting[0][1] > 0
            if load[number] >= (1 if alone else _AHEAD):
                break
            chips, tried = self._waiting.popleft()
            self._working[self._workers[number].index.remote(chips)] = (number, chips, tried + 1)
            load[number] += _AHEAD if alone else 1

    def _gather(self, reference: Any) -> None:  # noqa: ANN401
        """Make fragments of the chips that a task has cut."""
        self._cutting.remove(reference)
        chips, failures = self._result(reference)
        for href, reason in failures:
            if self._failed is not None:
                self._failed(href, reason)
        self._loose.extend(chips)
        while len(self._loose) >= self._fragment:
            self._waiting.append((self._loose[: self._fragment], 0))
            self._loose = self._loose[self._fragment :]

    def _settle(self, reference: Any) -> None:  # noqa: ANN401
        """Count what a worker has done; what a lost one had is tried again, by whoever is free."""
        number, chips, tried = self._working.pop(reference)
        try:
            report = self._result(reference)
        except self._ray.exceptions.RayError as lost:
            self._lose(number)
            self._retry(chips, tried, lost)
            return
        self._added += report.added
        self._present += report.present
        self._empty += report.empty
        self._failures += report.failures

    def _retry(self, chips: list[Chip], tried: int, lost: Exception) -> None:
        if tried < _TRIES:
            self._waiting.append((chips, tried))
        elif len(chips) > 1:
            middle = len(chips) // 2
            self._waiting.extend([(chips[:middle], 1), (chips[middle:], 1)])
        else:
            reason = f"{_TRIES} workers that read this chip were lost ({str(lost).splitlines()[0]})"
            self._failures.append(ChipFailure(chips[0].scene.href, chips[0].window.to_list(), reason))

    def _welcome(self, reference: Any) -> None:  # noqa: ANN401
        """Take in a worker that has started; one that cannot start is done without."""
        number = self._starting.pop(reference)
        try:
            self._result(reference)
        except self._ray.exceptions.ActorUnavailableError:
            time.sleep(_PAUSE)  # it is being started anew
            self._starting[self._wake(number)] = number
        except self._ray.exceptions.RayError as lost:
            if not self._awake and not self._starting:
                reason = str(lost).strip().splitlines()[-1]
                raise ArchiveError(f"no worker could be started: {reason}") from lost
        else:
            self._awake.add(number)

    def _lose(self, number: int) -> None:
        """Give a worker nothing more before it has been started anew."""
        if number in self._awake:
            self._awake.remove(number)
            self._starting[self._wake(number)] = number

    def _wake(self, number: int) -> Any:  # noqa: ANN401
        return self._workers[number].ready.options(max_task_retries=_STARTS).remote()

    def _result(self, reference: Any) -> Any:  # noqa: ANN401
        """The value of a reference; errors of the code itself come as they were raised."""
        try:
            return self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            raise (error.cause or error) from error


def _cut_scenes(cut: Cut, scenes: Sequence[SceneRef]) -> tuple[list[Chip], list[tuple[str, str]]]:
    """The chips of some scenes, and (address, reason) of those that could not be cut."""
    chips: list[Chip] = []
    failures = []
    for scene in scenes:
        try:
            chips.extend(cut(scene))
        except SourceError as error:
            failures.append((scene.href, str(error)))
    return chips, failures


def _start(ray: Any, spread: RayOptions, *about: Any) -> list[Any]:  # noqa: ANN401
    """The workers, each with a core and its share of a GPU."""
    gpus = 0.0 if spread.gpus is False else float(ray.cluster_resources().get("GPU", 0))
    if spread.gpus and gpus == 0:
        raise InputError("workers are to take a GPU, and the cluster has none; leave --device at auto, or say cpu")
    share = int(1000 * min(1.0, gpus / spread.workers)) / 1000
    actor = ray.remote(num_cpus=1, num_gpus=share, max_restarts=-1, max_task_retries=0)(_Worker)
    return [actor.remote(*about) for _ in range(spread.workers)]


@contextmanager
def _ray(spread: RayOptions) -> Iterator[Any]:
    """The module `ray`, connected to a cluster; one that is started here ends here."""
    try:
        import ray
    except ImportError as error:
        raise MissingExtraError("ray", "ray") from error
    if ray.is_initialized():
        yield ray
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is told to anybody
    if spread.address is None:
        _start_here(ray, spread.workers)
    else:
        _connect(ray, spread.address)
    try:
        with redirect_stdout(sys.stderr):  # Ray tells of lost workers on standard output, which is a command's own
            yield ray
    finally:
        ray.shutdown()


def _start_here(ray: Any, workers: int) -> None:  # noqa: ANN401
    """Start Ray on this machine.

    Ray gives the parts of a node 15 seconds to start, which those of a busy machine exceed; what they have loaded by
    then loads faster the next time.
    """
    for tries_left in reversed(range(_BEGINS)):
        try:
            ray.init(
                address="local",
                num_cpus=workers,
                object_store_memory=_STORE_BYTES,
                include_dashboard=False,
                log_to_driver=False,
            )
        except Exception as error:  # Ray raises it as it is where a node does not start in time
            ray.shutdown()
            if not tries_left:
                raise InputError(
                    f"Ray did not start on this machine in {_BEGINS} tries: {str(error).splitlines()[0]}; try again "
                    "when it is less busy, or start Ray beforehand with: ray start --head, and add --address auto"
                ) from error
        else:
            return


def _connect(ray: Any, address: str) -> None:  # noqa: ANN401
    """Connect to a cluster."""
    _look_for(address)
    try:
        ray.init(address=address, log_to_driver=False)
    except Exception as error:  # ConnectionError, RuntimeError and others
        raise InputError(
            f"no Ray cluster at {address}: {str(error).splitlines()[0]}; start one with: ray start --head, or leave "
            "out the address"
        ) from error


def _look_for(address: str) -> None:
    """Refuse an address where nobody answers; Ray itself would try for minutes."""
    host, sign, port = address.removeprefix("ray://").rpartition(":")
    if not sign or not port.isdecimal():
        return
    try:
        socket.create_connection((host, int(port)), timeout=_ANSWER_SECONDS).close()
    except OSError as error:
        raise InputError(
            f"no Ray cluster at {address}: {error}; start one with: ray start --head, or leave out the address"
        ) from error
