"""The page about logs and metrics names everything that the server tells."""

import json
import re
from pathlib import Path

from engine.logs import Event, render_line
from engine.query.lines import LOG_PARAMETERS
from server.http.metrics import _families
from server.metrics import _own
from server.runtime.jobs import Backlog
from server.settings import Settings, read_settings

PAGE = (Path(__file__).parents[2] / "app_definitions" / "OBSERVING.md").read_text()
SAMPLES = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)]


def test_every_metric_is_named():
    asked = _families({"crm": [Backlog("mix", {"PENDING": 1}, 5)]})
    for metric in (*_own.collect(), *asked):
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        assert f"`{name}`" in PAGE


def test_every_event_is_named():
    for event in Event:
        assert f"`{event.value}`" in PAGE or f"`…{event.value.removeprefix('REST_API_RECORD')}`" in PAGE, event


def test_every_parameter_is_named():
    for name in (*LOG_PARAMETERS, "userEmail"):
        assert f"`{name}`" in PAGE


def test_settings_have_the_defaults_that_the_page_shows():
    for name, default in re.findall(r"\| `CASTWORK_(LOG_\w+)` \| (\w+) \|", PAGE):
        assert str(getattr(Settings(), name.lower())).lower() == default
    assert {"log_rows", "log_days", "log_reads"} == {
        name.lower() for name in re.findall(r"\| `CASTWORK_(LOG_\w+)`", PAGE)
    }
    assert read_settings({"CASTWORK_METRICS_TOKEN": "x"}).metrics_token == "x"


def test_the_sample_has_the_form_of_answers():
    page, line = SAMPLES
    for item in page["items"]:
        assert list(render_line({"_id": item["id"], **item})) == list(item)
    assert line["logger"] == "castwork.requests"
