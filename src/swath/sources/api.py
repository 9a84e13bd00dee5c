"""STAC APIs, through pystac-client."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from swath.chips import SceneRef
from swath.errors import SourceError
from swath.sources.documents import TIMEOUT_S
from swath.sources.stac import ItemSource


class ApiSource(ItemSource):
    """The items that a search of a STAC API finds, page by page."""

    def __init__(
        self,
        url: str,
        *,
        sensor: str | None = None,
        collections: Sequence[str] | None = None,
        bbox: Sequence[float] | None = None,
        datetime: str | None = None,
        limit: int | None = None,
        query: Any = None,  # noqa: ANN401 - JSON, as pystac-client takes it
    ) -> None:
        """Prepare a search; nothing is sent before `scenes`.

        Args:
            url: the API's landing page.
            sensor: sensor or family of all items; None to recognise each.
            collections: ids of collections; None for all.
            bbox: west, south, east, north in degrees.
            datetime: an RFC 3339 instant or interval (``2020-10-01/2020-12-31``).
            limit: most items to take; None for all.
            query: further conditions, as the STAC API query extension has them.
        """
        super().__init__(url, base=url, sensor=sensor)
        self._search = {
            "collections": list(collections) if collections else None,
            "bbox": list(bbox) if bbox else None,
            "datetime": datetime,
            "max_items": limit,
            "limit": min(limit, 100) if limit else 100,
            "query": query,
        }

    def _scenes(self) -> Iterator[SceneRef]:
        from pystac.errors import STACError
        from pystac_client import Client
        from pystac_client.exceptions import APIError
        from pystac_client.stac_api_io import StacApiIO
        from requests.exceptions import RequestException

        problems = (APIError, STACError, RequestException, NotImplementedError, ValueError, KeyError, TypeError)
        try:
            client = Client.open(self.base, stac_io=StacApiIO(timeout=TIMEOUT_S))
            pages = client.search(**self._search).pages_as_dicts()
        except problems as error:
            raise SourceError(f"{self.name}: not a STAC API that answers ({error}); check the URL") from error
        while True:
            try:
                page = next(pages, None)
            except problems as error:
                # What earlier pages gave is kept; the account says that the search ended early.
                self.fail(self.name, f"{self.name}: the search ended early ({error}); run it again to get the rest")
                return
            if page is None:
                return
            for document in page.get("features", []):
                yield from self.take(document, self._base(document))

    def _base(self, document: Any) -> str:  # noqa: ANN401 - JSON
        """An item's own address, which its relative hrefs count from."""
        for link in document.get("links", []) if isinstance(document, dict) else []:
            if isinstance(link, dict) and link.get("rel") == "self" and str(link.get("href", "")).startswith("http"):
                return str(link["href"])
        return self.base
