from __future__ import annotations

import re

import pytest

from swath.models import zoo


def test_names_are_unique_and_files_findable():
    names = [entry.name for entry in zoo.ENTRIES]
    assert len(set(names)) == len(names)
    for entry in zoo.ENTRIES:
        assert zoo.find(entry.name.upper()) is entry
        assert re.fullmatch(r"[a-z0-9-]+", entry.name)
        assert entry.note
        assert entry.repo is None or re.fullmatch(r"[\w.-]+/[\w.-]+", entry.repo)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("RemoteCLIP-ViT-L-14.pt", "remoteclip-vit-l-14"),
        ("RS5M_ViT-B-32_RET-2.pt", "georsclip-vit-b-32-ret-2"),
        ("open_clip_model.safetensors", None),
        ("epoch_20.pt", None),
    ],
)
def test_a_file_name_tells_only_where_it_is_unique(file, name):
    entry = zoo.find_file(file)
    assert (entry.name if entry else None) == name


def test_fine_tunes_have_the_activation_of_their_start():
    # Measured in the field: most wrong zero-shot numbers come from this one value.
    assert zoo.find("remoteclip-vit-b-32").activation == "quickgelu"
    assert zoo.find("georsclip-vit-h-14").activation == "gelu"
    assert zoo.find("skyclip-vit-b-32-top50pct").activation == "gelu"
    assert zoo.find("skyclip-vit-l-14-top50pct").activation == "quickgelu"
    assert zoo.find("georsclip-vit-l-14").activation is None


@pytest.mark.parametrize("name", ["ViT-B-32", "ViT-B-16", "ViT-L-14", "ViT-H-14"])
def test_openclips_table_agrees_on_activation_and_statistics(open_clip, name):
    for entry in zoo.ENTRIES:
        tag = {"openai": "openai", "laion2b": None}.get(entry.name.rsplit("-", 1)[-1], "none")
        if entry.architecture != name or tag == "none":
            continue
        for known in [tag] if tag else open_clip.list_pretrained_tags_by_model(name):
            config = open_clip.pretrained.get_pretrained_cfg(name, known)
            if (config.get("hf_hub") or "").rstrip("/") == entry.repo:
                assert (entry.activation == "quickgelu") == bool(config.get("quick_gelu"))
                assert entry.mean == tuple(config["mean"])
                assert entry.std == tuple(config["std"])
                break
        else:
            pytest.fail(f"{entry.repo} is not in OpenCLIP's table")
