"""The app over HTTP, as `gradio_client` and a browser meet it."""

import json

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from PIL import Image

import app


@pytest.fixture(scope="module")
def client():
    _, url, _ = app.demo.launch(prevent_thread_lock=True, quiet=True)
    client = Client(url, verbose=False)
    yield client
    client.close()
    app.demo.close()


def test_the_api_has_these_endpoints_and_no_others(client):
    endpoints = client.view_api(return_format="dict", print_info=False)
    assert endpoints["unnamed_endpoints"] == {}
    parameters = {
        name: [p["parameter_name"] for p in info["parameters"]] for name, info in endpoints["named_endpoints"].items()
    }
    assert parameters == {
        "/decode": ["x", "y"],
        "/interpolate": ["seed", "steps"],
        "/snapshots": ["epoch"],
        "/model_summary": [],
    }


def test_decode_gives_the_digit_and_its_classes(client, shipped):
    x, y = shipped.final.anchors[8].tolist()
    picture, classes = client.predict(x=x, y=y, api_name="/decode")
    assert Image.open(picture).size == (280, 280)
    assert classes["label"] == "8"


@pytest.mark.parametrize("x", [6.5, -1e300])
def test_a_point_off_the_plane_gets_a_clear_message(client, x):
    with pytest.raises(AppError, match="from -6 to 6"):
        client.predict(x=x, y=0.0, api_name="/decode")


def test_interpolate_gives_a_strip_between_two_classes(client):
    _, strip, told = client.predict(seed=3, steps=9, api_name="/interpolate")
    assert Image.open(strip).size == (9 * 28 * 3, 28 * 3)
    assert len(told["points"]) == 9 and told["classes"][0] != told["classes"][1]
    again = client.predict(seed=3, steps=9, api_name="/interpolate")[2]
    assert json.dumps(again) == json.dumps(told)


def test_snapshots_come_by_epoch(client, shipped):
    gallery, report = client.predict(epoch=20, api_name="/snapshots")
    assert [item["caption"] for item in gallery] == ["gallery", "clusters", "manifold"]
    assert report["test"] == shipped.metrics["epochs"][19]["test"]


def test_the_summary_is_the_models(client, shipped):
    assert client.predict(api_name="/model_summary") == shipped.vae.summary()
