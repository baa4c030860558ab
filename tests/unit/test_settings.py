"""Settings: the command line wins over the environment, and what cannot be understood is said by name."""

from dataclasses import fields

import pytest

from server.settings import BadSetting, Settings, read_settings, to_environment
from tests.every import every


def test_nothing_given_is_the_defaults():
    assert read_settings({}) == Settings()


def test_every_field_can_come_from_the_environment():
    environment = {
        "CASTWORK_DB": "mongodb://db.example",
        "CASTWORK_PORT": "9000",
        "CASTWORK_RELOAD": "true",
        "CASTWORK_DRAIN": "2.5",
        "CASTWORK_SOMETHING_ELSE": "kept by others",
    }
    found = read_settings(environment)
    assert (found.db, found.port, found.reload, found.drain) == ("mongodb://db.example", 9000, True, 2.5)


def test_the_command_line_wins_and_unused_options_do_not():
    assert read_settings({"CASTWORK_PORT": "9000"}, port=9001).port == 9001
    assert read_settings({"CASTWORK_PORT": "9000"}, port=None).port == 9000


@every(
    ("environment", "words"),
    [
        ({"CASTWORK_PORT": "eighty"}, "CASTWORK_PORT is 'eighty': expected a whole number"),
        ({"CASTWORK_DRAIN": "soon"}, "CASTWORK_DRAIN is 'soon': expected a number"),
        ({"CASTWORK_RELOAD": "yes"}, "CASTWORK_RELOAD is 'yes': expected true or false"),
        ({"CASTWORK_MAX_BODY": "0"}, "CASTWORK_MAX_BODY is 0"),
        ({"CASTWORK_LOG_ROWS": "0"}, "CASTWORK_LOG_ROWS is 0"),
        ({"CASTWORK_METRICS_TOKEN": ""}, "CASTWORK_METRICS_TOKEN is empty"),
        ({"CASTWORK_PORT": "65536"}, "port"),
        ({"CASTWORK_WORKERS": "0"}, "workers"),
        ({"CASTWORK_WORKERS": "2", "CASTWORK_RELOAD": "true"}, "--reload"),
        ({"CASTWORK_CORS_ORIGINS": "https://a.example,*"}, "CASTWORK_CORS_ORIGINS: '*' is no origin"),
        ({"CASTWORK_CORS_ORIGINS": "null"}, "'null' is no origin"),
        ({"CASTWORK_CORS_ORIGINS": "https://a.example/"}, "'https://a.example/' is no origin"),
        ({"CASTWORK_CORS_ORIGINS": "a.example"}, "'a.example' is no origin"),
        ({"CASTWORK_CORS_ORIGINS": "https://*.a.example"}, "is no origin"),
        ({"CASTWORK_BASE_PATH": "api"}, "base path"),
        ({"CASTWORK_BASE_PATH": "/api/"}, "base path"),
        ({"CASTWORK_BASE_PATH": "/{app}"}, "base path"),
    ],
)
def test_what_cannot_be_understood_is_said(environment, words):
    with pytest.raises(BadSetting) as caught:
        read_settings(environment)
    assert words in str(caught.value)


@pytest.mark.parametrize("path", ["", "/api", "/dev/runtime/api"])
def test_base_paths(path):
    assert read_settings({"CASTWORK_BASE_PATH": path}).base_path == path


def test_settings_survive_the_way_to_a_worker():
    settings = read_settings({}, port=9001, reload=True, drain=0.5, db="mongodb://db.example", base_path="")
    assert read_settings(to_environment(settings)) == settings
    changed = read_settings(to_environment(settings, reload=False, workers=3))
    assert (changed.reload, changed.workers, changed.port) == (False, 3, 9001)


def test_every_kind_of_field_can_be_read():
    for item in fields(Settings):
        text = to_environment(Settings()).get(f"CASTWORK_{item.name.upper()}")
        if text is not None:
            assert getattr(read_settings({f"CASTWORK_{item.name.upper()}": text}), item.name) == item.default
