"""What the codes of a label raster are called in sentences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from swath.corpus.language import lexicon
from swath.corpus.language.lexicon import is_mass, plural
from swath.corpus.narrate.phrasing import a, is_plural
from swath.corpus.sandbox.classes import LOOKS
from swath.data.labels.systems import NODATA, Category, LabelSystem, read_system, vocabulary
from swath.errors import DataError

_AREAS = frozenset((
    "sea", "forest", "rainforest", "mangrove", "wetland", "rock", "shrub", "cover", "scrub", "moss", "lichen", "damage",
    "lagoon", "desert", "tundra", "shrubland", "ground",
))  # fmt: skip
"""Words that name a kind of ground and take no article."""

_THINGS = frozenset((
    "lake", "pond", "river", "island", "park", "glacier", "runway", "ship", "reservoir", "settlement", "town",
))  # fmt: skip
"""Words whose connected patches are what they name: three patches are three lakes."""


@dataclass(frozen=True, slots=True)
class MaskClass:
    """One class in words.

    Attributes:
        phrase: its name in the singular.
    """

    phrase: str

    @property
    def uncounted(self) -> bool:
        """Whether it names a kind of ground, not a thing."""
        last = self.phrase.rpartition(" ")[2]
        return is_mass(self.phrase) or last in _AREAS

    @property
    def is_thing(self) -> bool:
        """Whether each of its patches is one of it."""
        return self.phrase.rpartition(" ")[2] in _THINGS

    def shown(self, patches: int) -> str:
        """The class as a subject: "water", "a lake", "lakes"."""
        if self.phrase == "sea":
            return "the sea"
        if self.uncounted or is_plural(self.phrase):
            return self.phrase
        return a(self.phrase) if patches == 1 else plural(self.phrase)

    def the(self, patches: int) -> str:
        """The class, spoken of before: "the water", "the lakes"."""
        return f"the {self.phrase if self.uncounted or patches == 1 else self.shown(patches)}"

    def plural(self, patches: int) -> bool:
        """Whether its verbs are plural."""
        return not self.uncounted and (patches != 1 or is_plural(self.phrase))


@dataclass(frozen=True, slots=True)
class MaskClasses:
    """The classes of label rasters.

    Attributes:
        system: codes and names.
        by_code: code -> class; codes without data are missing.
    """

    system: LabelSystem
    by_code: Mapping[int, MaskClass]


def read_classes(text: str) -> MaskClasses:
    """Classes from ``1=water,0=land,-1=`` (a code without a name is no data), a label system, or a table of one's own.

    Args:
        text: the assignments; the name of a system of `swath corpus landmark`; ``sandbox``; or the path of a CSV table
            ``code,name,label``.

    Raises:
        DataError: not one of these, a code is no number or stands there twice, or nothing is named.
    """
    if "=" in text:
        system = _assigned(text)
    elif text == "sandbox":
        system = LabelSystem(text, tuple(Category(str(int(code)), look.title, "") for code, look in LOOKS.items()))
    else:
        system = read_system(text, vocabulary())
    named = {
        int(entry.code): MaskClass(_phrase(entry))
        for entry in system.classes
        if entry.label != NODATA and not entry.parent
    }
    if not named:
        raise DataError(f"classes {text!r:.80} name none; write for example 1=water,0=land,-1=")
    return MaskClasses(system, named)


def _assigned(text: str) -> LabelSystem:
    entries: dict[str, Category] = {}
    for part in text.split(","):
        code, equals, name = (piece.strip() for piece in part.partition("="))
        if not equals or not code.lstrip("-").isdecimal() or code in entries:
            raise DataError(
                f"classes {text!r:.80}: {part!r} is no CODE=NAME with a whole number that stands there once"
            )
        entries[code] = Category(code, name or "no data", "" if name else NODATA)
    return LabelSystem("given", tuple(entries.values()))


def _phrase(entry: Category) -> str:
    """A class's name as sentences say it."""
    name = " or ".join(part.strip() for part in entry.name.lower().split("/"))
    if name.startswith("not "):
        return "land" if name == "not water" else "other ground"
    if lexicon().concept(name) is None:
        return vocabulary().phrases.get(entry.label, name)
    return name
