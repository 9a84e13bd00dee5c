"""Pictures of items: thumbnails, heat maps and tiles, by collection and item id only."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Path, Query, Request
from PIL import Image
from starlette.responses import JSONResponse, Response

from swath.archive import Hit
from swath.errors import GeoreferenceError
from swath.service.documents import Embedding, HeatOverlay, TileJson
from swath.service.items import GEOJSON
from swath.service.problems import RequestError
from swath.service.settings import Settings

if TYPE_CHECKING:
    from swath.localize import HeatMap
    from swath.service.catalog import Catalog
    from swath.service.workers import Workers

_FOREVER = {"Cache-Control": "private, max-age=86400"}
_TILE = 256

CollectionId = Annotated[str, Path(description="Collection ID")]
ItemId = Annotated[str, Path(description="Item ID")]


def _picture(media_type: str, what: str) -> dict[int | str, dict[str, Any]]:
    return {
        200: {"content": {media_type: {}}, "description": what},
        404: {"description": "No such collection or item"},
        422: {"description": "There are no valid pixels"},
        409: {"description": "The scene's file cannot be read any more"},
    }


_THUMBNAIL = _picture("image/jpeg", "The chip, as its sensor is shown")
_THUMBNAIL[304] = {"description": "The picture that the client has (If-None-Match) is still it"}
_HEAT = _picture("image/png", "The scene, where the text fits glowing; its peaks; or both to lie on a map")
_PEAK = {
    "type": "Feature",
    "geometry": {"type": "Polygon", "coordinates": [[[-5, 48], [-3, 48], [-3, 49], [-5, 49], [-5, 48]]]},
    "properties": {"text": "runway", "rank": 1, "score": 0.31},
}
_HEAT[200]["content"] |= {
    GEOJSON: {
        "schema": {"type": "object", "description": "Peaks, best first (f=geojson)"},
        "example": {"type": "FeatureCollection", "features": [_PEAK]},
    },
    "application/json": {
        "schema": {"$ref": "#/components/schemas/HeatOverlay"},
        "example": {
            "image": "data:image/png;base64,iVBORw0KGgo=",
            "corners": [[-4.2, 48.5], [-4.0, 48.5], [-4.0, 48.3], [-4.2, 48.3]],
            "peaks": {"type": "FeatureCollection", "features": [_PEAK]},
        },
    },
}
_HEAT[413] = {"description": "The chip or scene has too many pixels"}


def router(catalog: Catalog, workers: Workers, settings: Settings) -> APIRouter:
    """The routes."""
    made = APIRouter(tags=["Pictures"], prefix="/collections/{collection_id}/items/{item_id}")

    @made.get("/thumbnail", responses=_THUMBNAIL, response_class=Response, summary="The chip as a picture")
    async def thumbnail(collection_id: CollectionId, item_id: ItemId, request: Request) -> Response:
        tag = f'"{item_id}"'
        if request.headers.get("if-none-match") == tag and item_id.isalnum():
            return Response(status_code=304, headers={"ETag": tag, **_FOREVER})
        data = await workers.run(lambda: _thumbnail(catalog.item(collection_id, item_id)[1]))
        return Response(data, media_type="image/jpeg", headers={"ETag": tag, **_FOREVER})

    @made.get("/embedding", summary="The chip's embedding")
    async def embedding(collection_id: CollectionId, item_id: ItemId) -> Embedding:
        def work() -> Embedding:
            collection, hit = catalog.item(collection_id, item_id)
            archive = collection.shelf.archive
            vector = archive.read(lambda snapshot: snapshot.vectors_of([hit.id])).get(hit.id)
            if vector is None:  # deleted since it was looked up
                raise RequestError(404, f"there is no item {hit.id!r} in collection {collection_id}")
            return Embedding(id=hit.id, model=archive.model_id, dimensions=archive.dim, embedding=vector.tolist())

        return await workers.run(work)

    @made.get(
        "/heatmap", responses=_HEAT, response_class=Response, summary="Where a text fits",
    )  # fmt: skip
    async def heatmap(
        collection_id: CollectionId,
        item_id: ItemId,
        text: Annotated[str, Query(min_length=1, max_length=4000, description="What to look for", examples=["runway"])],
        scope: Annotated[Literal["chip", "scene"], Query(description="Look at the chip or its whole scene")] = "chip",
        f: Annotated[
            Literal["png", "geojson", "map"], Query(description="A picture, its peaks, or both to lie on a map")
        ] = "png",
        side: Annotated[int, Query(ge=64, le=2048, description="Longest side of the picture")] = 512,
    ) -> Response:
        def work() -> Response:
            collection, hit = catalog.item(collection_id, item_id)
            check_area(hit, scope, settings)
            heat = hit.heat_map(text, collection.shelf.archive.encoder, whole_scene=scope == "scene")
            if f == "geojson":
                return JSONResponse(heat.to_geojson(), media_type=GEOJSON)
            if f == "map":
                return JSONResponse(_overlay(heat, side).model_dump())
            return Response(heat.picture(side), media_type="image/png")

        return await workers.run(work)

    @made.get("/tilejson.json", summary="TileJSON of the scene", responses={409: {"description": "It has no tiles"}})
    async def tilejson(collection_id: CollectionId, item_id: ItemId, request: Request) -> TileJson:
        here = f"{request.base_url}collections/{collection_id}/items/{item_id}/tiles/{{z}}/{{x}}/{{y}}.png"
        return await workers.run(lambda: _tilejson(catalog.item(collection_id, item_id)[1], here))

    @made.get(
        "/tiles/{z}/{x}/{y}.png", responses=_picture("image/png", "A tile of the scene; transparent where it is not"),
        response_class=Response, summary="A map tile of the scene",
    )  # fmt: skip
    async def tile(
        collection_id: CollectionId,
        item_id: ItemId,
        z: Annotated[int, Path(ge=0, le=24)],
        x: Annotated[int, Path(ge=0, lt=2**24)],
        y: Annotated[int, Path(ge=0, lt=2**24)],
    ) -> Response:
        data = await workers.run(lambda: _tile(catalog.item(collection_id, item_id)[1], x, y, z))
        return Response(data, media_type="image/png", headers=_FOREVER)

    return made


def _thumbnail(hit: Hit) -> bytes:
    if hit.thumbnail is not None:
        return hit.thumbnail
    from swath.raster import read_chip  # GDAL is slow to import
    from swath.raster import thumbnail as draw

    return draw(read_chip(hit.to_chip(), size=256, min_valid=0.0))


def _overlay(heat: HeatMap, side: int) -> HeatOverlay:
    picture = base64.b64encode(heat.glow(side)).decode("ascii")
    image = f"data:image/png;base64,{picture}"
    return HeatOverlay(image=image, corners=heat.corners, peaks=heat.to_geojson(limit=5))


def check_area(hit: Hit, scope: Literal["chip", "scene"], settings: Settings) -> None:
    """Refuse to look at too many pixels.

    Raises:
        RequestError: 413.
    """
    _, _, width, height = hit.window
    if scope == "scene":
        from swath.raster import scene_grid  # GDAL is slow to import

        grid = scene_grid(hit.to_chip().scene)
        width, height = grid.width, grid.height
    if width * height > settings.max_heat_map_pixels:
        advice = "ask for the chip" if scope == "scene" else "its keeper can raise max_heat_map_pixels"
        most = settings.max_heat_map_pixels
        raise RequestError(413, f"the {scope} has {width} x {height} pixels, at most {most} are looked at: {advice}")


def _tilejson(hit: Hit, tiles: str) -> TileJson:
    from swath.raster import footprint, scene_grid  # GDAL is slow to import
    from swath.raster.tiles import zoom_levels

    scene = hit.to_chip().scene
    place = footprint(scene_grid(scene))
    if place is None:
        raise RequestError(409, "the scene has no georeference, so it has no tiles")
    low, high = zoom_levels(scene)
    west, south, east, north = place.bbox
    lon, lat = place.centre
    if west > east:
        # Bounds of TileJSON do not wrap.
        west, east = -180.0, 180.0
    bounds = [west, south, east, north]
    return TileJson(tiles=[tiles], minzoom=low, maxzoom=high, bounds=bounds, center=[lon, lat, low], name=hit.id)


def _tile(hit: Hit, x: int, y: int, z: int) -> bytes:
    from swath.raster.tiles import web_tile  # GDAL is slow to import

    if max(x, y) >= 2**z:
        raise RequestError(404, f"there is no tile {z}/{x}/{y}; x and y are below 2**z")
    try:
        pixels = web_tile(hit.to_chip().scene, x, y, z, _TILE)
    except GeoreferenceError:
        raise RequestError(409, "the scene has no georeference, so it has no tiles") from None
    picture = np.zeros((_TILE, _TILE, 4), np.uint8)
    if pixels is not None and pixels.valid.any():
        picture[..., :3] = np.moveaxis(pixels.to_rgb(), 0, -1)
        picture[..., 3] = np.where(pixels.valid, 255, 0)
    out = io.BytesIO()
    Image.fromarray(picture, "RGBA").save(out, "PNG", compress_level=1)
    return out.getvalue()
