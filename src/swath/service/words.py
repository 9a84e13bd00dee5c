"""What an archive's model says of an item: a caption, and answers to questions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body
from pydantic import BaseModel, Field

from swath.service.media import CollectionId, ItemId, check_area
from swath.service.problems import RequestError
from swath.service.semantic_models import Strict
from swath.service.settings import Settings

if TYPE_CHECKING:
    from swath.archive import Hit
    from swath.chips import Pixels
    from swath.service.catalog import Catalog
    from swath.service.workers import Workers

_ANSWERS: dict[int | str, dict[str, Any]] = {
    400: {"description": "The request cannot be used; the description says why"},
    404: {"description": "No such collection or item, or the archive's model cannot do that"},
    409: {"description": "The scene's file cannot be read any more"},
    413: {"description": "The item has too many pixels"},
    422: {"description": "The item has no valid pixel"},
    429: {"description": "Too many requests"},
    503: {"description": "It took too long, or the model cannot be loaded"},
}


class Caption(BaseModel):
    """A caption of an item."""

    id: str = Field(description="The item's id", examples=["5f0c9b1e2d3a4b5c"])
    caption: str = Field(description="What the model writes", examples=["several boats are in a harbour"])
    captioner: str = Field(description="Id of what wrote it", examples=["swath-mini@0123456789ab+ba9876543210"])


class Question(Strict):
    """A question about an item."""

    question: str = Field(
        min_length=1, max_length=1000, pattern=r"\S", description="In English", examples=["how many ships are there?"]
    )
    then: list[Annotated[str, Field(min_length=1, max_length=1000, pattern=r"\S")]] = Field(
        default_factory=list, max_length=15, description="Further questions about the same item"
    )


class Said(BaseModel):
    """An answer to one question."""

    question: str = Field(description="What was asked", examples=["how many ships are there?"])
    answer: str = Field(description="The answer", examples=["3"])
    confidence: float = Field(description="0 to 1, the model's own", examples=[0.62])
    type: str = Field(description="What was asked for: count, area, whether, more, fewer, equal or open",
                      examples=["count"])  # fmt: skip


class Answered(Said):
    """Answers about an item: that to the question, and those to further ones."""

    id: str = Field(description="The item's id", examples=["5f0c9b1e2d3a4b5c"])
    answerer: str = Field(description="Id of what answered", examples=["swath-mini@0123456789ab+answerer@ba9876543210"])
    then: list[Said] = Field(description="Answers to further questions", examples=[[]])


_EXAMPLES: Any = {
    "one": {"summary": "One question", "value": {"question": "how many ships are there?"}},
    "several": {
        "summary": "Several about one item",
        "value": {"question": "is a road present?", "then": ["is it a rural or an urban area?"]},
    },
}


def router(catalog: Catalog, workers: Workers, settings: Settings) -> APIRouter:
    """The routes."""
    made = APIRouter(tags=["Words"], prefix="/collections/{collection_id}/items/{item_id}")

    @made.get("/caption", responses=_ANSWERS, summary="A caption, where the archive's model writes")
    async def caption(collection_id: CollectionId, item_id: ItemId) -> Caption:
        def work() -> Caption:
            collection, hit = catalog.item(collection_id, item_id)
            abilities = collection.shelf.abilities
            abilities.need("caption")
            text, writer = abilities.caption(_pixels(hit, settings))
            return Caption(id=hit.id, caption=text, captioner=writer)

        return await workers.run(work)

    @made.post("/ask", responses=_ANSWERS, summary="Answers to questions, where the archive's model answers")
    async def ask(
        collection_id: CollectionId, item_id: ItemId, asked: Annotated[Question, Body(openapi_examples=_EXAMPLES)]
    ) -> Answered:
        def work() -> Answered:
            collection, hit = catalog.item(collection_id, item_id)
            abilities = collection.shelf.abilities
            abilities.need("ask")
            questions = [asked.question, *asked.then]
            if not all(question.strip() for question in questions):
                raise RequestError(400, "a question is blank; ask something, such as: how many ships are there?")
            answers, answerer = abilities.answer(_pixels(hit, settings), questions)
            said = [
                Said(question=question, answer=each.text, confidence=each.confidence, type=each.type)
                for question, each in zip(questions, answers, strict=True)
            ]
            return Answered(**said[0].model_dump(), id=hit.id, answerer=answerer, then=said[1:])

        return await workers.run(work)

    return made


def _pixels(hit: Hit, settings: Settings) -> Pixels:
    from swath.raster import read_chip  # GDAL is slow to import

    check_area(hit, "chip", settings)
    return read_chip(hit.to_chip(), min_valid=0.0)
