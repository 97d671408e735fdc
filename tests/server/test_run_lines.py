"""The lines that a run prints where there is a server."""

import logging

import requests

import axonlog


def test_the_lines_lead_to_the_ui_and_name_a_project_that_was_made(
    polyaxon_server, monkeypatch, caplog
):
    monkeypatch.setenv("POLYAXON_HOST", polyaxon_server.url)
    with caplog.at_level(logging.INFO, logger="axonlog"):
        run = axonlog.init(project="default/lines", name="first", track_env=False)
        axonlog.end()
    url = f"{polyaxon_server.url}/ui/default/lines/runs/{run.run_uuid}/"
    assert run.url == url
    said = [record.getMessage() for record in caplog.records]
    assert said[0] == "project default/lines did not exist and was created"
    assert said[1] == f"run first {run.run_uuid[:8]} in default/lines → {url}"
    assert said[-1].startswith(f"run first {run.run_uuid[:8]} succeeded after ")
    assert said[-1].endswith(f" → {url}")
    assert requests.get(url, timeout=30).status_code == 200
