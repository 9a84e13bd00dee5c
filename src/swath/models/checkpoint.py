"""Reading and writing model directories: `config.json`, `model.safetensors`, `README.md`, `captioner.safetensors`."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from swath.errors import CheckpointError
from swath.models.card import model_card
from swath.models.config import CONFIG_FILE, CaptionerConfig, ModelConfig
from swath.models.decoder import DECODER
from swath.models.files import whole
from swath.models.precision import DType, cast, choose_device, choose_dtype

if TYPE_CHECKING:
    from swath.models.dual_encoder import DualEncoder

WEIGHTS_FILE = "model.safetensors"
CAPTIONER_FILE = "captioner.safetensors"
"""Where a captioner's tensors lie: a model that learns to write keeps the file of its towers as it is."""
CARD_FILE = "README.md"
DIGEST_LENGTH = 12

_MISSING_SHOWN = 5
_NATIVE = frozenset({"vit", "clip", "coca", "convnet", "satclip", "geoclip"})
_FULL_PRECISION = "location."
"""Prefix of weights that are stored as they are: phases do not survive half precision."""


def save(model: DualEncoder, directory: Path, dtype: DType | torch.dtype | None = None) -> Path:
    """Write a model (see `DualEncoder.save_pretrained`)."""
    stored = {key: value.detach().cpu().contiguous() for key, value in model.state_dict().items()}
    if dtype is not None:
        wanted = choose_dtype(dtype, torch.device("cpu"))
        stored = {
            key: value.to(wanted) if value.is_floating_point() and not key.startswith(_FULL_PRECISION) else value
            for key, value in stored.items()
        }

    def others(place: Path) -> None:
        for tower in (model.text, *model.towers.values()):
            save_files: Any = getattr(tower, "save_files", None)
            if save_files is not None:
                save_files(place)

    write(stored, model.config, directory, others)
    return directory


def write(
    state: Mapping[str, Tensor],
    config: ModelConfig,
    directory: Path,
    others: Callable[[Path], object] | None = None,
) -> ModelConfig:
    """Write a state dict and its configuration as a model directory.

    A directory with a configuration is complete: it comes last, and an earlier one goes as soon as the new weights lie
    beside the old ones. What fails before that, as on a full disk, leaves the earlier model as it was.

    Args:
        state: the weights.
        config: what they belong to.
        directory: made where it does not exist.
        others: writes what else the model needs (a tokenizer) into the directory that it is given.

    Returns:
        the configuration as written, with its digest.

    Raises:
        CheckpointError: a file cannot be written.
    """
    config = config.model_copy(update={"digest": digest_of(state, config)})
    if config.captioner is not None:
        update = {"digest": captioner_digest_of(state, config.captioner)}
        config = config.model_copy(update={"captioner": config.captioner.model_copy(update=update)})
    with ExitStack() as places:
        absent = []
        for file, of_captioner in ((WEIGHTS_FILE, False), (CAPTIONER_FILE, True)):
            part = _apart({key: value for key, value in state.items() if key.startswith(DECODER) == of_captioner})
            if part:
                place = places.enter_context(whole(directory / file))
                # One entry alone: of several, the order in the file changes from write to write.
                safetensors.torch.save_file(part, place, metadata={"format": "pt"})
            else:
                absent.append(file)
        for file in (CONFIG_FILE, *absent):
            (directory / file).unlink(missing_ok=True)
    if others is not None:
        others(directory)
    parameters = sum(value.numel() for value in state.values())
    for file, text in ((CARD_FILE, model_card(config, parameters)), (CONFIG_FILE, config.to_json())):
        with whole(directory / file) as place:
            place.write_text(text, encoding="utf-8")
    return config


def _apart(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors as safetensors takes them: each in one piece, none in the memory of another."""
    found: dict[str, Tensor] = {}
    taken: set[int] = set()
    for key, value in state.items():
        memory = value.untyped_storage().data_ptr()
        own = value.is_contiguous() and memory not in taken
        found[key] = value if own else value.clone(memory_format=torch.contiguous_format)
        taken.add(memory)
    return found


def load(
    name: str,
    *,
    revision: str | None = None,
    dtype: DType | torch.dtype = "auto",
    device: str | torch.device = "auto",
) -> DualEncoder:
    """Load a model (see `DualEncoder.from_pretrained`)."""
    from swath.models.hub import refuse_revision, resolve

    place = choose_device(device)
    precision = choose_dtype(dtype, place)
    if name.startswith("open_clip:"):
        from swath.models.adapters import open_clip

        refuse_revision(name, revision)
        model = open_clip.load(name.removeprefix("open_clip:"))
    else:
        model = read(resolve(name, revision))
    # The id belongs to the weights as stored, so it is taken before they are cast.
    _ = model.eval().model_id
    cast(model, precision)
    return model.to(place).requires_grad_(False)


def read(directory: Path) -> DualEncoder:
    """Build the model of a directory and fill in its weights, in float32 on the CPU.

    Raises:
        CheckpointError: a file is missing or damaged, keys or shapes do not fit, or the digest is another.
    """
    from swath.models.dual_encoder import DualEncoder

    config = ModelConfig.load(directory)
    state = read_state(directory, config)
    found = digest_of(state, config)
    if config.digest is not None and config.digest != found:
        raise CheckpointError(
            f"{directory}: configuration and weights have digest {found}, but {CONFIG_FILE} says {config.digest}; "
            "a file was changed or belongs to another model; fetch or convert the model again"
        )
    if config.captioner is not None and config.captioner.digest is not None:
        found_captioner = captioner_digest_of(state, config.captioner)
        if config.captioner.digest != found_captioner:
            raise CheckpointError(
                f"{directory}: the captioner has digest {found_captioner}, but {CONFIG_FILE} says "
                f"{config.captioner.digest}; a file was changed or belongs to another model; fetch it again"
            )
    kinds = {config.text.type, *(tower.type for tower in config.towers.values())}
    if config.location is not None:
        kinds.add(config.location.type)
    # Towers without state outside their weights need no initial values: half the time of loading.
    with torch.device("cpu"), _Unfilled() if kinds <= _NATIVE else nullcontext():
        model = DualEncoder(config, directory=directory)
    fill(model, state, str(directory / WEIGHTS_FILE))
    model.remember_digest(found)
    return model.eval()


def read_state(directory: Path, config: ModelConfig) -> dict[str, Tensor]:
    """Read the tensors of a model directory: towers, and the captioner where the model has one.

    Raises:
        CheckpointError: a file is missing or damaged.
    """
    state = read_weights(directory / WEIGHTS_FILE)
    return state if config.captioner is None else state | read_weights(directory / CAPTIONER_FILE)


class _Unfilled(TorchFunctionMode):
    """Leaves out the drawing of initial values.

    The meta device would do that too, but its arithmetic imports torch's compiler, which takes seconds.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Collection[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - whatever `func` gives
        given = kwargs or {}
        if getattr(func, "__module__", "") == nn.init.__name__:
            return given["tensor"] if "tensor" in given else args[0]
        return (torch.empty if func is torch.randn else func)(*args, **given)


def read_weights(file: Path) -> dict[str, Tensor]:
    """Read a safetensors file.

    Raises:
        CheckpointError: no such file, or damaged.
    """
    if not file.is_file():
        raise CheckpointError(f"there is no {file.name} in {file.parent}; fetch or convert the model again")
    try:
        return safetensors.torch.load_file(file)
    except (safetensors.SafetensorError, OSError, ValueError) as error:
        raise CheckpointError(
            f"{file} is damaged or not a safetensors file: {error}; delete it and fetch or convert the model again"
        ) from error


def fill(model: nn.Module, state: Mapping[str, Tensor], origin: str) -> None:
    """Load a state dict, refusing any key or shape that does not fit.

    Raises:
        CheckpointError: naming the first misfits.
    """
    fit = compare({key: tuple(value.shape) for key, value in model.state_dict().items()}, state)
    if fit:
        raise CheckpointError(f"{origin} does not fit the configuration: {'; '.join(fit)}")
    full = {key: value.float() if value.is_floating_point() else value for key, value in state.items()}
    model.load_state_dict(full, assign=True)


def compare(wanted: Mapping[str, tuple[int, ...]], state: Mapping[str, Tensor]) -> list[str]:
    """What keeps a state dict from fitting; empty where it fits.

    Args:
        wanted: shape by key.
        state: the state dict.
    """
    missing = sorted(set(wanted) - set(state))
    unexpected = sorted(set(state) - set(wanted))
    shapes = [
        f"{key} is {tuple(state[key].shape)}, not {shape}"
        for key, shape in wanted.items()
        if key in state and tuple(state[key].shape) != shape
    ]
    named = (("missing keys", missing), ("unexpected keys", unexpected), ("wrong shapes", shapes))
    return [f"{len(keys)} {what}: {_some(keys)}" for what, keys in named if keys]


def _some(names: list[str]) -> str:
    more = len(names) - _MISSING_SHOWN
    return ", ".join(names[:_MISSING_SHOWN]) + (f" and {more} more" if more > 0 else "")


def digest(model: DualEncoder) -> str:
    """12 hexadecimal digits over a model's configuration and weights."""
    return digest_of(model.state_dict(), model.config)


def digest_of(state: Mapping[str, Tensor], config: ModelConfig) -> str:
    """12 hexadecimal digits of SHA-256 over the configuration's identity and every tensor (key, type, shape, bytes).

    A captioner changes no embedding, so its tensors are left out.
    """
    return _digest(config.identity(), {key: value for key, value in state.items() if not key.startswith(DECODER)})


def captioner_digest_of(state: Mapping[str, Tensor], config: CaptionerConfig) -> str:
    """12 hexadecimal digits of SHA-256 over a captioner's configuration and tensors."""
    identity = json.dumps(config.model_dump(mode="json", exclude={"digest"}), sort_keys=True, separators=(",", ":"))
    return _digest(identity, {key: value for key, value in state.items() if key.startswith(DECODER)})


def _digest(identity: str, state: Mapping[str, Tensor]) -> str:
    sha = hashlib.sha256(identity.encode())
    for key in sorted(state):
        value = state[key].detach().cpu().contiguous()
        sha.update(f"\n{key} {value.dtype} {tuple(value.shape)}\n".encode())
        sha.update(value.reshape(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()[:DIGEST_LENGTH]
