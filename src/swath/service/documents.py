"""Documents that the service answers with beside those of STAC, as models."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

from swath.service.items import GEOJSON


class GeoJson(JSONResponse):
    """JSON that is GeoJSON."""

    media_type = GEOJSON


class Embedding(BaseModel):
    """A chip's embedding."""

    id: str = Field(description="The item's id")
    model: str = Field(description="Id of the model that made it")
    dimensions: int = Field(description="Its length")
    embedding: list[float] = Field(description="L2-normalised")


class HeatOverlay(BaseModel):
    """A heat map, ready to lie on a map."""

    image: str = Field(description="PNG with transparency, as a data URL")
    corners: list[tuple[float, float]] | None = Field(
        description="(lon, lat) of its upper left, upper right, lower right and lower left; null without georeference"
    )
    peaks: dict[str, Any] = Field(description="GeoJSON features of the best places, best first")


class TileJson(BaseModel):
    """TileJSON 3.0.0 of a scene."""

    tilejson: Literal["3.0.0"] = "3.0.0"
    tiles: list[str] = Field(description="Address of the tiles")
    minzoom: int = Field(description="Level at which the scene fits one tile")
    maxzoom: int = Field(description="Level of the scene's own resolution")
    bounds: list[float] = Field(min_length=4, max_length=4, description="West, south, east, north of the scene")
    center: list[float] = Field(min_length=3, max_length=3, description="Longitude, latitude and zoom to begin with")
    name: str = Field(description="The item's id")


class AbilitySettings(BaseModel):
    """What at least one archive's model can do beside searching; `swath:abilities` of collections tells which."""

    caption: bool = Field(description="Write captions")
    ask: bool = Field(description="Answer questions")


class PageSettings(BaseModel):
    """What the page must know of the service."""

    version: str = Field(description="Version of swath")
    title: str = Field(description="The catalogue's title")
    basemap: str | None = Field(description="XYZ address of a basemap")
    needs_token: bool = Field(description="Whether requests need a token")
    max_upload_bytes: int = Field(description="Largest upload")
    max_limit: int = Field(description="Most items of one answer")
    abilities: AbilitySettings


class Health(BaseModel):
    """That the process answers."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Whether requests can be answered."""

    status: str = Field(description="``ready``, or why not yet")
    archives: dict[str, int] = Field(description="Chips of each archive")
