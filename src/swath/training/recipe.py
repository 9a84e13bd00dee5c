"""`Recipe`: everything that decides a training run, as one typed YAML file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from swath.models.config import ModelConfig
from swath.training.objective import ObjectiveRecipe
from swath.training.parts import RecipePart
from swath.training.recipe_files import laid_over, read_mapping


class SourceRecipe(RecipePart):
    """One data set to train on.

    Attributes:
        path: the data set, relative to `data.root`; any layout that `swath.data.read_dataset` reads.
        split: its split; None takes every pair.
        sensor: the images' sensor, where the data set does not say.
        per_epoch: how many of its images an epoch draws, anew each time; None draws all.
        templates: captions made from class names, with ``{label}`` in them; used for images without captions.
        captions: which captions count: ``short`` or ``long``. To train on both, name the data set twice.
    """

    path: Path
    split: str | None = "train"
    sensor: str | None = None
    per_epoch: int | None = Field(default=None, ge=1)
    templates: tuple[str, ...] = ()
    captions: Literal["short", "long"] = "short"


class ValidationRecipe(RecipePart):
    """What checkpoints are chosen on; never a test split.

    Attributes:
        path: the data set, relative to `data.root`.
        split: its split.
        sensor: only images of this sensor, in a data set with several.
        metric: a metric of `swath.evaluation.retrieval`, or of `swath.evaluation.captioning` where captions are
            learned; higher is better.
        every: epochs between two validations.
    """

    path: Path
    split: str = "val"
    sensor: str | None = None
    metric: str = "mR"
    every: int = Field(default=1, ge=1)


class DataRecipe(RecipePart):
    """Images and texts.

    Attributes:
        root: folder that the sources' paths are relative to.
        train: the data sets to train on.
        validation: what checkpoints are chosen on.
        exclude: a list of what to leave out of training (from ``swath data audit``), relative to `root`.
        cache_size: side in pixels at which decoded images are kept.
        cache: a folder that keeps decoded images in files, relative to `root`: for more images than memory holds,
            shared by the processes of a machine, and found again by later runs. None keeps them in memory.
    """

    root: Path = Path()
    train: tuple[SourceRecipe, ...] = Field(min_length=1)
    validation: ValidationRecipe
    exclude: Path | None = None
    cache_size: int = Field(default=144, ge=8)
    cache: Path | None = None


class BatchRecipe(RecipePart):
    """How batches are drawn.

    Attributes:
        size: images in one optimiser step, over all processes and accumulation steps.
        captions: captions drawn for each image.
        epoch: what an epoch draws once: each of the ``images``, with `captions` of its captions, or each of the
            ``captions``, with its image; then `captions` is 1, and sizes and `per_epoch` count captions.
        word_dropout: chance of each word of a caption to be left out.
        full_stop_dropout: chance of a caption to lose its full stop, so that queries without one are as good.
        balance: ``sensors`` gives every sensor an equal share of each batch (those that share a tower count as one):
            the smaller sets are gone through again and again while the largest is gone through once, as CLOSP does.
        accumulate: parts a batch is cut into, one after the other; the loss is computed within a part.
        cached: images or texts of a part, on each process, whose activations are in memory at a time. Loss and
            gradients stay those of the whole part (but batch norms see a chunk); the towers run forward twice.
    """

    size: int = Field(default=256, ge=2)
    captions: int = Field(default=1, ge=1)
    epoch: Literal["images", "captions"] = "images"
    word_dropout: float = Field(default=0.0, ge=0, lt=1)
    full_stop_dropout: float = Field(default=0.0, ge=0, le=1)
    balance: Literal["none", "sensors"] = "none"
    accumulate: int = Field(default=1, ge=1)
    cached: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        if self.size // self.accumulate < 2:
            raise ValueError(
                f"size {self.size} in {self.accumulate} parts (accumulate) leaves fewer than two images a part, and "
                "one alone has nothing to be told apart from: make size larger or accumulate smaller"
            )
        return self

    @model_validator(mode="after")
    def _check_captions(self) -> Self:
        if self.epoch == "captions" and self.captions != 1:
            raise ValueError(
                f"an epoch that draws captions takes one at a time: captions must be 1, not {self.captions}"
            )
        return self


class SpeckleRecipe(RecipePart):
    """Speckle added to radar images: linear power times a gamma variable of mean 1 and variance 1 / `looks`.

    Attributes:
        looks: equivalent number of looks; fewer are noisier.
        chance: share of the radar images that get it.
    """

    looks: float = Field(default=4.0, gt=0)
    chance: float = Field(default=0.5, ge=0, le=1)


class RadiometricRecipe(RecipePart):
    """Change of radar images as with another incidence angle or calibration, drawn evenly between plus and minus.

    Attributes:
        gain: most decibels added to a whole image.
        slope: most decibels from one edge of an image to the other.
    """

    gain: float = Field(default=1.0, ge=0)
    slope: float = Field(default=2.0, ge=0)


class AugmentRecipe(RecipePart):
    """What is done to images in training.

    Attributes:
        sizes: sides of the crop in pixels; each is used for an equal share of the epochs, in this order.
        area: smallest share of the image that a crop covers.
        ratio: largest factor between the crop's sides before scaling.
        dihedral: whether to turn by quarter turns and mirror; seen from above, no direction is up. ``flips`` mirrors
            only, along either axis: a radar's range stays one of the image's axes.
        colour: strength of random contrast, brightness, saturation and channel gains; only rendered pictures of optical
            sensors have it.
        erase: chance of greying out a random rectangle.
        speckle: speckle on images of radar sensors.
        radiometric: gain and slope of images of radar sensors.
    """

    sizes: tuple[int, ...] = Field(default=(224,), min_length=1)
    area: float = Field(default=0.3, gt=0, le=1)
    ratio: float = Field(default=1.25, ge=1)
    dihedral: bool | Literal["flips"] = True
    colour: float = Field(default=0.3, ge=0, lt=1)
    erase: float = Field(default=0.0, ge=0, le=1)
    speckle: SpeckleRecipe | None = None
    radiometric: RadiometricRecipe | None = None


class OptimRecipe(RecipePart):
    """The optimiser, with linear warm-up and cosine decay.

    Attributes:
        matrices: what updates hidden matrices and filters: ``muon`` or ``adamw``. Embeddings, the first layer
            and vectors always have AdamW.
        epochs: passes over the data.
        lr: highest learning rate.
        final_lr: share of `lr` that is left at the end.
        warmup: share of the steps over which the rate rises from 0.
        warmup_steps: the same as a number of steps, which then decides.
        matrix_lr: highest learning rate of Muon; None takes `lr`.
        weight_decay: of matrices and filters; vectors (biases, norms) have none.
        betas: AdamW's.
        eps: AdamW's epsilon.
        clip: largest norm of the gradient.
        freeze: parts of the model that are not trained: names in its module tree, such as ``text``, ``towers.rgb``,
            ``location.encoder``, each standing for all parameters under it. A frozen part also runs as in use: without
            dropout, and with the statistics that its batch norms have.
        lr_factors: factors of the learning rate for parts of the model, named likewise; the longest name decides.
        average: weight of the past in the moving average of the weights that is validated and saved; 0 turns it off.
    """

    matrices: Literal["adamw", "muon"] = "adamw"
    epochs: int = Field(default=30, ge=1)
    lr: float = Field(default=1e-3, gt=0)
    matrix_lr: float | None = Field(default=None, gt=0)
    final_lr: float = Field(default=1e-3, ge=0, le=1)
    warmup: float = Field(default=0.05, ge=0, lt=1)
    warmup_steps: int | None = Field(default=None, ge=0)
    weight_decay: float = Field(default=0.05, ge=0)
    betas: tuple[float, float] = (0.9, 0.98)
    eps: float = Field(default=1e-8, gt=0)
    clip: float = Field(default=1.0, gt=0)
    freeze: tuple[str, ...] = ()
    lr_factors: dict[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    average: float = Field(default=0.998, ge=0, lt=1)

    def warmup_share(self, total: int) -> float:
        """The share of a run's `total` steps over which the rate rises."""
        return self.warmup if self.warmup_steps is None else min(1.0, self.warmup_steps / total)


class Recipe(RecipePart):
    """Everything that decides a training run.

    Attributes:
        model: the model to build, as in `config.json`. Without towers of its own it is that of `init`, with what is
            given here in its place or added; the captioner of `init` stays behind unless `objective.captioning` is
            given.
        init: a model to start from, in place of random weights: a name or directory of `DualEncoder.from_pretrained`
            with the same `model`, but for what the next three say.
        init_fresh: parts of `model` that `init` does not have and that start as a fresh model's, by name in the module
            tree (``towers.s1``, ``location``).
        init_towers: vision towers of `model` that start as another tower of `init` (``{s1: rgb}``); the first
            convolution is fitted to the number of bands.
        init_unused: parts of `init` that `model` does not have, by name.
        init_location: a published location encoder (SatCLIP's, GeoCLIP's) that `model.location` starts from: a file, or
            ``org/name/file`` on the hub.
        data: images and texts.
        batch: how batches are drawn.
        augment: what is done to images.
        objective: the loss.
        optim: the optimiser.
        seed: decides every random choice of the run.
        precision: ``auto`` takes bfloat16 where it is fast, otherwise full precision.
        output: the run's folder; a run that was cut off goes on from there.
        tensorboard: whether to write TensorBoard logs.
    """

    model: ModelConfig
    init: str | None = None
    init_fresh: tuple[str, ...] = ()
    init_towers: dict[str, str] = Field(default_factory=dict)
    init_unused: tuple[str, ...] = ()
    init_location: str | None = None
    data: DataRecipe
    batch: BatchRecipe = BatchRecipe()
    augment: AugmentRecipe = AugmentRecipe()
    objective: ObjectiveRecipe = ObjectiveRecipe()
    optim: OptimRecipe = OptimRecipe()
    seed: int = Field(default=0, ge=0)
    precision: Literal["auto", "no", "bf16", "fp16"] = "auto"
    output: Path = Path("runs/latest")
    tensorboard: bool = True

    @model_validator(mode="before")
    @classmethod
    def _fill_model(cls, data: Any) -> Any:  # noqa: ANN401 - whatever the recipe says
        model = data.get("model") if isinstance(data, dict) else None
        if not isinstance(model, dict) or "towers" in model or not data.get("init"):
            return data
        from swath.models.hub import resolve

        # Weights of fused similarity were calibrated for the weights of init, not for those that come of this run.
        base = ModelConfig.load(resolve(str(data["init"]))).model_dump(mode="json", exclude={"digest", "fusion"})
        (base.get("captioner") or {}).pop("digest", None)
        writes = isinstance(data.get("objective"), dict) and data["objective"].get("captioning") is not None
        if base.get("captioner") and model.get("captioner") is None and not writes:
            base["captioner"] = None
            data = data | {"init_unused": [*{*(data.get("init_unused") or ()), "text_decoder"}]}
        base = {key: value for key, value in base.items() if value is not None}
        return data | {"model": laid_over(base, model)}

    @model_validator(mode="after")
    def _check_terms(self) -> Self:
        if self.objective.location is not None and self.model.location is None:
            raise ValueError("objective.location needs a location tower: describe it under model.location")
        if self.init_location is not None and self.model.location is None:
            raise ValueError("init_location starts a location tower: describe it under model.location")
        writes = self.objective.captioning
        if (writes is None) != (self.model.captioner is None):
            raise ValueError("objective.captioning and model.captioner need each other: give both, or neither")
        if writes is not None and self.batch.word_dropout:
            raise ValueError("objective.captioning learns to write what is in the texts: batch.word_dropout must be 0")
        if writes is not None and writes.views and not {"towers"} <= set(self.optim.freeze):
            raise ValueError(
                "objective.captioning.views is for towers that do not change: put towers under optim.freeze"
            )
        bridge = self.objective.bridge
        if bridge is not None and bridge.paired and self.batch.epoch == "captions":
            raise ValueError("objective.bridge.paired draws groups of images: batch.epoch must be images")
        if self.init is None and (self.init_fresh or self.init_towers or self.init_unused):
            raise ValueError("init_fresh, init_towers and init_unused say how to use init: give it, or leave them out")
        return self

    @classmethod
    def load(cls, source: str | Path, overrides: Sequence[str] = ()) -> Recipe:
        """Read a recipe.

        A recipe that names another one under ``extends`` is laid over it: mappings are merged, everything else is
        replaced.

        Args:
            source: a YAML file, or the name of a shipped recipe (see `recipe_names`).
            overrides: ``key.sub=value`` each, the value in YAML; items of a list are named by number
                (``data.train.0.path``).

        Raises:
            RecipeError: no such recipe, not YAML, or a field is unknown or wrong; the message names it.
        """
        data, file = read_mapping(source, overrides)
        return cls.parse(data, str(file))
