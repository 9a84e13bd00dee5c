"""`ModelConfig`: what `config.json` beside a model's weights says, checked when it is read.

A model is one text tower, one or more vision towers, and a table that says which sensor goes to which tower and how
its pixels are brought there. Options that only one tower type knows stay in that tower's own entry and are checked by
the tower when it is built.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

from swath.bands import canonical
from swath.errors import CheckpointError, SensorError
from swath.models.files import whole
from swath.models.routing import ANY_BANDS, ANY_SENSOR, misfit
from swath.sensors import Sensor, Units

FORMAT: Literal[1] = 1
"""Version of the layout of `config.json`."""

CONFIG_FILE = "config.json"

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
"""Mean of CLIP's training pixels (0 to 1), red, green, blue."""

CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
"""Standard deviation of CLIP's training pixels (0 to 1), red, green, blue."""

_KEY_SIGN = "@"
"""Between tower and sensor in a `ModelConfig.batch_key`."""


class TextConfig(BaseModel):
    """The text tower's entry. Further keys are options of its type (see `swath.models.text.TextOptions`).

    Attributes:
        type: tower type in the registry (``clip``).
        context_length: most tokens of one text, start and end token included.
        sentences: what the sentences of a longer text count beside the text as a whole (see `swath.models.sentences`).
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str = "clip"
    context_length: int = Field(default=77, ge=3)
    sentences: float = Field(default=0.0, ge=0, le=1)

    @property
    def options(self) -> dict[str, Any]:
        """The keys that only this tower type knows."""
        return dict(self.model_extra or {})


class TowerConfig(BaseModel):
    """A vision tower's entry. Further keys are options of its type (see `swath.models.vision.ViTOptions`).

    Attributes:
        type: tower type in the registry (``vit``).
        image_size: side of the square input in pixels.
        bands: number of input bands; ``any`` where the first layer is made from the bands' wavelengths (see
            `swath.models.wavelength`), so that the tower takes every catalogued sensor.
        mean: per band: of pixels scaled to 0 to 1 where the input is a rendered RGB picture, in `units` where a route
            takes the tower's statistics.
        std: per band, as `mean`.
        resize: ``crop`` scales the shorter side and cuts the centre; ``squash`` scales both sides, so nothing is lost.
        interpolation: the resampling filter.
        band_names: names of the input bands in their order, by which a sensor's bands are brought there; None: the
            bands of the one sensor that it was made for, in the catalogue's order.
        units: what `mean` and `std` are in, for routes that take the tower's statistics.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str = "vit"
    image_size: int = Field(default=224, ge=1)
    bands: Annotated[int, Field(ge=1)] | Literal["any"] = 3
    mean: tuple[float, ...] = CLIP_MEAN
    std: tuple[float, ...] = CLIP_STD
    resize: Literal["crop", "squash"] = "crop"
    interpolation: Literal["bicubic", "bilinear"] = "bicubic"
    band_names: tuple[str, ...] | None = None
    units: Units | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The keys that only this tower type knows."""
        return dict(self.model_extra or {})

    @property
    def band_count(self) -> int:
        """Number of input bands.

        Raises:
            CheckpointError: the tower takes any number, which its type does not.
        """
        if self.bands == ANY_BANDS:
            raise CheckpointError(f"a {self.type!r} tower needs a number of bands; vit and convnet take bands: any")
        return self.bands

    @model_validator(mode="after")
    def _check_names(self) -> Self:
        if self.band_names is None:
            return self
        if self.bands != len(self.band_names):
            raise ValueError(
                f"{len(self.band_names)} band_names ({', '.join(self.band_names)}), but bands: {self.bands}"
            )
        if len(set(map(canonical, self.band_names))) < len(self.band_names):
            raise ValueError(f"band_names lists a band twice: {', '.join(self.band_names)}")
        return self

    @model_serializer(mode="wrap")
    def _without_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _spoken(handler(self), {"band_names": None, "units": None})


class LocationConfig(BaseModel):
    """The location tower's entry. Further keys are options of its type (see `swath.models.location`).

    Attributes:
        type: tower type in the registry (``satclip``, ``geoclip``).
        width: length of the encoder's own vectors, which a projection brings to `embed_dim`; None for `embed_dim`
            itself, without projection.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str
    width: int | None = Field(default=None, ge=1)

    @property
    def options(self) -> dict[str, Any]:
        """The keys that only this tower type knows."""
        return dict(self.model_extra or {})


class CaptionerConfig(BaseModel):
    """The entry of a decoder that writes captions (see `swath.models.decoder`); its tokenizer is the text tower's.

    Attributes:
        width: length of a word's state; that of the text tower.
        layers: blocks of self-attention, and as many of cross-attention.
        heads: attention heads.
        mlp_ratio: hidden over outer width of the MLP.
        activation: ``gelu`` or ``quickgelu``; cannot be seen from the weights.
        queries: queries of an attentional pooler over the image tower's tokens; 0 where the tower has its own, as
            CoCa's, whose tokens then have the decoder's width.
        pooler_heads: its attention heads.
        digest: 12 hexadecimal digits over this entry and the decoder's weights; written by `save_pretrained`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    width: int = Field(default=512, ge=1)
    layers: int = Field(default=12, ge=1)
    heads: int = Field(default=8, ge=1)
    mlp_ratio: float = Field(default=4.0, gt=0)
    activation: Literal["gelu", "quickgelu"] = "gelu"
    queries: int = Field(default=0, ge=0)
    pooler_heads: int = Field(default=8, ge=1)
    digest: str | None = None


class SensorInput(BaseModel):
    """How one sensor's pixels reach a tower.

    Attributes:
        tower: name of the vision tower.
        input: ``rgb``: rendered by `Sensor.to_rgb` and normalised with the tower's statistics; ``bands``: the bands
            themselves.
        statistics: of the bands: ``sensor``: standardised by `Sensor.normalize`; ``tower``: ``(x - mean) / std`` with
            the tower's `mean` and `std`, in its `units` (linear power goes to decibel first), as published towers
            were trained.
        fill: what bands that the tower takes and the sensor lacks are filled with, by name: in the tower's units where
            `statistics` is ``tower``, else in standard deviations from the mean.
        nodata: what invalid pixels of the bands become, in the tower's units; None: the mean.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    tower: str
    input: Literal["rgb", "bands"] = "rgb"
    statistics: Literal["sensor", "tower"] = "sensor"
    fill: dict[str, float] = Field(default_factory=dict)
    nodata: float | None = None

    @model_serializer(mode="wrap")
    def _without_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return _spoken(handler(self), {"statistics": "sensor", "fill": {}, "nodata": None})


class ModelConfig(BaseModel):
    """Everything about a model that its weights do not say.

    Attributes:
        format: version of this layout.
        name: the model's name; with the digest it makes the model id.
        embed_dim: length of the vectors that all towers share.
        text: the text tower.
        towers: vision towers by name; the one called ``rgb`` has OpenCLIP's key prefix ``visual.``.
        sensors: which tower each sensor goes to; ``*`` stands for every other sensor.
        location: the location tower; None for a model without one.
        captioner: the decoder that writes captions; None for a model without one. It changes no embedding, so the
            model's digest leaves it out, and it has one of its own.
        license: licence of the weights.
        provenance: where the weights come from (data, recipe, source file); free, JSON values only.
        fusion: weights of global and local similarity, calibrated on validation data: the fields of
            `swath.similarity.Fusion`; None where nobody has calibrated them. They change no embedding, so the digest
            leaves them out.
        digest: 12 hexadecimal digits over configuration and weights; written by `save_pretrained`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = FORMAT
    name: str = Field(min_length=1)
    embed_dim: int = Field(ge=1)
    text: TextConfig
    towers: dict[str, TowerConfig] = Field(min_length=1)
    sensors: dict[str, SensorInput] = Field(min_length=1)
    location: LocationConfig | None = None
    captioner: CaptionerConfig | None = None
    license: str = "unknown"
    provenance: dict[str, Any] = Field(default_factory=dict)
    fusion: dict[str, float | bool] | None = None
    digest: str | None = None

    @model_validator(mode="after")
    def _check_sensors(self) -> Self:
        for name, entry in self.sensors.items():
            tower = self.towers.get(entry.tower)
            if tower is None:
                raise ValueError(f"sensor {name!r} names tower {entry.tower!r}; towers: {', '.join(self.towers)}")
            wrong = misfit(name, entry, tower)
            if wrong is not None:
                raise ValueError(wrong)
        if any(_KEY_SIGN in name for name in self.towers):
            raise ValueError(f"a tower's name holds {_KEY_SIGN!r}: {', '.join(self.towers)}")
        return self

    def route(self, sensor: str | Sensor) -> SensorInput:
        """The tower and input of a sensor.

        Raises:
            SensorError: the model takes no such sensor; the message lists those it takes.
        """
        name = sensor if isinstance(sensor, str) else sensor.name
        entry = self.sensors.get(name) or self.sensors.get(ANY_SENSOR)
        if entry is None:
            raise SensorError(
                f"model {self.name!r} takes no images of sensor {name!r}; it takes {', '.join(self.sensors)}"
            )
        return entry

    def batch_key(self, sensor: str | Sensor) -> str:
        """What images have in common that may share a batch: their tower; for one that takes any bands, those too.

        Returns:
            the tower's name, or ``tower@sensor``; `split_key` takes it apart.

        Raises:
            SensorError: the model takes no such sensor.
        """
        entry = self.route(sensor)
        if self.towers[entry.tower].bands != ANY_BANDS:
            return entry.tower
        seen = "rgb" if entry.input == "rgb" else sensor if isinstance(sensor, str) else sensor.name
        return f"{entry.tower}{_KEY_SIGN}{seen}"

    @classmethod
    def load(cls, path: Path) -> ModelConfig:
        """Read `config.json`.

        Args:
            path: the file, or the directory that holds it.

        Raises:
            CheckpointError: no such file, not JSON, not a swath model, or a value out of range.
        """
        file = path / CONFIG_FILE if path.is_dir() else path
        try:
            data = json.loads(file.read_text(encoding="utf-8"))
        except OSError as error:
            hint = _no_model(path) if isinstance(error, FileNotFoundError) and path.is_dir() else ""
            raise CheckpointError(f"cannot read {file}: {error.strerror or error}{hint}") from error
        except ValueError as error:
            raise CheckpointError(f"{file} is not valid JSON: {error}") from error
        if not isinstance(data, dict) or "towers" not in data:
            raise CheckpointError(
                f"{file} is not the configuration of a swath model (no 'towers'); "
                "turn OpenCLIP weights into one with: swath convert"
            )
        if data.get("format") != FORMAT:
            raise CheckpointError(f"{file} has format {data.get('format')!r}; this version of swath reads {FORMAT}")
        return cls.parse(data, str(file))

    @classmethod
    def parse(cls, data: dict[str, Any], origin: str = "the model configuration") -> ModelConfig:
        """Check a configuration given as a dictionary.

        Raises:
            CheckpointError: naming each wrong field.
        """
        return checked(cls, data, origin)

    def to_json(self) -> str:
        """The text of `config.json`."""
        # Parts that a model has not are not spoken of.
        absent = {name for name in ("location", "captioner") if getattr(self, name) is None}
        data = self.model_dump(mode="json", exclude=absent)
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"

    def identity(self) -> str:
        """The part that changes what the model computes, as canonical JSON; name, licence and provenance do not."""
        parts = {"format", "embed_dim", "text", "towers", "sensors"}
        # Left out where there is none, so that ids from before location towers stay.
        data = self.model_dump(mode="json", include=parts | ({"location"} if self.location else set()))
        if not self.text.sentences:
            del data["text"]["sentences"]
        return json.dumps(data, sort_keys=True, separators=(",", ":"))


def split_key(key: str) -> tuple[str, str | None]:
    """Tower of a `ModelConfig.batch_key`, and the sensor whose bands it is to take where it takes any."""
    tower, _, sensor = key.partition(_KEY_SIGN)
    return tower, sensor or None


def _spoken(data: dict[str, Any], silent: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out fields at their default that came later, so that what older models say of themselves stays."""
    return {key: value for key, value in data.items() if key not in silent or value != silent[key]}


def keep_fusion(directory: Path, fusion: Mapping[str, float | bool]) -> None:
    """Write calibrated weights of global and local similarity into a model directory's configuration, in one move.

    Raises:
        CheckpointError: there is no model, or its configuration cannot be written.
    """
    config = ModelConfig.load(directory).model_copy(update={"fusion": dict(fusion)})
    with whole(directory / CONFIG_FILE) as place:
        place.write_text(config.to_json(), encoding="utf-8")


Checked = TypeVar("Checked", bound=BaseModel)


def checked(model: type[Checked], data: Mapping[str, Any], origin: str) -> Checked:
    """A pydantic model of `data`.

    Args:
        model: its class.
        data: its fields.
        origin: where they come from, for the message.

    Raises:
        CheckpointError: naming each wrong field.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise CheckpointError(f"{origin}: {explain(error)}") from error


def explain(error: ValidationError) -> str:
    """One line that names every wrong field of a pydantic error."""
    said = {"extra_forbidden": "there is no such field"}
    return "; ".join(
        f"{'.'.join(map(str, item['loc'])) or 'config'}: {said.get(item['type'], item['msg'])}"
        for item in error.errors()
    )


def _no_model(folder: Path) -> str:
    """What to do about a folder that is no model directory: of a training run, the model is one further down."""
    best = folder / "best"
    if (best / CONFIG_FILE).is_file():
        return f"; the model of this training run is {best}"
    return f"; {folder} is no model directory: give one, or a name (list them with: swath models)"
