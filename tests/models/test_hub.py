from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
import torch

from generate.models import tiny_model
from swath.errors import CheckpointError, ModelError
from swath.models import DualEncoder, hub, zoo

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty hub cache; `put` writes a repository into it as the hub's client would."""
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("SWATH_CACHE", str(tmp_path / "swath"))
    return tmp_path / "hub"


def put(cache, repo, files, revision="main"):
    root = cache / f"models--{repo.replace('/', '--')}"
    for name, path in files.items():
        blob = root / "blobs" / hashlib.sha256(path.read_bytes()).hexdigest()
        blob.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, blob)
        link = root / "snapshots" / COMMIT / name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(blob)
    (root / "refs").mkdir(parents=True, exist_ok=True)
    (root / "refs" / revision).write_text(COMMIT)


@pytest.fixture
def files(tmp_path):
    directory = tiny_model().save_pretrained(tmp_path / "model")
    return {path.name: path for path in directory.iterdir()}


def test_a_model_on_the_hub(cache, files):
    put(cache, "org/name", files)
    assert DualEncoder.from_pretrained("org/name").model_id == tiny_model().model_id


def test_a_revision_on_the_hub(cache, files):
    put(cache, "org/name", files, revision="v1")
    assert DualEncoder.from_pretrained("org/name", revision="v1").model_id == tiny_model().model_id
    assert DualEncoder.from_pretrained("org/name", revision=COMMIT).model_id == tiny_model().model_id
    with pytest.raises(ModelError, match="org/name at revision 'v2' is not in the local cache"):
        DualEncoder.from_pretrained("org/name", revision="v2")


def test_a_hub_model_that_is_not_there(cache):
    with pytest.raises(ModelError, match=r"org/other is not in the local cache and the hub cannot be reached"):
        DualEncoder.from_pretrained("org/other")


def partly(cache, repo, files, missing):
    """A repository as an interrupted download leaves it: one file is there in part, under another name."""
    put(cache, repo, {name: path for name, path in files.items() if name != missing})
    content = files[missing].read_bytes()
    blobs = cache / f"models--{repo.replace('/', '--')}" / "blobs"
    blobs.mkdir(exist_ok=True)
    (blobs / f"{hashlib.sha256(content).hexdigest()}.incomplete").write_bytes(content[: len(content) // 2])


@pytest.mark.parametrize("missing", ["model.safetensors", "config.json"])
def test_an_interrupted_download_says_how_to_go_on(cache, files, missing):
    partly(cache, "org/name", files, missing)
    said = (
        rf"download of org/name was interrupted: {missing} not there yet, .*\.incomplete .* run the same command again"
    )
    with pytest.raises(ModelError, match=said):
        DualEncoder.from_pretrained("org/name")


def test_what_else_was_not_fetched_to_the_end_does_not_matter(cache, files, tmp_path):
    (tmp_path / "notes.txt").write_text("notes")
    partly(cache, "org/name", files | {"notes.txt": tmp_path / "notes.txt"}, "notes.txt")
    assert DualEncoder.from_pretrained("org/name").model_id == tiny_model().model_id


def test_weights_that_break_off_in_the_cache_are_named(cache, files, tmp_path):
    short = tmp_path / "short.safetensors"
    short.write_bytes(files["model.safetensors"].read_bytes()[:-100])
    put(cache, "org/name", files | {"model.safetensors": short})
    with pytest.raises(CheckpointError, match=r"model\.safetensors is damaged .*delete it and fetch"):
        DualEncoder.from_pretrained("org/name")


def test_a_zoo_model_whose_file_was_not_fetched_to_the_end(cache, files):
    entry = next(entry for entry in zoo.ENTRIES if entry.name == "remoteclip-vit-b-32")
    partly(cache, entry.repo, {entry.file: files["model.safetensors"]}, entry.file)
    with pytest.raises(ModelError, match=r"RemoteCLIP .* not in the local cache .*fetch it once online"):
        DualEncoder.from_pretrained("remoteclip-vit-b-32")


def test_a_foreign_model_on_the_hub(cache, tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "clip"}')
    put(cache, "org/clip", {"config.json": tmp_path / "config.json"})
    with pytest.raises(CheckpointError, match="not the configuration of a swath model"):
        DualEncoder.from_pretrained("org/clip")


def test_a_name_that_is_nothing(cache):
    with pytest.raises(ModelError, match=r"there is no model 'swath-maxi'.*swath models"):
        DualEncoder.from_pretrained("swath-maxi")


def test_a_file_must_be_converted(cache, tmp_path):
    file = tmp_path / "RemoteCLIP-ViT-B-32.pt"
    file.write_bytes(b"x")
    with pytest.raises(CheckpointError, match="swath convert"):
        DualEncoder.from_pretrained(file)


def test_a_packaged_model(cache, files, tmp_path, monkeypatch):
    root = tmp_path / "package"
    for name, path in files.items():
        (root / "weights" / "mini").mkdir(parents=True, exist_ok=True)
        shutil.copy(path, root / "weights" / "mini" / name)
    monkeypatch.setattr(hub.resources, "files", lambda _: root)
    assert hub.packaged_names() == ["mini"]
    assert DualEncoder.from_pretrained("mini").config.name == "tiny"


def test_a_zoo_model_is_fetched_converted_and_kept(cache, files, tmp_path, monkeypatch):
    torch.save(tiny_model().state_dict(), tmp_path / "tiny.pt")
    put(cache, "org/zoo", {"ckpt/tiny.pt": tmp_path / "tiny.pt"})
    entry = zoo.ZooEntry("tiny-zoo", "ViT-64x2-8", "org/zoo", "ckpt/tiny.pt", "gelu", "generated", license="MIT")
    monkeypatch.setattr(zoo, "ENTRIES", (entry,))
    model = DualEncoder.from_pretrained("tiny-zoo")
    assert model.config.name == "tiny-zoo"
    assert model.config.license == "MIT"
    kept = list((tmp_path / "swath").iterdir())
    assert [path.name for path in kept] == [f"tiny-zoo-{COMMIT[:12]}"]
    before = (kept[0] / "config.json").stat().st_mtime_ns
    DualEncoder.from_pretrained("TINY-zoo")
    assert (kept[0] / "config.json").stat().st_mtime_ns == before


@pytest.fixture
def tiny_zoo(cache, tmp_path, monkeypatch):
    """A zoo of one model, on the hub."""
    torch.save(tiny_model().state_dict(), tmp_path / "tiny.pt")
    put(cache, "org/zoo", {"ckpt/tiny.pt": tmp_path / "tiny.pt"})
    entry = zoo.ZooEntry("tiny-zoo", "ViT-64x2-8", "org/zoo", "ckpt/tiny.pt", "gelu", "generated")
    monkeypatch.setattr(zoo, "ENTRIES", (entry,))
    return tmp_path / "swath" / f"tiny-zoo-{COMMIT[:12]}"


def test_what_is_kept_in_part_is_made_anew(tiny_zoo):
    tiny_zoo.mkdir(parents=True)
    (tiny_zoo / "model.safetensors").write_bytes(b"half")
    assert DualEncoder.from_pretrained("tiny-zoo").config.name == "tiny-zoo"
    assert [path.name for path in tiny_zoo.parent.iterdir()] == [tiny_zoo.name]


def test_two_processes_may_convert_at_once(tiny_zoo, monkeypatch):
    made = zoo._converted

    def overtaken(entry, source, convert):
        def late(work):
            convert(work)
            made(entry, source, convert)

        return made(entry, source, late)

    monkeypatch.setattr(zoo, "_converted", overtaken)
    assert hub.resolve("tiny-zoo") == tiny_zoo
    assert DualEncoder.from_pretrained(tiny_zoo).config.name == "tiny-zoo"
    assert [path.name for path in tiny_zoo.parent.iterdir()] == [tiny_zoo.name]


def test_a_cache_below_a_folder_of_snapshots(tmp_path):
    """The commit is in the hub's own folder, whatever those above it are called."""
    entry = zoo.ZooEntry("tiny-zoo", "ViT-64x2-8", "org/zoo", "ckpt/tiny.pt", "gelu", "generated")
    file = tmp_path / "snapshots" / "hub" / "models--org--zoo" / "snapshots" / COMMIT / "ckpt" / "tiny.pt"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SWATH_CACHE", str(tmp_path / "swath"))
        found = zoo._converted(entry, file, lambda work: work.mkdir())
    assert found.name == f"tiny-zoo-{COMMIT[:12]}"


def test_where_converted_models_are_kept(monkeypatch):
    monkeypatch.setenv("SWATH_CACHE", "~/kept")
    assert zoo.cache_directory() == Path.home() / "kept"
    monkeypatch.setenv("SWATH_CACHE", "")
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    assert zoo.cache_directory() == Path.home() / ".cache" / "swath" / "models"
    monkeypatch.setenv("XDG_CACHE_HOME", "/kept")
    monkeypatch.setattr(Path, "home", lambda: pytest.fail("a user without a home has a cache"))
    assert zoo.cache_directory() == Path("/kept/swath/models")


def test_a_cache_that_cannot_be_written(tiny_zoo, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("SWATH_CACHE", str(tmp_path / "file" / "cache"))
    with pytest.raises(CheckpointError, match=r"cannot be kept in .*file/cache: .* SWATH_CACHE"):
        DualEncoder.from_pretrained("tiny-zoo")


@pytest.mark.parametrize("name", ["model", "swath-mini", "open_clip:ViT-B-32"])
def test_a_revision_of_what_is_not_on_the_hub_is_refused(files, name):
    place = files["config.json"].parent if name == "model" else name
    with pytest.raises(ModelError, match=f"{name} is not fetched from the hub, so there is no revision 'v1' of it"):
        DualEncoder.from_pretrained(place, revision="v1")


def test_an_empty_name():
    with pytest.raises(ModelError, match="the model's name is empty"):
        DualEncoder.from_pretrained("")


def test_a_model_of_another_library_on_the_hub(cache, files):
    put(cache, "org/clip", {"README.md": files["README.md"]})
    with pytest.raises(ModelError, match=r"org/clip has no config.json .* open_clip:hf-hub:org/clip"):
        DualEncoder.from_pretrained("org/clip")


def test_a_zoo_model_that_is_not_on_the_hub(cache):
    with pytest.raises(CheckpointError, match=r"not on the hub .*swath convert FILE --name skyclip-vit-l-14-top30pct"):
        DualEncoder.from_pretrained("skyclip-vit-l-14-top30pct")


def test_a_zoo_model_whose_activation_nobody_knows(cache):
    with pytest.raises(CheckpointError, match="activation of georsclip-vit-l-14 is not known"):
        DualEncoder.from_pretrained("georsclip-vit-l-14")


def test_a_zoo_model_offline(cache):
    with pytest.raises(ModelError, match=r"chendelong/RemoteCLIP .* not in the local cache"):
        DualEncoder.from_pretrained("remoteclip-vit-b-32")
