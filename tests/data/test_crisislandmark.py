from __future__ import annotations

import pickle

import pytest

from generate.crisislandmark import KEYS, write_corpus, write_metadata
from swath.data import read_dataset
from swath.data.crisislandmark import harmonised
from swath.errors import DataError
from swath.raster import read_chip

SIDE = 24


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("corpus"), SIDE)


def test_the_published_layout_is_a_data_set(corpus):
    dataset = read_dataset(corpus)
    assert [pair.name for pair in dataset] == list(KEYS)
    assert dataset.splits == {"train": 1, "corpus": 5}
    assert [pair.captions for pair in dataset] == [
        ("trees. water",),
        ("flooded area",),
        ("earthquake damage",),
        ("crops. water",),
        ("burned area",),
        ("flooded area",),
    ]
    first = dataset[0]
    assert first.labels == ("Trees", "Water")
    assert first.provenance["source_labels"] == ["Coniferous forest", "Water bodies"]
    assert first.location == pytest.approx((15.0, 45.15), abs=0.01)
    assert not dataset.failures
    for pair in pickle.loads(pickle.dumps(dataset.pairs)):
        read_chip(pair.chip)


def test_one_sensor_of_several(corpus):
    assert len(read_dataset(corpus, sensor="s1")) == 4
    assert {pair.chip.scene.sensor for pair in read_dataset(corpus, sensor="s2-l2a")} == {"s2-l2a"}
    with pytest.raises(DataError, match="no image of sensor 'rgb'"):
        read_dataset(corpus, sensor="rgb")


def test_a_shard_alone(corpus):
    assert [pair.name for pair in read_dataset(corpus / "benv2s2_part1.h5")] == ["benv2s2_four"]


def test_what_is_broken_is_recorded_and_the_rest_is_read(tmp_path):
    folder = write_corpus(tmp_path, SIDE)
    (folder / "mmflood.h5").unlink()
    rows = {key: (split, labels) for key, (_, split, labels) in KEYS.items()}
    rows["benv2s1_gone"] = ("train", ["Pastures"])
    rows["cabuar_five"] = ("corpus", ["Nonsense"])
    write_metadata(folder, rows)
    dataset = read_dataset(folder)
    assert len(dataset) == 4
    kinds = {failure.name: (failure.kind, failure.message) for failure in dataset.failures}
    assert kinds["cabuar_five"][0] == "unknown label"
    assert "unknown label 'Nonsense'" in kinds["cabuar_five"][1]
    assert "links to mmflood.h5, which is not there" in kinds["mmflood_two"][1]
    assert "has no key 'benv2s1_gone'" in kinds["benv2s1_gone"][1]
    with pytest.raises(DataError, match="unknown label"):
        read_dataset(folder, strict=True)


def test_labels_of_all_systems_are_harmonised():
    assert harmonised(["Arable land", "Pastures", "burned area"]) == ("Crops", "Grass", "Burned Area")
    assert harmonised(["312", "Rice fields"]) == ("Trees", "Flooded Vegetation")
    assert harmonised(["Peatbogs", "Bare rock", "Transitional woodland/shrub"]) == harmonised(["412", "332", "324"])
    assert harmonised([]) == ()


def test_equal_label_sets_are_harmonised_once(monkeypatch):
    """647,000 images have some thousand sets of labels; reading the tables for each took a quarter of an hour."""
    labels = ["Peat bogs", "Vineyards", "Airports"]
    assert harmonised(labels) == ("Crops", "Built", "Flooded Vegetation")

    def read(*_):
        raise AssertionError("a table was read again")

    monkeypatch.setattr("swath.data.labels.systems._read", read)
    assert harmonised(labels) == harmonised(tuple(reversed(labels)))


def test_metadata_without_keys(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = write_corpus(tmp_path, SIDE)
    pq.write_table(pa.table({"name": ["a"]}), folder / "metadata.parquet")
    with pytest.raises(DataError, match="has the columns name; it needs key"):
        read_dataset(folder)
