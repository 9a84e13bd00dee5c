from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from generate.captions import picture, save
from generate.models import tiny_config, tiny_model
from swath.cli.app import app
from swath.data import read_dataset
from swath.errors import EvaluationError, InputError
from swath.evaluation.galleries import PlaceGallery, best_constant, grid_gallery, read_gallery, voted
from swath.evaluation.geolocation import great_circle_km
from swath.evaluation.run_geolocation import evaluate_image_geolocation
from swath.features import Features
from swath.models import DualEncoder

TRAIN, TEST = 8, 4
SATCLIP = {"type": "satclip", "width": 8, "legendre_polys": 3, "capacity": 8}


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Grey pictures whose brightness is their longitude; one test image without a place."""
    folder = tmp_path_factory.mktemp("places")
    rows = []
    for at in range(TRAIN + TEST):
        lon = 10.0 * (at if at < TRAIN else at - TRAIN + 0.25)
        save(folder / f"{at}.png", np.full((16, 16, 3), 20 + round(lon), dtype=np.uint8))
        rows.append(
            {"image": f"{at}.png", "label": "x", "split": "train" if at < TRAIN else "test", "lon": lon, "lat": 5.0}
        )
    save(folder / "nowhere.png", picture(1))
    rows.append({"image": "nowhere.png", "label": "x", "split": "test", "lon": None, "lat": None})
    pq.write_table(pa.Table.from_pylist(rows), folder / "pairs.parquet")
    return folder / "pairs.parquet"


class Longitudes:
    """Knows the longitude of an image by its brightness, and encodes places likewise."""

    model_id = "longitudes@0"
    location: object | None = None

    def encode_pixels(self, chips, *, batch_size=32, tokens=True):
        return self._features([chip.data.mean() - 20 for chip in chips])

    def encode_texts(self, texts, *, pad_to_context=False, tokens=True):
        raise AssertionError("no text is asked for")

    def encode_locations(self, lonlat):
        return self._features(np.asarray(lonlat)[:, 0]).pooled

    def _features(self, lon):
        angle = torch.tensor(np.radians(np.asarray(lon, dtype=np.float64)))
        pooled = torch.stack([angle.cos(), angle.sin()], dim=1).float()
        return Features(pooled, pooled[:, None], torch.ones(len(pooled), 1, dtype=torch.bool))


class Located(Longitudes):
    location = object()


def test_neighbours_vote_where_there_is_no_location_tower(table):
    report = evaluate_image_geolocation(Longitudes(), read_dataset(table), neighbours=1)
    assert report.method == "neighbours"
    assert report.gallery == {"origin": "images of split 'train'", "places": TRAIN, "neighbours": 1}
    truth = np.array([[10.0 * (at + 0.25), 5.0] for at in range(TEST)])
    expected = great_circle_km(np.array([[10.0 * at, 5.0] for at in range(TEST)]), truth)
    # A picture's brightness is a whole number: half a degree at most is lost, and no neighbour is nearer for that.
    assert list(report.errors_km.values()) == pytest.approx(expected)
    assert report.metrics["median_km"] == pytest.approx(np.median(expected))
    assert report.images == TEST
    assert report.failures == ("nowhere.png: it has no place",)
    assert report.metrics["constant_median_km"] > report.metrics["median_km"]
    assert "gallery_median_km" not in report.metrics
    json.dumps(report.to_dict())


def test_the_location_tower_chooses_among_the_gallery(table):
    gallery = PlaceGallery(np.column_stack([np.arange(-20.0, 60.0, 0.5), np.full(160, 5.0)]), "every half degree")
    report = evaluate_image_geolocation(Located(), read_dataset(table), gallery=gallery)
    assert (report.method, report.gallery) == ("location", {"origin": "every half degree", "places": 160})
    assert report.metrics["median_km"] < 60  # half a degree
    assert report.metrics["gallery_median_km"] <= report.metrics["median_km"]
    assert report.metrics["accuracy_200km"] == 100.0
    known = evaluate_image_geolocation(Located(), read_dataset(table))
    assert known.gallery == {"origin": "places of split 'train'", "places": TRAIN}


def test_bad_input(table):
    data = read_dataset(table)
    with pytest.raises(EvaluationError, match="measure another split"):
        evaluate_image_geolocation(Longitudes(), data, "train")
    with pytest.raises(InputError, match="no location tower"):
        evaluate_image_geolocation(tiny_model(), data, method="location")
    with pytest.raises(EvaluationError, match="neighbour must vote"):
        evaluate_image_geolocation(Longitudes(), data, neighbours=0)


def test_command(table, tmp_path):
    model = DualEncoder(tiny_config(location=SATCLIP)).eval()
    model.save_pretrained(tmp_path / "model")
    places = tmp_path / "places.csv"
    places.write_text("lat,lon\n5,10\n5,20\n")
    found = {}
    for gallery in ("train", "grid", str(places)):
        arguments = ["evaluate", "geolocate", str(tmp_path / "model"), str(table), "--gallery", gallery, "--json"]
        done = CliRunner().invoke(app, [*arguments, "--step-km", "500"])
        assert done.exit_code == 0, done.output
        found[gallery] = json.loads(done.stdout)
    assert {report["method"] for report in found.values()} == {"location"}
    assert found[str(places)]["gallery"]["places"] == 2
    assert "500 km over the extent" in found["grid"]["gallery"]["origin"]
    assert {"median_km", "accuracy_1km", "accuracy_2500km", "constant_median_km"} <= set(found["train"]["metrics"])
    shown = CliRunner().invoke(
        app, ["evaluate", "geolocate", str(tmp_path / "model"), str(table), "--method", "neighbours"]
    )
    assert "nearest train images" in shown.stdout


@given(st.floats(-180, 179), st.floats(-80, 80), st.floats(0, 30), st.floats(100, 900))
def test_a_grid_leaves_no_place_far_off(lon, lat, wide, step):
    around = np.array([[lon, lat], [(lon + wide + 180) % 360 - 180, min(lat + wide, 85)]])
    grid = grid_gallery(step, around).places
    for place in around:
        assert great_circle_km(place[None], grid).min() <= step
    assert great_circle_km(np.array([[12.3, 45.6]]), grid_gallery(900).places).min() <= 900


def test_galleries_refuse_what_is_no_place(tmp_path):
    table = tmp_path / "places.csv"
    table.write_text("lon,lat\n34,-118\n35,-117\n")
    with pytest.raises(InputError, match=r"places\.csv.*latitude outside -90 to 90; lat and lon look swapped"):
        read_gallery(table)
    table.write_text("x,y\n1,2\n")
    with pytest.raises(InputError, match="needs the columns lon and lat; it has x, y"):
        read_gallery(table)
    with pytest.raises(InputError, match="there is no table"):
        read_gallery(tmp_path / "none.csv")
    with pytest.raises(InputError, match="choose a larger step"):
        grid_gallery(1)
    with pytest.raises(InputError, match="step over 0"):
        grid_gallery(0)


def test_votes_and_the_constant_guess():
    places = np.array([[0.0, 0.0], [1.0, 0.0], [1.2, 0.0], [90.0, 0.0]])
    assert voted(places, np.ones(4)).tolist() == [1.0, 0.0]
    assert voted(places, np.array([1.0, 0, 0, 0])).tolist() == [0.0, 0.0]
    assert best_constant(places, places).tolist() in ([1.0, 0.0], [1.2, 0.0])
