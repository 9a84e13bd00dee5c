from __future__ import annotations

import json

import pytest
import torch
from torch.nn import functional as F

from generate.models import tiny_model
from swath.data.class_names import readable
from swath.errors import EvaluationError
from swath.evaluation.prompts import TEMPLATES, class_vectors, read_names, read_templates

CLASSES = ["DenseResidential", "river", "StorageTanks"]
TWO = ("a satellite photo of {}.", "{} seen from above.")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("AnnualCrop", "annual crop"),
        ("dense_residential", "dense residential area"),
        ("denseresidential", "dense residential area"),
        ("DenseResidential", "dense residential area"),
        ("rail/way-station", "railway station"),
        ("SeaLake", "sea or lake"),
        ("Baseball Field", "baseball field"),
        ("river", "river"),
        ("mobile-home", "mobile home"),
    ],
)
def test_class_names_become_words(name, words):
    assert readable(name) == words


def test_both_ways_of_averaging_by_hand():
    model = tiny_model()
    prompts = [[template.format(readable(name)) for template in TWO] for name in CLASSES]
    ids = [[model.tokenize([text]) for text in own] for own in prompts]
    with torch.no_grad():
        raw = torch.stack([torch.stack([model.text(*pair)[0][0] for pair in own]) for own in ids])
    unit = F.normalize(F.normalize(raw, dim=-1).mean(dim=1), dim=-1)
    plain = F.normalize(raw.mean(dim=1), dim=-1)
    assert not torch.allclose(unit, plain, atol=1e-4)
    torch.testing.assert_close(class_vectors(model, CLASSES, TWO), unit, atol=1e-6, rtol=0)
    torch.testing.assert_close(class_vectors(model, CLASSES, TWO, averaging="plain"), plain, atol=1e-6, rtol=0)


def test_given_words_take_the_place_of_the_name():
    model = tiny_model()
    names = {"river": ("a stream", "a canal")}
    found = class_vectors(model, ["river"], ["{}"], names=names)
    both = model.encode_texts(["a stream", "a canal"]).pooled
    torch.testing.assert_close(found[0], F.normalize(both.mean(dim=0), dim=0))


def test_templates_are_a_name_a_sentence_or_a_file(tmp_path):
    assert read_templates("remoteclip") == ("a satellite photo of {}.",)
    assert len(read_templates("ensemble")) == len(TEMPLATES["ensemble"]) > 5
    assert read_templates("radar image of {}") == ("radar image of {}",)
    (tmp_path / "t.txt").write_text("# of my own\n{} from above\n\nan image of {}.\n")
    assert read_templates(tmp_path / "t.txt") == ("{} from above", "an image of {}.")


def test_bad_templates_and_names_are_refused(tmp_path):
    (tmp_path / "none.txt").write_text("# nothing\n")
    (tmp_path / "bad.txt").write_text("a satellite photo\n")
    for source, said in (
        ("no-such-list", "neither a list of templates"),
        ("{} beside {}", "exactly once"),
        (tmp_path / "none.txt", "holds no template"),
        (tmp_path / "bad.txt", r"bad\.txt: 'a satellite photo' must hold"),
    ):
        with pytest.raises(EvaluationError, match=said):
            read_templates(source)
    for content, said in (("[1]", "JSON object"), ('{"a": []}', "class 'a'"), ("{", "cannot be read")):
        (tmp_path / "names.json").write_text(content)
        with pytest.raises(EvaluationError, match=said):
            read_names(tmp_path / "names.json")
    (tmp_path / "names.json").write_text(json.dumps({"a": "words", "b": ["x", "y"]}))
    assert read_names(tmp_path / "names.json") == {"a": ("words",), "b": ("x", "y")}


def test_a_classifier_needs_classes_and_known_averaging():
    model = tiny_model()
    with pytest.raises(EvaluationError, match="at least one class"):
        class_vectors(model, [])
    with pytest.raises(EvaluationError, match="averaging is 'median'"):
        class_vectors(model, ["a"], averaging="median")
