"""STAC documents on disk or on the web: items, item collections, static catalogues."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin

import pystac

from swath.chips import SceneRef
from swath.errors import SourceError, SwathError
from swath.raster.hrefs import is_remote, local_path, resolve
from swath.sources.base import Source
from swath.sources.documents import read_json
from swath.sources.items import parse_item, scene_from_item

MAX_DOCUMENTS = 1_000_000
"""Documents that one catalogue may link before it is taken for a loop without end."""


class ItemSource(Source):
    """Scenes from STAC items: what all STAC sources share.

    Asset hrefs are resolved against the document that holds the item. Local files must lie in the source's folder.
    """

    def __init__(self, name: str, *, base: str, sensor: str | None = None) -> None:
        """Prepare to read items.

        Args:
            name: what the source was opened with.
            base: path or URL of its main document.
            sensor: sensor or family of all items; None to recognise each.
        """
        super().__init__(name)
        self.base = base
        self.sensor = sensor
        self.root = "" if is_remote(base) else os.path.dirname(base)
        self._collections: dict[str, Mapping[str, Any]] = {}

    def scene(self, document: Mapping[str, Any], base: str) -> SceneRef:
        """The scene of an item found in the document at `base`.

        Raises:
            SwathError: the item cannot be used; see `scene_from_item`.
        """
        item = parse_item(document)
        return scene_from_item(
            item,
            lambda href: resolve(href, base, self.root),
            sensor=self.sensor,
            collection=lambda: self._collection(item, base),
        )

    def take(self, document: Mapping[str, Any], base: str) -> Iterator[SceneRef]:
        """The item's scene, or none and a recorded failure."""
        try:
            yield self.scene(document, base)
        except SwathError as error:
            self.fail(str(document.get("id", base)) if isinstance(document, Mapping) else base, error)

    def _collection(self, item: pystac.Item, base: str) -> Mapping[str, Any]:
        """The collection an item links to; empty where it links none or the link cannot be read."""
        link = item.get_single_link("collection")
        if link is None or not isinstance(link.target, str):
            return {}
        try:
            href = resolve(link.target, base, self.root)
            if href not in self._collections:
                found = read_json(href)
                self._collections[href] = found if isinstance(found, dict) else {}
        except SwathError as error:
            self.fail(link.target, error)
            return {}
        return self._collections[href]


class ItemCollectionSource(ItemSource):
    """The items of one document: a STAC item, or a FeatureCollection of items."""

    def __init__(self, href: str, *, document: Mapping[str, Any] | None = None, sensor: str | None = None) -> None:
        """Open a document.

        Args:
            href: path or http(s) URL.
            document: its JSON, where the caller has read it already.
            sensor: sensor or family of all items; None to recognise each.

        Raises:
            SourceError: it cannot be read or holds no items.
        """
        base = href if is_remote(href) else local_path(href)
        super().__init__(href, base=base, sensor=sensor)
        found = read_json(base) if document is None else document
        features = found.get("features") if found.get("type") == "FeatureCollection" else [found]
        if not isinstance(features, list):
            raise SourceError(f"{href}: a FeatureCollection without a list of features; give a STAC ItemCollection")
        self._items: list[Any] = features

    def _scenes(self) -> Iterator[SceneRef]:
        for document in self._items:
            yield from self.take(document, self.base)


class CatalogSource(ItemSource):
    """A static STAC catalogue: every item that its root links to, directly or through child catalogues."""

    def __init__(self, href: str, *, sensor: str | None = None) -> None:
        """Open a catalogue.

        Args:
            href: path or http(s) URL of ``catalog.json`` or ``collection.json``.
            sensor: sensor or family of all items; None to recognise each.
        """
        super().__init__(href, base=href if is_remote(href) else local_path(href), sensor=sensor)

    def _scenes(self) -> Iterator[SceneRef]:
        waiting = [self.base]
        seen = {self.base}
        while waiting:
            href = waiting.pop()
            try:
                document = read_json(href)
                kind = document.get("type") if isinstance(document, dict) else None
                if kind not in ("Catalog", "Collection", "Feature", "FeatureCollection"):
                    raise SourceError(f"{href}: type {kind!r} is no STAC document; correct the link that leads to it")
            except SwathError as error:
                if href == self.base:
                    raise
                self.fail(href, error)
                continue
            if kind in ("Feature", "FeatureCollection"):
                for feature in [document] if kind == "Feature" else document.get("features", []):
                    yield from self.take(feature, href)
                continue
            found = [linked for linked in self._links(document, href) if linked not in seen]
            seen.update(found)
            if len(seen) > MAX_DOCUMENTS:
                raise SourceError(f"{self.name}: links more than {MAX_DOCUMENTS} documents; index its parts one by one")
            waiting.extend(reversed(found))

    def _links(self, document: Mapping[str, Any], href: str) -> list[str]:
        """Addresses of a catalogue's items and children in the order it lists them, each once."""
        found: dict[str, None] = {}
        for link in document.get("links", []):
            if not isinstance(link, dict) or link.get("rel") not in ("item", "items", "child"):
                continue
            target = str(link.get("href", ""))
            try:
                found[urljoin(href, target) if is_remote(href) else resolve(target, href, self.root)] = None
            except SwathError as error:
                self.fail(target, error)
        return list(found)
