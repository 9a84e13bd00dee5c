"""Known models: where their weights are, and what their files do not say."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from swath.bands import S1_BANDS, S2_L1C_BANDS
from swath.errors import CheckpointError
from swath.models.config import CLIP_MEAN, CLIP_STD, CONFIG_FILE
from swath.models.layers import Activation

_HALF = (0.5, 0.5, 0.5)


@dataclass(frozen=True, slots=True)
class ZooEntry:
    """One known model.

    Attributes:
        name: what to call it on the command line.
        architecture: OpenCLIP's name of the vision tower.
        repo: hub id; None where the weights are not on the hub.
        file: the weights' file there, or the name under which they are published elsewhere; None for a packaged model.
        activation: what the weights were trained with; None where nobody says.
        context: number of text positions.
        license: licence of the weights; ``unknown`` where their publisher names none.
        note: how the activation is known, and what else one must know.
        mean: of the training pixels, 0 to 1.
        std: as `mean`.
        layout: what the file or repository looks like: ``open-clip``: a CLIP model's state dict; ``closp``: a directory
            of CLOSP (see `swath.models.closp`); ``backbone``: one image tower (see `swath.models.backbones`), which is
            no model, but what a timm tower's ``weights`` start from.
        bands: of a backbone, the names of its bands in their order.
    """

    name: str
    architecture: str
    repo: str | None
    file: str | None
    activation: Activation | None
    note: str
    context: int = 77
    license: str = "unknown"
    mean: tuple[float, ...] = CLIP_MEAN
    std: tuple[float, ...] = CLIP_STD
    layout: Literal["open-clip", "closp", "backbone"] = "open-clip"
    bands: tuple[str, ...] = ()


_REMOTECLIP = (
    "disputed: the README loads it with GELU, the published retrieval script with QuickGELU (on OpenAI's weights, from "
    "which it was trained); QuickGELU is the one behind the published table"
)
_GEORSCLIP = "the published inference code loads it on OpenAI's weights, that is with QuickGELU"
_SKYCLIP_L = "the published notebooks force QuickGELU; trained on from OpenAI's weights; distributed as a zip"
_LONGCLIP = "OpenAI's model stretched; two position tables, 20 rows of the first in use"


def _backbone(
    name: str, architecture: str, repo: str, file: str, bands: tuple[str, ...], input_: str, license_: str = "unknown"
) -> ZooEntry:
    note = f"weights of one image tower, for a timm tower's `weights`; input: {input_}"
    return ZooEntry(name, architecture, repo, file, None, note, 0, license_, layout="backbone", bands=bands)


_S2_INPUT = "13 bands of L1C / 10000"
_S1_STANDARD = "decibel, standardised by -12.59 (5.26) and -20.26 (5.91)"
_S1_RAW = "decibel as it is"
_CLOSP = "DarthReca/CLOSP-Visual"
_RAIL = "creativeml-openrail-m"

# Architecture, hub repository, and the start of its file's hash.
_SSL4EO = (
    ("moco-resnet18", "resnet18", "resnet18_sentinel2_all_moco", "59bfdff9"),
    ("moco-resnet50", "resnet50", "resnet50_sentinel1_all_moco", "906e4356"),
    ("moco-resnet50", "resnet50", "resnet50_sentinel2_all_moco", "df8b932e"),
    ("dino-resnet50", "resnet50", "resnet50_sentinel2_all_dino", "d6c330e9"),
    ("moco-vit-s-16", "vit_small_patch16_224", "vit_small_patch16_224_sentinel2_all_moco", "67c9032d"),
)
_SSL4EO_MAE = (
    ("mae-vit-s-16-s1", "vit_small_patch16_224", "B2_vits16_mae_ep99_enc.pth"),
    ("mae-vit-s-16-s2", "vit_small_patch16_224", "B13_vits16_mae_ep99_enc.pth"),
    ("mae-vit-l-16-s1", "vit_large_patch16_224", "B2_vitl16_mae_ep99.pth"),
    ("mae-vit-l-16-s2", "vit_large_patch16_224", "B13_vitl16_mae_ep99_enc.pth"),
)
_SENSORS = {"s1": (S1_BANDS, _S1_STANDARD), "s2": (S2_L1C_BANDS, _S2_INPUT)}

_BACKBONES = (
    *(
        _backbone(f"ssl4eo-{name}-{key}", full, f"torchgeo/{repo}", f"{repo}-{digest}.pth", *_SENSORS[key])
        for name, full, repo, digest in _SSL4EO
        for key in ("s1" if "sentinel1" in repo else "s2",)
    ),
    *(
        _backbone(f"ssl4eo-{name}", full, "wangyi111/SSL4EO-S12", file, *_SENSORS[name[-2:]])
        for name, full, file in _SSL4EO_MAE
    ),
    *(
        _backbone(f"{name}-visual-{sensor}", full, _CLOSP, f"{name}_{sensor}_encoder-{digest}.pth", bands, shown)
        for name, full, digests in (
            ("closp-rn", "resnet50", ("cacc90bc", "183922a5")),
            ("closp-vs", "vit_small_patch16_224", ("180f1e6e", "1a3ee5a5")),
            ("closp-vl", "vit_large_patch16_224", ("6f88d037", "4a4f026a")),
            ("geoclosp-rn", "resnet50", ("e63ae1af", "94c37f4a")),
        )
        for (sensor, bands, shown), digest in zip(
            (("s1", S1_BANDS, _S1_RAW), ("s2", S2_L1C_BANDS, _S2_INPUT)), digests, strict=True
        )
    ),
)

_CLOSP_MODELS = tuple(
    ZooEntry(name.lower(), full, f"DarthReca/{name}", "model.safetensors", None, "CLOSP", 64, _RAIL, layout="closp")
    for name, full in (
        ("CLOSP-RN", "resnet50"),
        ("CLOSP-VS", "vit_small_patch16_224"),
        ("CLOSP-VL", "vit_large_patch16_224"),
        ("GeoCLOSP-RN", "resnet50"),
    )
)

ENTRIES: tuple[ZooEntry, ...] = (
    ZooEntry(
        "swath-mini", "convnet", None, None, None, "ships inside the package; see its model card", license="other"
    ),
    ZooEntry(
        "remoteclip-vit-b-32",
        "ViT-B-32",
        "chendelong/RemoteCLIP",
        "RemoteCLIP-ViT-B-32.pt",
        "quickgelu",
        _REMOTECLIP,
    ),
    ZooEntry(
        "remoteclip-vit-l-14",
        "ViT-L-14",
        "chendelong/RemoteCLIP",
        "RemoteCLIP-ViT-L-14.pt",
        "quickgelu",
        _REMOTECLIP,
    ),
    ZooEntry("georsclip-vit-b-32", "ViT-B-32", "Zilun/GeoRSCLIP", "ckpt/RS5M_ViT-B-32.pt", "quickgelu", _GEORSCLIP),
    ZooEntry(
        "georsclip-vit-b-32-ret-2",
        "ViT-B-32",
        "Zilun/GeoRSCLIP",
        "ckpt/RS5M_ViT-B-32_RET-2.pt",
        "quickgelu",
        "fine-tuned on RSICD and RSITMD from georsclip-vit-b-32, whose activation is taken",
    ),
    ZooEntry(
        "georsclip-vit-b-32-rsicd",
        "ViT-B-32",
        "Zilun/GeoRSCLIP",
        "ckpt/RS5M_ViT-B-32_RSICD.pt",
        "quickgelu",
        "fine-tuned on RSICD from georsclip-vit-b-32, whose activation is taken",
    ),
    ZooEntry(
        "georsclip-vit-l-14",
        "ViT-L-14",
        "Zilun/GeoRSCLIP",
        "ckpt/RS5M_ViT-L-14.pt",
        None,
        "the published code does not load it",
    ),
    ZooEntry(
        "georsclip-vit-h-14",
        "ViT-H-14",
        "Zilun/GeoRSCLIP",
        "ckpt/RS5M_ViT-H-14.pt",
        "gelu",
        "the published inference code loads it on LAION-2B weights, that is with GELU",
    ),
    ZooEntry(
        "skyclip-vit-b-32-top50pct",
        "ViT-B-32",
        None,
        "SkyCLIP_ViT_B32_top50pct.zip",
        "gelu",
        "the published notebooks use GELU; trained on from laion2b_e16; distributed as a zip, convert its epoch_20.pt",
    ),
    ZooEntry("skyclip-vit-l-14-top30pct", "ViT-L-14", None, "SkyCLIP_ViT_L14_top30pct.zip", "quickgelu", _SKYCLIP_L),
    ZooEntry("skyclip-vit-l-14-top50pct", "ViT-L-14", None, "SkyCLIP_ViT_L14_top50pct.zip", "quickgelu", _SKYCLIP_L),
    ZooEntry("clip-laion-rs-vit-l-14", "ViT-L-14", None, "CLIP_ViT_L14_LAION_RS.zip", "quickgelu", _SKYCLIP_L),
    ZooEntry(
        "longclip-vit-b-16", "ViT-B-16", "BeichenZhang/LongCLIP-B", "longclip-B.pt", "quickgelu", _LONGCLIP, context=248
    ),
    ZooEntry(
        "longclip-vit-l-14", "ViT-L-14", "BeichenZhang/LongCLIP-L", "longclip-L.pt", "quickgelu", _LONGCLIP, context=248
    ),
    ZooEntry(
        "dgtrs-clip-vit-b-16",
        "ViT-B-16",
        "MitsuiChen14/DGTRS-CLIP-ViT-B-16",
        "DGTRS-CLIP-ViT-B-16.pt",
        "quickgelu",
        "also called LRSCLIP; layout of Long-CLIP, with two position tables",
        context=248,
    ),
    ZooEntry(
        "dgtrs-clip-vit-l-14",
        "ViT-L-14",
        "MitsuiChen14/DGTRS-CLIP-ViT-L-14",
        "LRSCLIP_ViT-L-14.pt",
        "quickgelu",
        "also called LRSCLIP; layout of Long-CLIP, with two position tables",
        context=248,
    ),
    ZooEntry(
        "sar-rs-clip-vit-l-14",
        "ViT-L-14",
        None,
        "SAR-RS-CLIP.pt",
        None,
        "SAR-TEXT's model; an OpenCLIP training checkpoint, its activation is not published",
    ),
    ZooEntry(
        "sar-rs-coca-vit-l-14",
        "coca_ViT-L-14",
        None,
        "SAR-RS-CoCa.pt",
        "gelu",
        "SAR-TEXT's captioner; an OpenCLIP training checkpoint of coca_ViT-L-14, which is built with GELU",
        context=76,
    ),
    *(
        ZooEntry(
            f"coca-{size.lower()}-{name}",
            f"coca_{size}",
            f"laion/{prefix}CoCa-{size}-laion2B-s13B-b90k",
            "open_clip_pytorch_model.bin",
            "gelu",
            "OpenCLIP's table of pretrained weights; writes captions",
            context=76,
            license="MIT",
        )
        for size in ("ViT-B-32", "ViT-L-14")
        for name, prefix in (("laion2b", ""), ("mscoco", "mscoco_finetuned_"))
    ),
    ZooEntry(
        "clip-vit-b-32-openai",
        "ViT-B-32",
        "timm/vit_base_patch32_clip_224.openai",
        "open_clip_model.safetensors",
        "quickgelu",
        "OpenCLIP's table of pretrained weights",
        license="MIT",
    ),
    ZooEntry(
        "clip-vit-b-16-openai",
        "ViT-B-16",
        "timm/vit_base_patch16_clip_224.openai",
        "open_clip_model.safetensors",
        "quickgelu",
        "OpenCLIP's table of pretrained weights",
        license="MIT",
    ),
    ZooEntry(
        "clip-vit-l-14-openai",
        "ViT-L-14",
        "timm/vit_large_patch14_clip_224.openai",
        "open_clip_model.safetensors",
        "quickgelu",
        "OpenCLIP's table of pretrained weights",
        license="MIT",
    ),
    ZooEntry(
        "clip-vit-b-32-laion2b",
        "ViT-B-32",
        "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
        "open_clip_model.safetensors",
        "gelu",
        "OpenCLIP's table of pretrained weights",
        license="MIT",
    ),
    ZooEntry(
        "clip-vit-b-16-laion2b",
        "ViT-B-16",
        "laion/CLIP-ViT-B-16-laion2B-s34B-b88K",
        "open_clip_model.safetensors",
        "gelu",
        "OpenCLIP's table of pretrained weights",
        license="MIT",
    ),
    ZooEntry(
        "clip-vit-l-14-laion2b",
        "ViT-L-14",
        "laion/CLIP-ViT-L-14-laion2B-s32B-b82K",
        "open_clip_model.safetensors",
        "gelu",
        "OpenCLIP's table of pretrained weights; pixels are normalised to -1..1, not with CLIP's statistics",
        license="MIT",
        mean=_HALF,
        std=_HALF,
    ),
    ZooEntry(
        "clip-vit-h-14-laion2b",
        "ViT-H-14",
        "laion/CLIP-ViT-H-14-laion2B-s32B-b79K",
        "open_clip_model.safetensors",
        "gelu",
        "OpenCLIP's table of pretrained weights",
        license="MIT",
    ),
    *_CLOSP_MODELS,
    *_BACKBONES,
)
"""Every known model, in the order of `swath models`."""

_GENERIC = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin", "model.safetensors")


def find(name: str) -> ZooEntry | None:
    """The entry called `name` (any case), or a CLOSP model by its hub id; None where there is none."""
    wanted = name.lower()
    hubs = {entry.repo: entry for entry in ENTRIES if entry.layout == "closp"}
    return next((entry for entry in ENTRIES if entry.name == wanted), hubs.get(name))


def find_file(file: str) -> ZooEntry | None:
    """The entry whose weights are in a file of this name; None where there is none or the name says nothing."""
    if file in _GENERIC:
        return None
    return next((entry for entry in ENTRIES if entry.file and Path(entry.file).name == file), None)


def obtain(entry: ZooEntry, revision: str | None = None) -> Path:
    """The model directory of an entry on the hub: fetched, converted once, and kept.

    Raises:
        CheckpointError: the weights are not on the hub, or cannot be converted as they are.
        ModelError: the hub cannot be reached and the file is not in its cache.
    """
    from swath.models.hub import fetch, fetch_file

    if entry.layout == "backbone":
        raise CheckpointError(
            f"{entry.name} is no model but the weights of one image tower: {entry.note} "
            f"(towers: {{NAME: {{type: timm, model: {entry.architecture}, weights: {entry.name}}}}})"
        )
    if entry.layout == "closp" and entry.repo is not None:
        from swath.models.closp import convert_closp

        directory = fetch(entry.repo, revision)
        return _converted(entry, directory, lambda work: convert_closp(directory, work, name=entry.name))
    if entry.repo is None or entry.file is None:
        raise CheckpointError(
            f"the weights of {entry.name} are not on the hub ({entry.file}: {entry.note}); get the file from its "
            f"authors and run: swath convert FILE --name {entry.name}"
        )
    if entry.activation is None:
        raise CheckpointError(
            f"the activation of {entry.name} is not known ({entry.note}); fetch {entry.file} from {entry.repo} and "
            f"run: swath convert FILE --name {entry.name} --activation quickgelu|gelu"
        )
    from swath.models.convert import convert_checkpoint

    source = fetch_file(entry.repo, entry.file, revision)
    return _converted(entry, source, lambda work: convert_checkpoint(source, work, name=entry.name))


def _converted(entry: ZooEntry, source: Path, convert: Callable[[Path], object]) -> Path:
    """The directory that a conversion wrote, now or before."""
    # The hub keeps a file under the commit it came from, so a new commit is converted anew.
    commit = next(place.name for place in (source, *source.parents) if place.parent.name == "snapshots")
    target = cache_directory() / f"{entry.name}-{commit[:12]}"
    if (target / CONFIG_FILE).is_file():
        return target
    with _workplace(target.parent) as work:
        made = work / target.name
        convert(made)
        try:
            made.rename(target)
        except OSError:  # another process was faster, or what lies there is no model
            if not (target / CONFIG_FILE).is_file():
                target.rename(work / "broken")
                made.rename(target)
    return target


@contextmanager
def _workplace(cache: Path) -> Iterator[Path]:
    """A folder in the cache that goes again.

    Raises:
        CheckpointError: nothing can be written there.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
        folder = tempfile.TemporaryDirectory(dir=cache, prefix=".", ignore_cleanup_errors=True)
    except OSError as error:
        raise CheckpointError(
            f"the converted model cannot be kept in {cache}: {error.strerror or error}; "
            "say with the environment variable SWATH_CACHE where it can"
        ) from error
    with folder as work:
        yield Path(work)


def cache_directory() -> Path:
    """Where converted models are kept: $SWATH_CACHE, else the user's cache folder."""
    own, shared = os.environ.get("SWATH_CACHE"), os.environ.get("XDG_CACHE_HOME")
    if own:
        return Path(own).expanduser()
    return (Path(shared) if shared else Path.home() / ".cache") / "swath" / "models"
