"""`ObjectiveRecipe`: the loss and its terms, as a recipe states them."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from swath.data.keywords import PER_DATASET
from swath.data.masking import Strategy
from swath.models.reasoner import ReasonerOptions
from swath.objectives.bridge import Targets
from swath.objectives.contrastive import Reduction
from swath.objectives.dual_text import WeightSchedule
from swath.objectives.elimination import Scheme
from swath.training.parts import RecipePart


class LocalRecipe(RecipePart):
    """A second contrastive term over local similarities of patches and words (EBAKER, section 3.2).

    Attributes:
        weight: of the term; that of the global one is 1.
        scale: inverse temperature; ``shared`` takes the global term's, a number stays constant.
        positions: text positions that count: ``text`` the text's own, start and end included; ``context`` all up to
            the context length, padding included, as the released code has it.
        normalise: divide by the root of the number of patch-word pairs, so that text length does not count.
    """

    weight: float = Field(default=1.0, gt=0)
    scale: float | Literal["shared"] = "shared"
    positions: Literal["text", "context"] = "text"
    normalise: bool = False


class EliminationRecipe(RecipePart):
    """Which pairs are left out of the loss (EBAKER, section 3.3).

    Attributes:
        ratio: share of the pairs of the last epoch that the threshold leaves out.
        start_epoch: epochs trained on every pair before the first elimination.
        scheme: ``joint``: global similarity decides for both terms; ``split``: each term's own similarity.
        report: how many of an epoch's weakest pairs `weakest.csv` lists.
    """

    ratio: float = Field(default=0.01, ge=0, lt=1)
    start_epoch: int = Field(default=4, ge=1)
    scheme: Scheme = "joint"
    report: int = Field(default=200, ge=1)


class KeywordsRecipe(RecipePart):
    """A term that fills masked words in, looking at the image (EBAKER, section 3.4).

    Attributes:
        weight: of the term.
        strategy: which words are masked (see `swath.data.masking`).
        top: keywords taken of each training data set, where there is no `words`.
        words: a keyword list, relative to `data.root`; None makes one from the training captions.
        rate: share of these words that is masked, drawn anew each time; None takes the strategy's own.
        legacy_offset: mask the positions that the released code masks, to compare with it.
        vocabulary: what is chosen from: the tokens of the ``keywords`` (fewer, so cheaper), or the ``full`` vocabulary.
        reasoner: sizes of the layers that fill in; they are thrown away after training.
    """

    weight: float = Field(default=0.5, gt=0)
    strategy: Strategy = "keyword"
    top: int = Field(default=PER_DATASET, ge=1)
    words: Path | None = None
    rate: float | None = Field(default=None, gt=0, le=1)
    legacy_offset: bool = False
    vocabulary: Literal["full", "keywords"] = "full"
    reasoner: ReasonerOptions = ReasonerOptions()

    @model_validator(mode="after")
    def _check_vocabulary(self) -> Self:
        if self.vocabulary == "keywords" and (self.strategy == "random" or self.legacy_offset):
            raise ValueError("any token may be masked, not only keywords: vocabulary must be full")
        return self


class DualTextRecipe(RecipePart):
    """A second contrastive term over long captions of the same images (Long-CLIP, section 3.2; LRSCLIP).

    Every training image then needs a long caption; one is drawn for each. Elimination and the local term go by the
    short ones.

    Attributes:
        long: weight of the term over long captions.
        short: weight of the term over short captions.
        schedule: how the long term's weight comes up over the run.
        components: principal components of the image vectors that short captions are compared with: 32 in Long-CLIP;
            None compares with the vectors themselves, as LRSCLIP does.
        label_smoothing: of both terms: 0.1 in Long-CLIP, 0 in LRSCLIP.
    """

    long: float = Field(default=1.0, gt=0)
    short: float = Field(default=1.0, gt=0)
    schedule: WeightSchedule = "fixed"
    components: int | None = Field(default=None, ge=1)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)


class BridgeRecipe(RecipePart):
    """Images of several sensors, each aligned with its own texts only (CLOSP); takes the global term's place.

    One term a vision tower, their mean: images of one tower are no negatives of another's. CLOSP's code has the
    targets ``diagonal`` and the constant temperature 1.

    Attributes:
        targets: which texts count as an image's own: ``diagonal``, those drawn for it; ``equal``, also equal captions
            and equal label sets; ``jaccard``, as ``equal``, and others by the overlap of the label sets.
        paired: weight of a term in which images of one group, seen by several sensors, attract each other. Batches
            then bring the images of a group together, and an image with a group needs no caption.
    """

    targets: Targets = "equal"
    paired: float = Field(default=0.0, ge=0)


class LocationRecipe(RecipePart):
    """Contrastive terms over the images whose place is known (GeoCLOSP); they need `model.location`.

    With the bridge there is one term a tower, otherwise one over all images. An image with a place needs no caption
    where the bridge is a term.

    Attributes:
        weight: of the terms; that of images and texts is 1.
        images: a term of places and images.
        texts: a term of places and texts, in which a place stands for its image.
        scale: inverse temperature; ``shared`` takes that of images and texts, a number stays constant.
        same_place: whether equal places count as one; otherwise an image's place is a negative of another image taken
            there, as in GeoCLOSP.
    """

    weight: float = Field(default=1.0, gt=0)
    images: bool = True
    texts: bool = False
    scale: float | Literal["shared"] = "shared"
    same_place: bool = True

    @model_validator(mode="after")
    def _check_terms(self) -> Self:
        if not self.images and not self.texts:
            raise ValueError("a location term needs images or texts")
        return self


class CaptioningRecipe(RecipePart):
    """A term that writes the texts, word by word, looking at the image (CoCa); it needs `model.captioner`.

    Attributes:
        weight: of the term, which is the mean over tokens.
        contrastive: weight of all other terms; 0 leaves them out, for a captioner on towers that stay as they are.
        label_smoothing: share of each target that is spread over the vocabulary.
        views: augmented views of each image that are encoded once, before the first step, and kept in memory (2 bytes
            a value), at the last of `augment.sizes`; 0 encodes images anew at every step. For frozen image towers, with
            `contrastive` 0.
    """

    weight: float = Field(default=1.0, gt=0)
    contrastive: float = Field(default=1.0, ge=0)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    views: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _check_views(self) -> Self:
        if self.views and self.contrastive:
            raise ValueError("views keep what the decoder looks at and nothing else: contrastive must be 0")
        return self


class ObjectiveRecipe(RecipePart):
    """The loss.

    Attributes:
        shared_captions: whether every caption of an image counts as its positive wherever it stands in the batch, also
            when it was drawn for another image; otherwise only the captions drawn for it do.
        temperature: start value of the temperature (or its constant value).
        learn_temperature: whether it is learned.
        min_temperature: its lower bound while learned.
        reduction: of the two directions of a contrastive term: their mean or their sum.
        class_weight: weight of predicting the class names from the image vector; the layer for it is thrown away.
        label_smoothing: of that prediction.
        local: a second contrastive term over local similarities.
        elimination: which pairs are left out.
        keywords: a term that fills masked words in.
        dual_text: a term over long captions.
        bridge: one term a sensor in place of the global one.
        location: terms over places.
        captioning: a term that writes the texts.
    """

    shared_captions: bool = True
    temperature: float = Field(default=0.07, gt=0)
    learn_temperature: bool = True
    min_temperature: float = Field(default=0.01, gt=0)
    reduction: Reduction = "mean"
    class_weight: float = Field(default=0.0, ge=0)
    label_smoothing: float = Field(default=0.1, ge=0, lt=1)
    local: LocalRecipe | None = None
    elimination: EliminationRecipe | None = None
    keywords: KeywordsRecipe | None = None
    dual_text: DualTextRecipe | None = None
    bridge: BridgeRecipe | None = None
    location: LocationRecipe | None = None
    captioning: CaptioningRecipe | None = None

    @property
    def needs_facts(self) -> bool:
        """Whether a term needs sensors, labels, groups or places of the images."""
        return self.bridge is not None or self.location is not None

    @model_validator(mode="after")
    def _check_scheme(self) -> Self:
        if self.elimination is not None and self.elimination.scheme == "split" and self.local is None:
            raise ValueError("elimination under the scheme split needs the term local")
        return self

    @model_validator(mode="after")
    def _check_bridge(self) -> Self:
        others = ("local", "elimination", "dual_text")
        beside = [name for name in others if getattr(self, name) is not None]
        if self.bridge is not None and beside:
            raise ValueError(f"the bridge takes the global term's place and cannot stand beside {', '.join(beside)}")
        return self
