"""What routes from annotations have in common: facts and statements are gathered image by image."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from swath.corpus.facts import Fact
from swath.corpus.narrate.material import Item, Material, Statement
from swath.errors import SwathError


class Teller:
    """Gathers the facts and statements of one image."""

    def __init__(self) -> None:
        self._facts: list[Fact] = []
        self._statements: list[Statement] = []

    def _say(
        self,
        topic: str,
        wordings: Sequence[str],
        sources: Sequence[str],
        *,
        opens: bool = True,
        follows: bool = True,
        fragments: tuple[str, ...] = (),
    ) -> None:
        """Add a statement, each source once; see `Statement`."""
        self._statements.append(
            Statement(topic, tuple(wordings), tuple(dict.fromkeys(sources)), opens, follows, fragments)
        )


def tell_each(items: Sequence[Item], tell: Callable[[Item], Material]) -> list[Material | SwathError]:
    """What is known of each item; its error where nothing can be told."""
    told: list[Material | SwathError] = []
    for item in items:
        try:
            told.append(tell(item))
        except SwathError as error:
            told.append(error)
    return told
