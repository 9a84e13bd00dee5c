"""Collections as STAC documents: extents, and by which model their embeddings were made.

Fields `emb:` are of the STAC embeddings extension (0.0.1, a proposal), fields `mlm:` of the Machine Learning Model
extension, in which the model's own record would be an item.
"""

from __future__ import annotations

from typing import Any

from swath.archive.interval import rfc3339
from swath.sensors import SENSORS
from swath.service.catalog import Collection
from swath.service.items import GEOJSON, link

_LICENSE = "other"


def document(collection: Collection, root: str) -> dict[str, Any]:
    """A collection.

    Args:
        collection: the collection.
        root: address of the service, with a slash at its end.
    """
    about, extent, sensor = collection.shelf.archive.about, collection.extent, SENSORS[collection.sensor]
    here = f"{root}collections/{collection.id}"
    interval = extent.interval
    return {
        "type": "Collection",
        "stac_version": "1.1.0",
        "stac_extensions": [],
        "id": collection.id,
        "title": f"{collection.shelf.name}: {collection.sensor}",
        "description": (
            f"{extent.rows} chips of {collection.sensor} in the archive {collection.shelf.name}, "
            f"embedded by {about.model_id}."
        ),
        "keywords": [collection.sensor, sensor.family, "embeddings"],
        "license": _LICENSE,
        "extent": {
            "spatial": {"bbox": [list(extent.bbox or (-180.0, -90.0, 180.0, 90.0))]},
            "temporal": {"interval": [[rfc3339(end) for end in interval] if interval else [None, None]]},
        },
        "summaries": {"swath:sensor": [collection.sensor]},
        "swath:archive": collection.shelf.name,
        "swath:sensor": collection.sensor,
        "swath:rows": extent.rows,
        "swath:abilities": list(collection.shelf.abilities.names),
        **embedding_fields(collection),
        "links": [
            link("self", here),
            link("root", root),
            link("parent", root),
            link("items", f"{here}/items", GEOJSON),
            link("http://www.opengis.net/def/rel/ogc/1.0/queryables", f"{here}/queryables", "application/schema+json"),
            link("emb:model", f"{root}models/{collection.shelf.name}", GEOJSON, "The model, with MLM fields"),
            link("emb:source-data", f"{here}/items", GEOJSON, "The scenes that chips were cut from"),
        ],
    }


def embedding_fields(collection: Collection) -> dict[str, Any]:
    """The `emb:` fields of a collection."""
    about = collection.shelf.archive.about
    layout: dict[str, Any] = {"layout_type": "regular_grid"}
    size, stride = (about.settings.get(name) for name in ("chip_size", "stride"))
    if isinstance(size, int):
        layout |= {"chip_size": [size, size], "stride": stride if isinstance(stride, int) else size}
    return {
        "emb:type": "chip",
        "emb:dimensions": about.dim,
        "data_type": "float32",
        "emb:chip_layout": layout,
        "emb:fit_for_use": ["retrieval", "similarity_search"],
    }


def model_document(name: str, collection: Collection, root: str) -> dict[str, Any]:
    """The model of an archive as a STAC item with MLM fields.

    Args:
        name: the archive's name.
        collection: one of its collections.
        root: address of the service.
    """
    about, abilities = collection.shelf.archive.about, collection.shelf.abilities.names
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": ["https://stac-extensions.github.io/mlm/v1.5.0/schema.json"],
        "id": f"model-{name}",
        "geometry": None,
        "properties": {
            "datetime": about.created,
            "mlm:name": about.model_id,
            "mlm:architecture": "DualEncoder",
            "mlm:framework": "pytorch",
            "mlm:tasks": ["similarity-search", *(["image-captioning"] if "caption" in abilities else [])],
            "swath:abilities": list(abilities),
            "mlm:input": [
                {
                    "name": f"chip of {each}",
                    "bands": list(SENSORS[each].band_names),
                    "input": {"shape": [-1, len(SENSORS[each].bands), -1, -1], "data_type": "float32",
                              "dim_order": ["batch", "channel", "height", "width"]},
                }
                for each in collection.shelf.collections()
            ],
            "mlm:output": [
                {
                    "name": "embedding",
                    "tasks": ["similarity-search"],
                    "result": {"shape": [-1, about.dim], "dim_order": ["batch", "embedding"], "data_type": "float32"},
                }
            ],
        },
        "links": [link("self", f"{root}models/{name}", GEOJSON), link("root", root)],
        "assets": {},
    }  # fmt: skip
