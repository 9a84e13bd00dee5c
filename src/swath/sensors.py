"""The catalogue of sensors: bands, wavelengths, statistics, and how each is shown as RGB.

A `Sensor` describes the *product* a chip was cut from (level, units, bands), not only the satellite: Sentinel-1 in
decibel, in linear power and stretched to 8 bits are three sensors of one `family`. Statistics are per band in the
product's own units. Everything here is numpy; nothing reads a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from swath.errors import SensorError

Units = Literal["dn8", "scene8", "reflectance1e4", "db", "power", "amplitude"]
"""What numbers mean; ``scene8`` are those of unknown calibration, brought to 0 to 255 by each scene's own range."""

S1_C_BAND_NM = 55_465_763.0
"""Wavelength of Sentinel-1's C-band radar (5.405 GHz) in nanometres."""

RADAR_NM = 1e6
"""Wavelengths from here on (a millimetre) are a radar's."""

POLARIZATIONS = ("VV", "VH", "HV", "HH")
"""Names of radar bands that say how they were sent and received."""


@dataclass(frozen=True, slots=True)
class Band:
    """One band of a sensor.

    Attributes:
        name: the band's name in its product (``B04``, ``VV``, ``red``).
        wavelength: centre wavelength in nanometres.
        mean: mean of valid pixels, in the sensor's units.
        std: standard deviation of valid pixels, in the sensor's units.
        aliases: other names under which products and STAC items list the band.
    """

    name: str
    wavelength: float
    mean: float
    std: float
    aliases: tuple[str, ...] = ()

    def answers_to(self, name: str) -> bool:
        """Whether `name` is this band's name or one of its aliases, in any case and with any signs between."""
        return _plain(name) in _keys(self)

    @property
    def is_radar(self) -> bool:
        """Whether the band is a radar's; no light of a millimetre or more is looked at by a camera."""
        return self.wavelength >= RADAR_NM

    @property
    def polarization(self) -> str:
        """Polarisations sent and received (``VV``, ``VH``, ``HH``, ``HV``); empty where the name tells none."""
        name = self.name.upper()
        return name if self.is_radar and name in POLARIZATIONS else ""


@dataclass(frozen=True, slots=True)
class Sensor:
    """One imaging product.

    Attributes:
        name: the catalogue's key (``s2-l2a``).
        family: what `--sensor` may also say (``s2``): all products of one instrument.
        title: the name people use.
        bands: the bands in file order.
        units: what the numbers mean.
        rgb: names of the three bands shown as red, green and blue; empty for radar, which has a rule of its own.
        stretch: (low, high) in the sensor's units mapped to 0 and 255 when shown.
        stored: (scale, offset) from the whole numbers that its products store to its units, where no metadata says it.
        nodata: stored whole number that means no data where it is in every band and the file declares nothing.
        by_name: whether its bands are found by their names only, because its products list them in many orders.
    """

    name: str
    family: str
    title: str
    bands: tuple[Band, ...]
    units: Units
    rgb: tuple[str, ...] = ()
    stretch: tuple[float, float] = (0.0, 255.0)
    stored: tuple[float, float] = (1.0, 0.0)
    nodata: int | None = None
    by_name: bool = False

    @property
    def band_names(self) -> tuple[str, ...]:
        """Band names in file order."""
        return tuple(band.name for band in self.bands)

    @property
    def is_radar(self) -> bool:
        """Whether the sensor is a radar."""
        return self.family in ("s1", "sar")

    def band_index(self, name: str) -> int:
        """Position of the band called `name` (or an alias of it).

        Raises:
            SensorError: the sensor has no such band.
        """
        for index, band in enumerate(self.bands):
            if band.answers_to(name):
                return index
        raise SensorError(f"sensor {self.name!r} has no band {name!r}; it has {', '.join(self.band_names)}")

    def normalize(self, pixels: NDArray[np.generic], valid: NDArray[np.bool_] | None = None) -> NDArray[np.float32]:
        """Standardise pixels with the sensor's statistics; invalid pixels become 0 (the mean).

        Args:
            pixels: (bands, H, W) in the sensor's units and band order.
            valid: (H, W), False where there is no data; NaN and infinities are always invalid.

        Returns:
            (bands, H, W) float32.

        Raises:
            SensorError: the number of bands is not the sensor's.
        """
        self.check(pixels)
        mean = np.array([band.mean for band in self.bands], dtype=np.float32)[:, None, None]
        std = np.array([band.std for band in self.bands], dtype=np.float32)[:, None, None]
        values = pixels.astype(np.float32)
        if self.units == "power":
            values = to_db(values)
        out = (values - mean) / std
        good = np.isfinite(out)
        if valid is not None:
            good &= valid[None]
        return np.where(good, out, np.float32(0.0)).astype(np.float32, copy=False)

    def check(self, pixels: NDArray[np.generic]) -> None:
        """Refuse an array that is not (bands, H, W) with this sensor's number of bands.

        Raises:
            SensorError: with the shape found and the shape wanted.
        """
        if pixels.ndim != 3 or pixels.shape[0] != len(self.bands):
            raise SensorError(
                f"sensor {self.name!r} has {len(self.bands)} band(s) ({', '.join(self.band_names)}), "
                f"but the array has shape {pixels.shape}; give the right --sensor or select the bands"
            )

    def to_rgb(self, pixels: NDArray[np.generic], valid: NDArray[np.bool_] | None = None) -> NDArray[np.uint8]:
        """Render as an 8-bit colour picture.

        The stretch is the sensor's own, so chips compare; only amplitude of unknown calibration (``sar``) is stretched
        by its own percentiles. Optical products show their red, green and blue bands. Dual-polarised radar shows
        (VV, VH, VV/VH); a single radar band is shown grey. Invalid pixels are black.

        Args:
            pixels: (bands, H, W) in the sensor's units and band order.
            valid: (H, W), False where there is no data.

        Returns:
            (3, H, W) uint8.

        Raises:
            SensorError: the number of bands is not the sensor's.
        """
        self.check(pixels)
        picture = self._radar_rgb(pixels, valid) if self.is_radar else self._optical_rgb(pixels)
        if valid is not None and not valid.all():
            picture = np.where(valid[None], picture, np.uint8(0))
        return picture

    @property
    def is_grey(self) -> bool:
        """Whether `to_rgb` gives three equal bands."""
        return self.is_radar and len(self.bands) == 1

    @property
    def stretches_itself(self) -> bool:
        """Whether `to_rgb` stretches a picture by its own values, so that a part of it looks otherwise alone."""
        return self.is_radar and self.units == "amplitude"

    def _optical_rgb(self, pixels: NDArray[np.generic]) -> NDArray[np.uint8]:
        shown = [self.band_index(name) for name in self.rgb]
        chosen = pixels if shown == list(range(len(self.bands))) else pixels[shown]
        if self.units == "dn8" and chosen.dtype == np.uint8:
            return np.ascontiguousarray(chosen, dtype=np.uint8)
        return _stretch(chosen.astype(np.float32), self.stretch)

    def _radar_rgb(self, pixels: NDArray[np.generic], valid: NDArray[np.bool_] | None) -> NDArray[np.uint8]:
        if self.is_grey and self.units == "dn8" and pixels.dtype == np.uint8:
            plain = np.arange(256, dtype=np.uint8)
            levels = _stretch(plain.astype(np.float32), self.stretch)
            shown = pixels if np.array_equal(levels, plain) else levels[pixels.astype(np.uint8, copy=False)]
            return np.broadcast_to(shown, (3, *pixels.shape[1:]))
        values = pixels.astype(np.float32)
        if self.units == "power":
            values = to_db(values)
        elif self.units == "amplitude":
            known = values[:1] if valid is None else np.where(valid[None], values[:1], np.float32(np.nan))
            return np.repeat(_percentile_stretch(known), 3, axis=0)
        if len(self.bands) == 1:
            return np.repeat(_stretch(values, self.stretch), 3, axis=0)
        co, cross = values[self.band_index("VV")], values[self.band_index("VH")]
        low, high = self.stretch
        if self.units == "dn8":
            ratio = np.clip(128.0 + (co - cross), 0, 255)
            return np.stack([_stretch(band, (low, high)) for band in (co, cross, ratio)])
        return np.stack(
            [_stretch(co, (low, high)), _stretch(cross, (low - 6, high - 6)), _stretch(co - cross, (0, 15))]
        )


@cache
def _keys(band: Band) -> frozenset[str]:
    return frozenset(map(_plain, (band.name, *band.aliases)))


@lru_cache(maxsize=4096)
def _plain(name: str) -> str:
    """A band's name as it is compared: letters and figures only, in lower case."""
    return "".join(sign for sign in name.lower() if sign.isalnum())


def to_db(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Convert linear power to decibel; zero and negative power become NaN (no data)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        decibel: NDArray[np.float32] = np.where(power > 0, 10.0 * np.log10(power), np.nan).astype(np.float32)
    return decibel


def _stretch(values: NDArray[np.float32], limits: tuple[float, float]) -> NDArray[np.uint8]:
    low, high = limits
    scaled = (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) * (255.0 / (high - low))
    picture: NDArray[np.uint8] = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return picture


def _percentile_stretch(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Stretch amplitude of unknown calibration between its own 2nd and 98th percentile."""
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return np.zeros(values.shape, dtype=np.uint8)
    low, high = (float(q) for q in np.percentile(finite, (2, 98)))
    # Below single precision's resolution the picture is flat, and a stretch would divide by next to nothing.
    flat = high - low <= 1e-6 * max(abs(low), abs(high), 1e-20)
    return _stretch(values, (low, low + max(1.0, abs(low)) if flat else high))


def _rgb8(
    means: Sequence[float] = (123.0, 116.0, 104.0), stds: Sequence[float] = (58.0, 57.0, 57.0)
) -> tuple[Band, ...]:
    names = (
        ("red", 650.0, ("r", "B04", "B4")),
        ("green", 560.0, ("g", "B03", "B3")),
        ("blue", 480.0, ("b", "B02", "B2")),
    )
    return tuple(
        Band(name, nm, mean, std, alias) for (name, nm, alias), mean, std in zip(names, means, stds, strict=True)
    )


# name, common name (STAC eo), nm, L2A mean, L2A std, L1C mean, L1C std. L2A: BigEarthNet; L1C: EuroSAT training data.
_S2_TABLE: tuple[tuple[str, tuple[str, ...], float, float, float, float, float], ...] = (
    ("B01", ("B1", "coastal"), 442.7, 340.76, 554.81, 1354.4, 245.7),
    ("B02", ("B2", "blue"), 492.4, 429.94, 572.41, 1118.2, 333.0),
    ("B03", ("B3", "green"), 559.8, 614.21, 582.87, 1042.9, 395.1),
    ("B04", ("B4", "red"), 664.6, 590.23, 675.88, 947.6, 593.8),
    ("B05", ("B5", "rededge071", "rededge1"), 704.1, 950.68, 729.89, 1199.5, 566.4),
    ("B06", ("B6", "rededge075", "rededge2"), 740.5, 1792.46, 1096.01, 1999.8, 861.2),
    ("B07", ("B7", "rededge078", "rededge3"), 782.8, 2075.46, 1273.45, 2369.2, 1086.6),
    ("B08", ("B8", "nir"), 832.8, 2218.94, 1365.45, 2296.8, 1117.9),
    ("B8A", ("B8a", "nir08"), 864.7, 2266.46, 1356.13, 2594.1, 1231.6),
    ("B09", ("B9", "nir09"), 945.1, 2246.06, 1302.32, 732.1, 404.9),
    ("B10", ("cirrus",), 1373.5, 0.0, 1.0, 12.1, 4.8),
    ("B11", ("swir16", "swir1"), 1613.7, 1594.42, 1079.19, 1819.0, 1002.6),
    ("B12", ("swir22", "swir2"), 2202.4, 1009.32, 818.86, 1118.9, 761.3),
)

S2_B8A_LAST = (*(f"B{number:02d}" for number in range(1, 13)), "B8A")
"""Band order of 13-band files that sort B8A last, as EuroSAT's do (products have it after B08)."""

_S2_L2A = tuple(Band(n, nm, m, s, a) for n, a, nm, m, s, _, _ in _S2_TABLE if n != "B10")
_S2_L1C = tuple(Band(n, nm, m, s, a) for n, a, nm, _, _, m, s in _S2_TABLE)


def _radar(stats: Mapping[str, tuple[float, float]]) -> tuple[Band, ...]:
    return tuple(Band(name, S1_C_BAND_NM, mean, std, (name.lower(),)) for name, (mean, std) in stats.items())


_VV_VH_DB = {"VV": (-12.62, 5.12), "VH": (-19.29, 5.46)}
_VV_VH_8BIT = {"VV": (112.0, 48.0), "VH": (100.0, 48.0)}

_WORDS: dict[str, tuple[str, ...]] = {
    "red": ("r",),
    "green": ("g",),
    "blue": ("b",),
    "nir": ("n", "ir", "near infrared", "infrared"),
}
"""Words for colours that mean the same in every product, unlike numbers of bands."""


def _colours(names: Sequence[str], units: Units, **numbers: tuple[str, ...]) -> tuple[Band, ...]:
    """Bands known by their words, and by a mission's own `numbers`; statistics are those of Sentinel-2 or of pictures.

    Reflectance of one wavelength is one quantity, whoever measures it.
    """
    like = {"red": "B04", "green": "B03", "blue": "B02", "nir": "B08"}
    table = {band.name: band for band in _S2_L2A}
    found = []
    for name in names:
        near = table[like[name]]
        mean, std = (near.mean, near.std) if units == "reflectance1e4" else (115.0, 57.0)
        found.append(Band(name, near.wavelength, mean, std, (*_WORDS[name], *numbers.get(name, ()))))
    return tuple(found)


_OLI = {"red": ("SR_B4", "B4", "B04"), "green": ("SR_B3", "B3", "B03"), "blue": ("SR_B2", "B2", "B02")}
_TM = {"red": ("SR_B3", "B3", "B03"), "green": ("SR_B2", "B2", "B02"), "blue": ("SR_B1", "B1", "B01")}
_CIR8 = {"red": ("B04", "B4"), "green": ("B03", "B3"), "nir": ("B08", "B8")}

_RGB, _CIR = ("red", "green", "blue"), ("nir", "red", "green")

_LANDSAT = (0.275, -2000.0)
"""Collection 2 level 2: 0.0000275 and -0.2, as reflectance times 10,000."""


def _shown(
    name: str, family: str, title: str, bands: tuple[Band, ...], units: Units, stored: tuple[float, float] = (1.0, 0.0)
) -> Sensor:
    """A product that is shown by three of its bands, which are found by name among all it has."""
    high = 3000.0 if units == "reflectance1e4" else 255.0
    nodata = None if units == "dn8" else 0
    return Sensor(name, family, title, bands, units, tuple(b.name for b in bands), (0.0, high), stored, nodata, True)


_REFLECTANCE: Units = "reflectance1e4"
_S2_SHOWN = ("B04", "B03", "B02")
_S2_RGB = tuple(next(band for band in _S2_L2A if band.name == name) for name in _S2_SHOWN)
_OLI_RGB, _TM_RGB = _colours(_RGB, _REFLECTANCE, **_OLI), _colours(_RGB, _REFLECTANCE, **_TM)
_ANY_RGB = _colours(_RGB, _REFLECTANCE, red=("B04",), green=("B03",), blue=("B02",))

_THREE_BANDS = (
    _shown("s2-rgb", "s2", "Sentinel-2 bands shown as RGB", _S2_RGB, _REFLECTANCE),
    _shown("landsat-rgb", "landsat", "Landsat 8/9 level 2 shown as RGB", _OLI_RGB, _REFLECTANCE, _LANDSAT),
    _shown("landsat-tm-rgb", "landsat", "Landsat 4 to 7 level 2 shown as RGB", _TM_RGB, _REFLECTANCE, _LANDSAT),
    _shown("planetscope-rgb", "planetscope", "PlanetScope shown as RGB", _colours(_RGB, _REFLECTANCE), _REFLECTANCE),
    _shown("reflectance-rgb", "reflectance", "Reflectance of any camera shown as RGB", _ANY_RGB, _REFLECTANCE),
    _shown("rgb-stretched", "rgb", "RGB of unknown calibration", _colours(_RGB, "scene8"), "scene8"),
    _shown("cir", "cir", "Colour infrared, 8 bit", _colours(_CIR, "dn8", **_CIR8), "dn8"),
    _shown("cir-stretched", "cir", "Colour infrared of unknown calibration", _colours(_CIR, "scene8"), "scene8"),
)

SENSORS: dict[str, Sensor] = {
    sensor.name: sensor
    for sensor in (
        Sensor("rgb", "rgb", "RGB photograph or aerial image", _rgb8(), "dn8", ("red", "green", "blue")),
        Sensor("s2-tci", "s2", "Sentinel-2 true colour, 8 bit", _rgb8(), "dn8", ("red", "green", "blue")),
        Sensor("s2-l2a", "s2", "Sentinel-2 L2A, 12 bands", _S2_L2A, _REFLECTANCE, _S2_SHOWN, (0, 3000), nodata=0),
        Sensor("s2-l1c", "s2", "Sentinel-2 L1C, 13 bands", _S2_L1C, _REFLECTANCE, _S2_SHOWN, (0, 3500), nodata=0),
        Sensor("s1-grd", "s1", "Sentinel-1 GRD, decibel", _radar(_VV_VH_DB), "db", (), (-20.0, 0.0)),
        Sensor("s1-vv", "s1", "Sentinel-1 VV, decibel", _radar({"VV": _VV_VH_DB["VV"]}), "db", (), (-20.0, 0.0)),
        Sensor("s1-vh", "s1", "Sentinel-1 VH, decibel", _radar({"VH": _VV_VH_DB["VH"]}), "db", (), (-26.0, -6.0)),
        Sensor("s1-grd-linear", "s1", "Sentinel-1 GRD, linear power", _radar(_VV_VH_DB), "power", (), (-20.0, 0.0)),
        Sensor("s1-grd-8bit", "s1", "Sentinel-1 GRD, 8 bit", _radar(_VV_VH_8BIT), "dn8"),
        Sensor("s1-vv-8bit", "s1", "Sentinel-1 VV, 8 bit", _radar({"VV": _VV_VH_8BIT["VV"]}), "dn8"),
        Sensor("s1-vh-8bit", "s1", "Sentinel-1 VH, 8 bit", _radar({"VH": _VV_VH_8BIT["VH"]}), "dn8"),
        Sensor("sar", "sar", "Single-band SAR, any radar", _radar({"SAR": (100.0, 60.0)}), "amplitude"),
        *_THREE_BANDS,
    )
}
"""Every sensor by name."""


def sensor(name: str) -> Sensor:
    """The sensor called `name`.

    Raises:
        SensorError: no such sensor; the message lists them.
    """
    try:
        return SENSORS[name]
    except KeyError:
        raise SensorError(f"unknown sensor {name!r}; known: {', '.join(sorted(SENSORS))}") from None


def matching(name: str) -> tuple[str, ...]:
    """Names of the sensors that a user means by `name`: one sensor, or every product of a family (``s2``).

    Raises:
        SensorError: neither a sensor nor a family.
    """
    wanted = name.lower()
    members = tuple(key for key, entry in SENSORS.items() if wanted in (key, entry.family))
    if not members:
        known = sorted({*SENSORS, *(entry.family for entry in SENSORS.values())})
        raise SensorError(f"unknown sensor or family {name!r}; known: {', '.join(known)}")
    return members
