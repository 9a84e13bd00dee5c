"""`serve`: the service behind uvicorn, until a signal to stop."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from swath.errors import InputError
from swath.service.app import create_app
from swath.service.ops import set_up_logs
from swath.service.settings import Settings


def serve(settings: Settings, started: Callable[[str], None] | None = None) -> None:
    """Serve until SIGTERM or SIGINT; running requests may end first.

    Args:
        settings: how.
        started: told the address once it is listened on.

    Raises:
        ArchiveError: an archive cannot be opened.
        InputError: the address cannot be listened on.
    """
    set_up_logs(settings.log_format, settings.log_level)
    share_cores(settings.heavy_requests)
    app = create_app(settings)
    listener = listen(settings.host, settings.port)
    port = listener.getsockname()[1]
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # `create_app` reads them, of the proxies that the settings name
        timeout_keep_alive=10,
        h11_max_incomplete_event_size=64 * 1024,
        limit_concurrency=1000,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    if started is not None:
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        started(f"http://{host}:{port}")
    uvicorn.Server(config).run(sockets=[listener])


def share_cores(requests: int) -> int:
    """Let each of so many requests at once use its share of the cores, and no more.

    Requests that each use all cores wait for each other within every small product: encoding one text then takes many
    times as long as with a single thread.

    Returns:
        Threads of one request's arithmetic.
    """
    import torch  # slow to import

    torch.set_num_threads(max(1, torch.get_num_threads() // requests))
    return torch.get_num_threads()


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens.

    Raises:
        InputError: the address is taken or none of this machine's.
    """
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)
    except OSError as error:
        listener.close()
        raise InputError(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another --host or --port"
        ) from error
    return listener
