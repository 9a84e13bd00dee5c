"""What every source of scenes offers: scenes one by one, and an account of what could not be read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from swath.chips import SceneRef


@dataclass(frozen=True, slots=True)
class Failure:
    """A file or item that could not become a scene, or a scene that could not be cut.

    Attributes:
        href: the file, URL or item id at fault.
        reason: what is wrong and what to do.
    """

    href: str
    reason: str


class Source(ABC):
    """Where scenes come from.

    Attributes:
        name: what a person calls it: the path or URL it was opened with.
        failures: what could not be read in the latest pass over the scenes; one bad file never ends a pass.
        skipped: how many files or chips were left out on purpose in the latest pass, by reason.
        sensors: how many scenes of each sensor the latest pass found.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.failures: list[Failure] = []
        self.skipped: Counter[str] = Counter()
        self.sensors: Counter[str] = Counter()

    def scenes(self) -> Iterator[SceneRef]:
        """The scenes, found and described one by one; each pass starts a new account of failures."""
        self.failures.clear()
        self.skipped.clear()
        self.sensors.clear()
        for scene in self._scenes():
            self.sensors[scene.sensor] += 1
            yield scene

    @abstractmethod
    def _scenes(self) -> Iterator[SceneRef]:
        """Yield scenes and record failures with `fail`."""

    def fail(self, href: str, error: BaseException | str) -> None:
        """Record that `href` could not be used."""
        self.failures.append(Failure(href, str(error)))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"
