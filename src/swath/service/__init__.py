"""The service: HTTP in, calls of archives out; STAC API, semantic search, pictures and the page.

Importing this room needs the extra `serve`.
"""

from __future__ import annotations

from swath.service.app import create_app
from swath.service.catalog import Catalog
from swath.service.server import serve
from swath.service.settings import Settings

__all__ = ["Catalog", "Settings", "create_app", "serve"]
