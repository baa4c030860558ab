"""GET /openapi.json, held to a running server: what it answers is what the document says."""

import re

import pytest
from jsonschema import Draft202012Validator

from tests.integration.http.conftest import ADMIN

LOGIN = {"email": ADMIN["CASTWORK_ADMIN_EMAIL"], "password": ADMIN["CASTWORK_ADMIN_PASSWORD"]}
COMPANY = {
    "name": "Acme",
    "state": "pending",
    "numberOfEmployees": 3,
    "isCustomer": True,
    "contactInformation": {"phoneNumber": "0341552345", "email": "test@example.com"},
    "addresses": [{"city": "Rome", "zipCode": "00100"}, {"state": "X"}],
    "homepage": "https://example.com",
    "lastMeeting": 1_700_000_000_000,
}


class Checked:
    """Sends requests and holds every answer, and every accepted body, to the document."""

    def __init__(self, client, document):
        self.client = client
        self.document = document
        self.checked = set()

    def operation(self, method, path):
        for template, methods in self.document["paths"].items():
            pattern = re.sub(r"\{\w+\}", "[^/]+", re.escape(template).replace(r"\{", "{").replace(r"\}", "}"))
            if (
                re.fullmatch(pattern, path)
                and method.lower() in methods
                and not (
                    "{id}" in template and path.count("/") == 3 and path.split("/")[3] in ("aggregate", "auditLogs")
                )
            ):
                return methods[method.lower()]
        raise AssertionError(f"{method} {path} is not in the document")

    def problems(self, schema, value):
        return [
            error.message
            for error in Draft202012Validator({**schema, "components": self.document["components"]}).iter_errors(value)
        ]

    def ask(self, method, path, body=None, status=200, **options):
        answer = self.client.request(method, path, json=body, **options)
        assert answer.status_code == status, answer.text
        told = self.operation(method, path.partition("?")[0])
        if status == 200 and body is not None:
            assert not self.problems(told["requestBody"]["content"]["application/json"]["schema"], body)
        if status == 200:
            (schema,) = (each["schema"] for each in told["responses"]["200"]["content"].values())
        else:
            schema = self.document["components"]["schemas"]["Error"]
        assert not self.problems(schema, answer.json()), (method, path, answer.text)
        self.checked.add(told["operationId"])
        return answer.json()


@pytest.fixture(scope="module")
def checked(shared_server):
    document = shared_server.client.get("/openapi.json")
    assert document.status_code == 200
    return Checked(shared_server.client, document.json())


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory):
    from tests.integration.http.conftest import Serving, copy_crm

    serving = Serving(copy_crm(tmp_path_factory.mktemp("described")))
    yield serving
    serving.close()


def test_it_is_for_developers(shared_server):
    import httpx

    assert httpx.get(f"{shared_server.url}/openapi.json", timeout=20).status_code == 401


def test_it_says_where_the_api_stands(checked, shared_server):
    assert [one["url"] for one in checked.document["servers"]] == ["/api"]


def test_answers_are_what_it_says(checked):
    ask = checked.ask
    company = ask("POST", "/data/companies", COMPANY)["id"]
    other = ask("POST", "/data/companies", {"name": "Bolt", "state": None, "addresses": []})["id"]
    ask("POST", "/data/companies", {}, status=400)
    ask("POST", "/data/companies", {"name": "Acme", "type": "zzz"}, status=400)
    record = ask("GET", f"/data/companies/{company}")
    ask("PUT", f"/data/companies/{company}", record)
    ask("PUT", f"/data/companies/{company}", {"version": 99}, status=409)
    ask("GET", f"/data/companies/{'0' * 24}", status=404)
    ask("GET", f"/data/companies/{company}?_fields=name,addresses.city")
    ask("GET", f"/data/companies/{company}?_format=plainText")
    for query in (
        "",
        "?_size=1",
        "?_total=false&_sortField=name",
        "?_format=plainText",
        "?_cursor=",
        "?_explain=true",
        "?state=empty()",
    ):
        ask("GET", f"/data/companies{query}")
    ask("GET", "/data/companies?nope=1", status=400)
    ask("PUT", "/data/companies/aggregate", [{"group": {"by": "state", "n": "count()"}}])
    ask("GET", f"/data/companies/{company}/auditLogs")
    ask("GET", "/data/companies/auditLogs?_size=2")
    ask("PUT", f"/data/companies/{company}/activate", {})
    ask("PUT", f"/data/companies/{company}/activate", {}, status=400)
    ask("PUT", f"/data/companies/{company},{other}/logSomething", {"param1": "x"})
    job = ask("PUT", f"/data/companies/{company}/logSomething?_async=true", {"param1": "x"})["jobId"]
    ask("GET", "/status/jobs")
    ask("GET", f"/status/jobs/{job}")
    ask("GET", f"/status/jobs/{job}/logs")
    ask("DELETE", f"/data/companies/{other}")
    ask("DELETE", f"/data/companies/{company},{other}")
    ask("DELETE", "/data/companies?name=nothing")
    ask("DELETE", "/data/companies?name=nothing&_async=true")
    ask("GET", "/data/sys.users")
    user = ask("POST", "/data/sys.users", {"firstName": "A", "lastName": "B", "email": "ab@example.com"})["id"]
    for action in ("deactivate", "activate", "resetPassword"):
        ask("PUT", f"/data/sys.users/{user}/{action}", {})
    ask("PUT", "/data/companies/export?_format=json")
    ask("GET", "/users/current")
    ask("POST", "/auth/login", LOGIN)
    ask("POST", "/auth/login", {**LOGIN, "password": "wrong"}, status=401)
    ask("POST", "/status/logs", {"level": "INFO", "message": "m", "additionalInfo": {"a": 1}})
    ask("POST", "/status/logs", {"level": "INFO"}, status=400)
    ask("GET", "/status/logs?level=INFO&_size=5")
    ask("GET", "/healthz")
    ask("GET", "/readyz")
    assert len(checked.checked) >= 20


def test_it_refuses_what_the_server_refuses(checked):
    schema = checked.document["components"]["schemas"]["companies-create"]
    for body in (
        {},
        {"name": 5},
        {"name": "a", "state": "gone"},
        {"name": "a", "nope": 1},
        {"name": "a", "numberOfEmployees": -1},
    ):
        assert checked.problems(schema, body)
        checked.ask("POST", "/data/companies", body, status=400)
