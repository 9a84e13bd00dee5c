"""Print the service's OpenAPI document, from which the page's client takes its types."""

from __future__ import annotations

import json
import sys

from swath.service import Catalog, Settings, create_app

app = create_app(Settings(archives=("none",), warm_up=False), Catalog({}))
json.dump(app.openapi(), sys.stdout)
