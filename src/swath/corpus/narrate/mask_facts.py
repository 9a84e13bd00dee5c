"""From the regions of a label raster to facts and statements."""

from __future__ import annotations

from collections.abc import Mapping

from swath.corpus.facts import Fact, Facts
from swath.corpus.narrate.mask_classes import MaskClass
from swath.corpus.narrate.material import Material
from swath.corpus.narrate.phrasing import counted, listed, many, number, percent, share_in_words, where
from swath.corpus.narrate.regions import Region
from swath.corpus.narrate.telling import Teller

PRESENT = 0.01
"""Share of the labelled pixels from which a class is told."""

MOSTLY = 0.6
"""Share from which an image is mostly of one class."""

_TOLD = 4
_MANY = 9
_LONG, _ROUND, _RAGGED = 4.0, 1.6, 8.0
_CONTACT = 0.3
_SURROUNDED = 0.9


class MaskTeller(Teller):
    """Tells what the label raster under one image says.

    Args:
        name: the image's name.
        regions: code -> region, the largest first.
        classes: code -> class.
        pixel: square metres a pixel; None claims no areas.
    """

    def __init__(
        self, name: str, regions: Mapping[int, Region], classes: Mapping[int, MaskClass], pixel: float | None
    ) -> None:
        super().__init__()
        self._name, self._regions, self._classes, self._pixel = name, regions, classes, pixel
        told = [code for code, region in regions.items() if region.share >= PRESENT]
        self._told = told[:_TOLD]

    def material(self) -> Material:
        """Facts and statements of the image."""
        for code in self._told:
            share = self._regions[code].share
            self._facts.append(Fact("share", self._phrase(code), round(share, 4), self._source(code)))
        self._whole()
        for code in self._told:
            self._share(code)
        if len(self._told) > 1:
            # Of the class that is the ground of all others, only the share is worth telling.
            for code in self._told[1:] if self._regions[self._told[0]].share >= 0.5 else self._told:
                self._place(code)
                self._patches(code)
                self._shape(code)
                self._area(code)
            self._borders()
        labels = tuple(dict.fromkeys(self._phrase(code) for code in self._told))
        return Material(Facts(self._name, tuple(self._facts)), tuple(self._statements), labels)

    def _whole(self) -> None:
        """What the image is of."""
        main, others = self._told[0], self._told[1:]
        region, subject, sources = self._regions[main], self._shown(main), [self._source(main)]
        cover = self._verb(main, "covers", "cover")
        if not others:
            if region.share >= 0.985:
                self._say("whole", [
                    f"{subject} {cover} the whole image", f"the radar image shows nothing but {subject}",
                    f"the whole scene is {subject}", f"{subject} {self._verb(main, 'fills', 'fill')} the SAR image",
                ], sources, fragments=(f"a SAR image of {subject}", f"{subject} seen by radar"))  # fmt: skip
            else:
                self._say("whole", [f"the radar image shows {subject}"], sources)
            return
        rest = listed([self._placed(code) for code in others[:2]])
        sources += [source for code in others[:2] for source in (self._source(code), f"{self._source(code)}.place")]
        if region.share >= MOSTLY:
            wordings = [
                f"the radar image shows mostly {self._bare(main)}, with {rest}",
                f"most of the scene is {self._bare(main)}, with {rest}",
            ]
            fragments: tuple[str, ...] = (f"{subject} with {rest}", f"a SAR image of {subject} with {rest}")
        else:
            together = listed([subject, *(self._placed(code) for code in others[:2])])
            wordings = [f"the radar image shows {together}", f"the SAR image is made up of {together}"]
            fragments = (f"a SAR image of {together}", f"{together}, seen by radar")
        self._say("whole", wordings, sources, follows=False, fragments=fragments)

    def _share(self, code: int) -> None:
        region, subject = self._regions[code], self._shown(code)
        if region.share >= 0.985:
            return
        cover, take = self._verb(code, "covers", "cover"), self._verb(code, "takes", "take")
        wordings = [
            f"{subject} {cover} {percent(region.share)} of the image",
            f"{percent(region.share)} of the area is covered by {self._bare(code)}",
        ]
        words = share_in_words(region.share)
        if words:
            wordings.append(f"{subject} {take} up {words} of the image")
            wordings.append(f"{subject} {cover} {words} of the scene")
        self._say(f"share {code}", wordings, [self._source(code), f"{self._source(code)}.share"])

    def _place(self, code: int) -> None:
        part, source = self._regions[code].part, f"{self._source(code)}.place"
        if not part:
            return
        self._facts.append(Fact("position", self._phrase(code), part, source))
        the, lies = self._the(code), self._verb(code, "lies", "lie")
        self._say(f"place {code}", [
            f"{the} {lies} mainly {where(part)} of the image",
            f"most of {the} {self._verb(code, 'is', 'are')} {where(part)}",
        ], [self._source(code), source])  # fmt: skip

    def _patches(self, code: int) -> None:
        """How many patches; a number only where there are no tiny ones beside, which one may count or not."""
        region, source = self._regions[code], f"{self._source(code)}.patches"
        name, phrase = self._classes[code], self._phrase(code)
        count = region.patches
        if count < 2:
            return
        if count >= _MANY or (count > 2 and region.pieces > count):
            amount = "many" if count >= _MANY else "several"
            what = many(phrase) if name.is_thing else f"patches of {self._bare(code)}"
            self._facts.append(Fact("statement", "", f"{amount} {what}", source))
            told = [f"the image holds {amount} separate {what}"]
            if not region.part:
                told.append(f"{amount} {what} are scattered over the scene")
            self._say(f"patches {code}", told, [self._source(code), source])
            return
        if region.pieces > count:
            return
        if name.is_thing:
            self._facts.append(Fact("count", phrase, count, source))
            wordings = [f"there are {counted(count, phrase)} in the image", f"{counted(count, phrase)} can be seen"]
        else:
            self._facts.append(Fact("count", f"patch of {phrase}", count, source))
            wordings = [
                f"there are {number(count)} separate patches of {self._bare(code)}",
                f"{self._the(code)} {self._verb(code, 'forms', 'form')} {number(count)} separate patches",
            ]
        self._say(f"patches {code}", wordings, [self._source(code), source])

    def _shape(self, code: int) -> None:
        region, source = self._regions[code], f"{self._source(code)}.shape"
        shape = region.shape
        if shape.share < PRESENT:
            return
        what = "patch of " + self._bare(code) if not self._classes[code].is_thing else self._phrase(code)
        which = f"the {what}" if region.pieces == 1 else f"the largest {what}"
        across = {"left", "right"} <= shape.edges, {"top", "bottom"} <= shape.edges
        way = (
            "from left to right" if across == (True, False) else "from top to bottom" if across == (False, True) else ""
        )
        if way and region.shape.share < 0.5:
            band = f"a band of {self._bare(code)}" if not self._classes[code].is_thing else f"{which}"
            ends = ("left", "right") if across[0] else ("top", "bottom")
            self._facts += [Fact("position", self._phrase(code), end, source) for end in ends]
            wordings = [f"{band} runs through the image {way}", f"{band} stretches across the scene {way}"]
        elif shape.elongation >= _LONG:
            wordings = [f"{which} is long and narrow", f"{which} has a long, narrow shape"]
        elif shape.raggedness >= _RAGGED:
            wordings = [f"{which} has a ragged outline", f"the outline of {which} is irregular"]
        elif shape.elongation <= _ROUND and shape.raggedness <= 2.5 and not shape.edges:
            wordings = [f"{which} has a compact shape", f"{which} is compact"]
        else:
            return
        self._facts.append(Fact("statement", "", wordings[0], source))
        self._say(f"shape {code}", wordings, [self._source(code), source])

    def _area(self, code: int) -> None:
        region, source = self._regions[code], f"{self._source(code)}.area"
        if self._pixel is None:
            return
        hectares = region.pixels * self._pixel / 1e4
        if hectares < 1:
            return
        digits = max(0, len(str(int(hectares))) - 2)
        told = int(round(hectares, -digits))
        self._facts.append(Fact("area", self._phrase(code), float(told), source))
        self._say(f"area {code}", [
            f"{self._the(code)} {self._verb(code, 'covers', 'cover')} about {told} hectare{'' if told == 1 else 's'}",
        ], [self._source(code), source], opens=False)  # fmt: skip

    def _borders(self) -> None:
        """What touches what; of two classes alone this says nothing."""
        if len(self._told) == 2 and len(self._regions) == 2:
            self._enclosed(self._told[1], self._told[0])
            return
        for code in self._told[1:]:
            region = self._regions[code]
            near = [other for other, held in region.borders.items() if held >= _CONTACT and other in self._told]
            if self._enclosed(code, max(region.borders, key=lambda other: region.borders[other], default=code)):
                continue
            for other in sorted(near, key=lambda entry: -region.borders[entry])[:1]:
                source = f"{self._source(code)}.borders"
                text = f"{self._the(code)} {self._verb(code, 'lies', 'lie')} next to {self._the(other)}"
                self._facts.append(Fact("statement", "", text, source))
                self._say(
                    f"border {code}",
                    [text, f"{self._the(code)} {self._verb(code, 'borders', 'border')} on {self._the(other)}"],
                    [self._source(code), source],
                )

    def _enclosed(self, code: int, other: int) -> bool:
        """Tell that a class of one patch has another all around it."""
        region = self._regions[code]
        whole = region.pieces == 1 and region.shape.share >= 0.95 * region.share and not region.shape.edges
        if not whole or other not in self._told or region.borders.get(other, 0.0) < _SURROUNDED:
            return False
        source = f"{self._source(code)}.borders"
        text = f"{self._the(code)} {self._verb(code, 'is', 'are')} surrounded by {self._bare(other)}"
        self._facts.append(Fact("statement", "", text, source))
        self._say(f"border {code}", [text], [self._source(code), source])
        return True

    def _placed(self, code: int) -> str:
        part = self._regions[code].part
        return f"{self._shown(code)} {where(part)}" if part else self._shown(code)

    def _phrase(self, code: int) -> str:
        return self._classes[code].phrase

    def _shown(self, code: int) -> str:
        return self._classes[code].shown(self._regions[code].pieces)

    def _the(self, code: int) -> str:
        return self._classes[code].the(self._regions[code].pieces)

    def _bare(self, code: int) -> str:
        """The class without an article: what an area is of."""
        name = self._classes[code]
        return name.phrase if name.uncounted else many(name.phrase)

    def _verb(self, code: int, one: str, several: str) -> str:
        return several if self._classes[code].plural(self._regions[code].pieces) else one

    def _source(self, code: int) -> str:
        return f"mask.{self._phrase(code)}"
