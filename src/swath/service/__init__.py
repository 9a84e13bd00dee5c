"""The service: HTTP in, calls of archives out; STAC API, semantic search, pictures and the page.

Importing this room needs the extra `serve`.
"""

from __future__ import annotations

import logging

# While it is imported, stac-fastapi warns of settings that `create_app` gives it later.
logging.getLogger("stac_fastapi.types.config").setLevel(logging.ERROR)

from swath.service.app import create_app  # noqa: E402
from swath.service.catalog import Catalog  # noqa: E402
from swath.service.server import serve  # noqa: E402
from swath.service.settings import Settings  # noqa: E402

__all__ = ["Catalog", "Settings", "create_app", "serve"]
