"""A small archive with real scenes behind it, and the service over it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvicorn

from archive.fakes import START, FakeEncoder, grid, source_chips, units, write_scenes
from swath.archive import Archive
from swath.raster import read_chip, thumbnail
from swath.service import Catalog, Settings, create_app

TITLES = ("Harbour at dawn", "Airport", "Air port of call", "River port, flooded", "Forest")
"""Titles of scenes: `port` is a word of two of them and a part of another."""


def build(folder: Path) -> Archive:
    """20 chips of five georeferenced scenes, and 30 that have no files."""
    encoder = FakeEncoder()
    archive = Archive.create(folder / "archive", encoder.model_id, encoder.dim, encoder=encoder)
    chips = []
    for number, chip in enumerate(source_chips(write_scenes(folder / "scenes", 5), 64)):
        about = {
            "title": TITLES[number // 4], "eo:cloud_cover": number, "keywords": ["coast", f"key {number}"],
            "platform": "plane", "odd": bool(number % 2),
        }  # fmt: skip
        scene = replace(chip.scene, properties=about, datetime=START + timedelta(days=number))
        chips.append(replace(chip, scene=scene))
    pixels = [read_chip(chip) for chip in chips]
    vectors = [encoder.encode_images(encoder.prepare(each)[None], "rgb").pooled[0].numpy() for each in pixels]
    import numpy as np

    archive.add(chips, np.stack(vectors), thumbnails=[thumbnail(each) for each in pixels])
    archive.add(grid(30), units(30))
    return archive


def settings(**changes: Any) -> Settings:
    """Settings for tests: no limit of rate, no loading in the background."""
    given: dict[str, Any] = {
        "archives": ("world",), "rate_limit": 0, "warm_up": False, "log_level": "error", "heavy_requests": 2,
        "allowed_hosts": ("testserver",),
    }  # fmt: skip
    return Settings(**given | changes)


@contextmanager
def running(archive: Archive, **changes: Any) -> Iterator[str]:
    """The service on a free loopback port; gives its address."""
    app = create_app(settings(**changes), Catalog({"world": archive}))
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False, timeout_graceful_shutdown=2))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()
