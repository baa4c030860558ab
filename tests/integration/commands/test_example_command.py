"""`castwork test` as a user runs it: rights offline, requests against the whole server, reports and exit codes."""

import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from server import replay
from server.cli import app as program

ROOT = Path(__file__).parents[3]
FILES = {
    "app.yaml": "name: shop\n",
    "entities/lamps.yaml": """recordLabel: "{name}"
auditLogs: true
fields:
  name:  {type: text, required: true, unique: true}
  state: {type: choice, options: [draft, sold], default: draft}
  cost:  {type: money}
  owner: {type: relationship, entity: sys.users}
actions:
  sell: {precondition: {state: draft}, steps: [{set: {state: sold}}]}
  later: {background: true, steps: [{set: {state: sold}}]}
""",
    "groups/sellers.yaml": """entities:
  lamps: {read: always, update: {state: draft}, updateTo: {state: [draft, sold]}, fields: {cost: none}}
security: {allowedIps: [10.0.0.0/8]}
""",
    "groups/anonymous.yaml": "entities: {lamps: {read: {state: sold}}}\n",
    "data/lamps.json": '[{"name": "Big", "cost": 12.5}, {"name": "Old", "state": "sold"}]',
}
RIGHTS = """permissions:
  - {as: sellers, on: lamps, record: {name: a}, can: {read: true, update: true, fields: {cost: none}}}
  - {as: sellers, on: lamps, record: {name: a, state: sold}, can: {update: false}}
  - {as: sellers, on: lamps, record: {name: a}, becomes: {state: sold}, can: {update: true}}
  - {as: sellers, on: lamps, record: {name: a}, becomes: {state: null}, can: {update: false}}
  - {as: anonymous, on: lamps, record: {name: a, state: sold}, can: {read: true}}
"""
REQUESTS = """data: true
from: 10.0.0.7
requests:
  - {as: anonymous, path: /data/lamps, response: {total: 1, items: [{name: Old, id: "{old}"}]}}
  - {as: sellers, path: "/data/lamps?name=Big", response: {items: [{id: "{big}", cost: "{absent}", version: 0}]}}
  - {path: "/data/lamps/{big}", response: {cost: 12.50, label: "Big", owner: null}}
  - {as: sellers, from: 192.0.2.1, path: "/data/lamps/{big}", status: 403}
  - {as: [sellers, anonymous], method: PUT, path: "/data/lamps/{big}/later", response: {jobId: "{job}", jobLink: "/api/status/jobs/{job}"}}
  - {path: "/status/jobs/{job}", response: {status: FINISHED, hasErrors: false}}
  - {path: "/data/lamps/{big}", response: {state: sold, version: 1}}
  - {path: "/data/lamps/{big}/auditLogs", response: {total: 3}}
  - {method: POST, path: /data/sys.users, body: {firstName: A, lastName: Lee, email: ann@example.com, groups: [{group: sellers, primary: true}]},
     response: {id: "{ann}"}}
  - {as: ann@example.com, path: /users/current, headers: {X-Request-ID: "of {ann}"}, response: {id: "{ann}"}}
  - {method: POST, path: /data/lamps, body: {name: "of {ann}", owner: {id: "{ann}"}}, response: {label: "of {ann}", owner: {label: A Lee}}}
  - {method: HEAD, path: /data/lamps}
"""


@pytest.fixture
def shop(tmp_path):
    for name, text in {**FILES, "tests/rights.yaml": RIGHTS, "tests/requests.yaml": REQUESTS}.items():
        file = tmp_path / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return tmp_path


def try_examples(shop, *words):
    return CliRunner().invoke(program, ["test", str(shop), *words])


def report(shop, *words):
    done = try_examples(shop, "--format", "json", *words)
    return done.exit_code, json.loads(done.stdout)


def test_examples_that_hold_pass(shop):
    done = try_examples(shop)
    assert done.stdout.splitlines()[-1] == "17 of 17 examples passed, 4 of 5 rules exercised"
    assert done.exit_code == 0


def test_rules_without_an_example_fail_only_where_that_is_asked(shop):
    code, found = report(shop, "--require-coverage")
    assert (code, found["passed"], found["failed"], found["rules"]) == (1, 17, 0, 5)
    (rule,) = found["uncovered"]
    assert rule == {
        "file": f"{shop}/groups/anonymous.yaml",
        "line": 1,
        "column": 20,
        "group": "anonymous",
        "entity": "lamps",
        "rule": "read",
        "missing": ["refuse"],
    }
    more = "  - {as: anonymous, on: lamps, record: {name: a}, can: {read: false}}\n"
    (shop / "tests/rights.yaml").write_text(RIGHTS + more)
    assert report(shop, "--require-coverage")[0] == 0


def test_a_failure_tells_its_place_and_both_sides(shop):
    (shop / "tests/requests.yaml").write_text(
        "data: true\nrequests:\n  - {path: '/data/lamps?name=Big', response: {total: 1, items: [{cost: 13}]}}\n"
        "  - {name: Nobody sells twice, path: /data/lamps, method: POST, body: {}, status: 200}\n"
    )
    (shop / "tests/rights.yaml").write_text("permissions:\n  - {as: sellers, on: lamps, can: {delete: true}}\n")
    done = try_examples(shop)
    assert done.exit_code == 1
    lines = done.stdout.replace(f"{shop}/", "").splitlines()
    assert lines[:4] == [
        "tests/requests.yaml:3:5: GET /data/lamps?name=Big",
        "  tests/requests.yaml:3:72: items[0].cost differs",
        "    - 13",
        "    + 12.5",
    ]
    assert lines[4] == "tests/requests.yaml:4:5: Nobody sells twice (POST /data/lamps)"
    assert lines[5] == "  tests/requests.yaml:4:83: the status differs"
    assert lines[6] == "    - 200"
    assert lines[7].startswith("    + 400 {code: validationErrors")
    assert "tests/rights.yaml:2:36: delete is denied by groups/sellers.yaml:2:3" in done.stdout.replace(f"{shop}/", "")


def test_reports_for_github_point_at_lines(shop):
    (shop / "tests/rights.yaml").write_text("permissions:\n  - {as: sellers, on: lamps, can: {delete: true}}\n")
    lines = try_examples(shop, "--format", "github").stdout.splitlines()
    assert lines[0].startswith(f"::error file={shop}/tests/rights.yaml,line=2,col=36,title=sellers on lamps::delete is")
    assert any(line.startswith("::warning ") and "groups/sellers.yaml" in line for line in lines)
    strict = try_examples(shop, "--format", "github", "--require-coverage").stdout.splitlines()
    assert all(line.startswith("::error ") for line in strict)


def test_a_request_whose_values_never_came_is_not_sent(shop):
    (shop / "tests/requests.yaml").write_text(
        "requests:\n  - {path: /data/lamps, response: {items: [{id: '{lamp}'}]}}\n  - {path: '/data/lamps/{lamp}'}\n"
        "  - {as: bob@example.com, path: /data/lamps}\n"
    )
    code, found = report(shop)
    told = [failure["message"] for one in found["examples"] for failure in one["failures"]]
    assert code == 1
    assert told == [
        "items has 0 items, not 1",
        "not sent, since no answer before it brought {lamp}",
        "not sent, since there is no user with the e-mail address bob@example.com",
    ]


def test_files_do_not_see_each_other(shop):
    make = "requests:\n  - {method: POST, path: /data/lamps, body: {name: One}}\n  - {path: /data/lamps, response: {total: 1}}\n"
    (shop / "tests/requests.yaml").write_text(make)
    (shop / "tests/again.yaml").write_text(make)
    assert report(shop)[1]["failed"] == 0


def test_an_embedded_database_serves_as_well(shop):
    code, found = report(shop, "--db", "embedded:")
    assert (code, found["failed"]) == (0, 0)
    assert not list(shop.glob(".castwork"))


def test_rights_alone_need_no_database(shop, monkeypatch):
    (shop / "tests/requests.yaml").unlink()
    monkeypatch.setattr(replay, "deployed", None)
    monkeypatch.setitem(sys.modules, "mongomock_motor", None)
    assert report(shop, "--db", "mongodb://127.0.0.1:1/")[1]["passed"] == 5


def test_what_cannot_be_tried_says_why(shop):
    (shop / "data/lamps.json").write_text('[{"nam": "x"}]')
    done = try_examples(shop)
    assert done.exit_code == 2
    assert "The records of data/ cannot be created" in done.stderr
    assert 'did you mean "name"?' in done.stderr
    (shop / "tests/rights.yaml").write_text("permissions:\n  - {as: seller, on: lamps, can: {delete: true}}\n")
    done = try_examples(shop)
    assert done.exit_code == 2
    assert 'R304: there is no group "seller"' in done.stderr
    assert try_examples(shop / "nothing").exit_code == 2


def test_an_app_without_examples_passes(shop):
    for file in (shop / "tests").iterdir():
        file.unlink()
    assert try_examples(shop).exit_code == 0
    assert try_examples(shop, "--require-coverage").exit_code == 1


def test_a_new_app_brings_examples_that_hold(tmp_path):
    CliRunner().invoke(program, ["new", str(tmp_path / "mine")])
    assert report(tmp_path, "--require-coverage")[0] == 0


def test_sessions_that_end_between_requests_begin_anew(shop):
    (shop / "tests/requests.yaml").write_text("""requests:
  - {method: POST, path: /data/sys.users, body: {firstName: A, lastName: Lee, email: ann@example.com, groups: [{group: anonymous, primary: true}]},
     response: {id: "{ann}"}}
  - {as: ann@example.com, path: /users/current}
  - {method: PUT, path: "/data/sys.users/{ann}/deactivate"}
  - {as: ann@example.com, path: /users/current, status: 401}
  - {method: PUT, path: "/data/sys.users/{ann}/activate"}
  - {as: ann@example.com, path: /users/current, response: {id: "{ann}"}}
""")
    code, found = report(shop)
    assert (code, [failure for one in found["examples"] for failure in one["failures"]]) == (0, [])


def test_renamed_fields_are_renamed_in_examples(shop):
    assert CliRunner().invoke(program, ["rename", str(shop), "lamps.cost", "price"]).exit_code == 0
    code, found = report(shop)
    assert (code, found["passed"], found["failed"]) == (0, 17, 0)
    assert "price" in (shop / "tests/rights.yaml").read_text()


def test_the_examples_of_the_readme_hold_for_the_sample_app(tmp_path):
    readme = (ROOT / "README.md").read_text()
    (block,) = re.findall(r"```yaml\n(permissions:.*?)```", readme, re.DOTALL)
    crm = Path(
        shutil.copytree(ROOT / "app_definitions" / "crm", tmp_path / "crm", ignore=shutil.ignore_patterns("tests"))
    )
    (crm / "tests").mkdir()
    (crm / "tests/readme.yaml").write_text(block)
    code, found = report(crm)
    assert (code, found["passed"], found["failed"]) == (0, 3, 0)
