"""Ray nodes on this machine for tests: they start however busy it is, and nothing of them stays."""

from __future__ import annotations

import os
import random
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

TESTS = str(Path(__file__).parents[1])

# Ray gives its parts seconds that a machine with two busy cores does not have.
_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_worker_niceness": "0",  # else workers stand still beside whatever else is run
    "RAY_memory_monitor_refresh_ms": "0",  # else workers are killed where other processes hold the memory
    "RAY_worker_register_timeout_seconds": "300",
    "RAY_agent_register_timeout_ms": "300000",
    "RAY_health_check_timeout_ms": "60000",
}
_NODE: dict[str, Any] = {
    "num_cpus": 1,
    "object_store_memory": 2**27,
    "include_dashboard": False,
    "include_log_monitor": False,
    "no_monitor": True,
}
_TRIES = 3
_PORTS = range(20_000, 32_000)  # above those of Ray's workers, below those that systems give out


@contextmanager
def ray_settings() -> Iterator[Path]:
    """Settings for the Ray that is started within; gives its folder, gone afterwards like its processes."""
    folder = Path(tempfile.mkdtemp(prefix="ray"))  # not pytest's: a socket's path is 107 characters at most
    with pytest.MonkeyPatch.context() as patch:
        for name, value in _SETTINGS.items():
            patch.setenv(name, value)
        patch.setenv("RAY_TMPDIR", str(folder))
        patch.setenv("PYTHONPATH", TESTS)  # workers load the fakes from here
        try:
            yield folder
            assert not _left(folder), f"processes stayed: {_left(folder)}"
        finally:
            _end(folder)
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def cluster(*nodes: dict[str, Any]) -> Iterator[Any]:
    """A Ray cluster with a node for each dict of its resources; a `ray.cluster_utils.Cluster`."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    with ExitStack() as closing:
        folder = closing.enter_context(ray_settings()) / "ray"  # where Ray looks itself
        folder.mkdir()
        for tries_left in reversed(range(_TRIES)):
            found, session = Cluster(), f"session_{tries_left}"
            try:
                for place, resources in enumerate(nodes):
                    head = {"temp_dir": str(folder), "session_name": session} if place == 0 else {}
                    found.add_node(**_NODE | _agents(folder / session) | head | resources)
            except Exception:
                found.shutdown()
                _end(folder)  # what a node had started that did not start in time
                if not tries_left:
                    raise
            else:
                break
        closing.callback(found.shutdown)
        yield found


def _agents(session: Path) -> dict[str, Any]:
    """A node's name and the ports of its agents, also written where the node looks for them.

    It would wait 15 seconds for its agents to write them and then end itself, which is not a matter of settings:
    https://github.com/ray-project/ray/issues/65983.
    """
    import ray
    from ray._raylet import persist_port

    session.mkdir(exist_ok=True)
    name = ray.NodeID.from_random().hex()
    kinds = ["metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port", "runtime_env_agent_port"]
    with ExitStack() as closing:
        sockets = [closing.enter_context(_listener()) for _ in kinds]
        ports = {kind: each.getsockname()[1] for kind, each in zip(kinds, sockets, strict=True)}
    for kind, port in ports.items():
        persist_port(str(session), name, kind, port)
    return {**ports, "env_vars": {"RAY_OVERRIDE_NODE_ID_FOR_TESTING": name}}


def _listener() -> socket.socket:
    """A socket on a free port that nobody is given who asks for any: it is closed before an agent takes its port."""
    for port in random.SystemRandom().sample(_PORTS, len(_PORTS)):
        with suppress(OSError):
            return socket.create_server(("127.0.0.1", port))
    raise OSError(f"no port of {_PORTS} is free")


def _left(folder: Path, seconds: float = 20.0) -> list[int]:
    """Processes that have to do with the folder, after a while in which they may end."""
    until = time.monotonic() + seconds
    while (found := [number for number in _processes() if _uses(number, folder)]) and time.monotonic() < until:
        time.sleep(0.2)
    return found


def _end(folder: Path) -> None:
    for number in _left(folder, 0.0):
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)


def _processes() -> list[int]:
    return [int(path.name) for path in Path("/proc").glob("[0-9]*") if int(path.name) != os.getpid()]


def _uses(number: int, folder: Path) -> bool:
    """Whether a process names the folder or has a file of it open, as the logs of workers are, who change their name.

    One that has ended, a zombie too, has neither.
    """
    process = Path(f"/proc/{number}")
    try:
        if str(folder).encode() in process.joinpath("cmdline").read_bytes():
            return True
        return any(os.readlink(path).startswith(str(folder)) for path in process.joinpath("fd").iterdir())
    except OSError:
        return False
