"""Paired optical to caption: the optical image of the same ground is captioned, and the caption rewritten for radar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from swath.chips import Pixels
from swath.corpus.facts import Fact, Facts
from swath.corpus.language.claims import sentences_of
from swath.corpus.narrate.admissible import for_radar, rules_id
from swath.corpus.narrate.circumstances import with_circumstances
from swath.corpus.narrate.images import chip_items, metres_a_pixel
from swath.corpus.narrate.material import Item, Material, Statement
from swath.corpus.narrate.options import RouteOptions
from swath.corpus.narrate.pairing import Partner, Partners
from swath.corpus.sentences import distinct
from swath.errors import DataError, InputError, SwathError
from swath.raster import read_chip
from swath.sensors import sensor
from swath.sources import cut, open_source


class PairsRoute:
    """Cuts radar scenes into chips and captions what an optical scene shows of the same ground.

    Args:
        source: radar scenes: a folder, a GeoTIFF, STAC items, a GeoParquet table.
        options: `captioner` and `optical` are needed (`optical` may be `source` itself where it holds both); `sensor`,
            `optical_sensor`, `days`, `overlap`, `size`, `stride`, `gsd`.

    Raises:
        InputError: no captioner, or no optical source.
        DataError: no radar scene, or no optical scene is there.
    """

    name = "pairs"

    def __init__(self, source: str, options: RouteOptions) -> None:
        if options.captioner is None or options.optical is None:
            raise InputError("pairs need --optical SCENES and a captioner (--bank CAPTIONS, or --captioner MODEL)")
        self._captioner, self._gsd = options.captioner, options.gsd
        radar, optical = (
            open_source(source, sensor=options.sensor),
            open_source(options.optical, sensor=options.optical_sensor),
        )
        chips = [chip for chip in cut(radar, options.size, options.stride) if chip.sensor.is_radar]
        scenes = [scene for scene in optical.scenes() if not sensor(scene.sensor).is_radar]
        self.failures = [f"{failure.href}: {failure.reason}" for failure in (*radar.failures, *optical.failures)]
        if not chips or not scenes:
            missing = f"radar scene in {source}" if not chips else f"optical scene in {options.optical}"
            raise DataError(f"there is no {missing}{': ' + self.failures[0] if self.failures else ''}")
        self.items: Sequence[Item] = chip_items(chips)
        self._partners = Partners(scenes, options.days, options.overlap)
        self.settings: Mapping[str, object] = {
            "route": self.name,
            "captioner": self._captioner.id,
            "days": options.days,
            "overlap": options.overlap,
            "gsd": options.gsd,
            "rules": rules_id(),
            "optical": sorted(scene.id for scene in scenes),
        }

    def tell(self, items: Sequence[Item]) -> list[Material | SwathError]:
        """Captions of the optical partners, as facts, and what of them a radar image supports, as statements."""
        told: list[Material | SwathError] = []
        found: dict[int, tuple[Partner, Pixels]] = {}
        for place, item in enumerate(items):
            try:
                partner = self._partners.of(item.chip)
                found[place] = partner, read_chip(partner.chip)
                told.append(DataError("not captioned yet"))
            except SwathError as error:
                told.append(error)
        captions = self._captioner.caption([pixels for _, pixels in found.values()]) if found else []
        for (place, (partner, _)), caption in zip(found.items(), captions, strict=True):
            try:
                told[place] = self._material(items[place], partner, caption)
            except SwathError as error:
                told[place] = error
        return told

    def _material(self, item: Item, partner: Partner, caption: str) -> Material:
        gsd = metres_a_pixel(item.chip, self._gsd)
        sentences = sentences_of(caption)
        captions = [
            Fact("caption", "", text.rstrip(" ."), f"optical.captions[{number}]")
            for number, text in enumerate(sentences)
        ]
        facts = Facts(item.name, tuple(captions))
        statements = []
        for number, text in enumerate(sentences):
            rewritten = for_radar(text, gsd).rstrip(".")
            if rewritten:
                plain = rewritten[0].lower() + rewritten[1:]
                source = f"optical.captions[{number}]"
                lead = (f"in this radar image, {plain}", f"SAR image: {plain}")
                statements.append(Statement(f"caption {number}", (plain,), (source, source), fragments=lead))
        if not facts.items:
            raise DataError(f"{item.name}: the captioner has no words for its optical image {partner.chip.scene.id}")
        kept = [statements[index] for index in distinct([one.wordings[0] for one in statements])] if statements else []
        scene = partner.chip.scene
        origin = {
            "captioner": self._captioner.id,
            "optical": f"{scene.id}#{'_'.join(map(str, partner.chip.window.to_list()))}",
            "optical_date": scene.datetime.isoformat() if scene.datetime is not None else "",
            "days_apart": f"{partner.days:.1f}",
        }
        return with_circumstances(Material(facts, tuple(kept), (), (), origin), item.chip)
