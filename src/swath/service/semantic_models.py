"""What a semantic search takes, as models: the documented JSON schema of the extension."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

CONFORMANCE = "https://swath.dev/stac-api/v1.0.0/semantic-search"
"""Conformance class of the extension."""

Weight = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
Degrees = Annotated[float, Field(allow_inf_nan=False, strict=True)]


class Strict(BaseModel):
    """A model that refuses what it does not know."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class ItemExample(Strict):
    """An item of a collection, as an example."""

    collection: str = Field(max_length=128, description="Id of the collection")
    id: str = Field(max_length=128, description="Id of the item")


class TextExample(Strict):
    """Words, as an example."""

    text: str = Field(min_length=1, max_length=4000, description="Words")


Example = ItemExample | TextExample


class Weights(Strict):
    """What each part counts; left out, its default."""

    text: Weight | None = Field(None, description="Default 1")
    like: Weight | None = Field(None, description="Of the example item or uploaded image; default 1")
    like_place: Weight | None = Field(None, description="Default 1")
    positives: Weight | None = Field(None, description="Of all together; default 0.75")
    negatives: Weight | None = Field(None, description="Of all together, subtracted; default 0.5")
    near: Weight | None = Field(None, description="Default 0: nearness is a filter")


class SemanticQuery(Strict):
    """A semantic search: something to rank by (text, like, an image, near, like_place or positives), and filters."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        json_schema_extra={
            "examples": [
                {"text": "harbour with ships", "limit": 10},
                {
                    "text": "flooded fields beside a river",
                    "bbox": [-10, 35, 30, 60],
                    "datetime": "2020-01-01T00:00:00Z/..",
                    "min_confidence": 0.5,
                    "negatives": [{"text": "open sea"}],
                },
            ]
        },
    )

    text: str | None = Field(None, max_length=100_000, description="What to look for, from a keyword to a paragraph")
    like: ItemExample | None = Field(None, description="An item to look like")
    near: tuple[Degrees, Degrees] | None = Field(
        None,
        description="A place, [longitude, latitude]: alone it ranks by distance, beside other parts it is a filter",
    )
    radius_km: float | None = Field(None, gt=0, le=20_038, allow_inf_nan=False, description="How near; 50 by default")
    like_place: tuple[Degrees, Degrees] | None = Field(
        None, description="A place to look like, [longitude, latitude], for models that encode places"
    )
    positives: list[Example] = Field(default_factory=list, description="Examples to favour")
    negatives: list[Example] = Field(default_factory=list, description="Examples to avoid")
    weights: Weights = Field(default_factory=lambda: Weights.model_validate({}), description="What each part counts")
    min_confidence: float | None = Field(
        None, ge=0, le=1, allow_inf_nan=False, description="Of the best items, leave out those of lower confidence"
    )
    limit: int = Field(20, ge=1, le=10_000, description="How many items at most; cut to the service's own limit")
    per_sensor: bool = Field(False, description="The best items of each sensor, side by side")
    similarity: Literal["global", "fused"] = Field("global", description="Cosine, or fused with local similarity")
    rerank: Literal["none", "bank"] = Field("none", description="Sort the first hits again, asking back")
    bbox: list[Degrees] | None = Field(None, min_length=4, max_length=6, description="West, south, east, north")
    intersects: dict[str, Any] | None = Field(None, description="GeoJSON geometry that footprints intersect")
    datetime: str | None = Field(None, max_length=100, description="RFC 3339 instant or interval")
    collections: list[str] | None = Field(None, max_length=100, description="Only these collections")
    sensors: list[str] | None = Field(None, max_length=20, description="Only these sensors or families (s2, s1)")
    filter: Any = Field(None, description="CQL2, JSON or text, see filter-lang")
    filter_lang: Literal["cql2-json", "cql2-text"] | None = Field(
        None, alias="filter-lang", description="By default text if filter is a text"
    )
    image_sensor: str | None = Field(None, max_length=40, description="Sensor of the uploaded image")


class SemanticContext(BaseModel):
    """How a semantic search was answered."""

    confidence: float | None = Field(
        description="Share (0 to 1) of general captions that are matched worse than the text; null without text"
    )
    matches_well: bool = Field(description="False where nothing matches well")
    message: str | None = Field(description="'nothing in this archive matches well', where so")
    model: list[str] = Field(description="Models that ranked")
    took_ms: float = Field(description="Milliseconds")


class SemanticAnswer(BaseModel):
    """STAC items, best first. Their properties hold `swath:rank`, `swath:score` and `swath:confidence`."""

    type: Literal["FeatureCollection"]
    numberReturned: int  # noqa: N815 - the name is STAC's
    links: list[dict[str, Any]]
    features: list[dict[str, Any]]
    context: SemanticContext = Field(alias="swath:context")
