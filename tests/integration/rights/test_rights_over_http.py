"""`GET /data/{entity}/{id}/_access`: rights on one record, rule by rule; for developers and for nobody else."""

import httpx
import pytest

from engine.compiler import compile_app
from engine.definitions import Sources
from server.http.dispatch import build_http
from server.http.serving import Edition, Host, ServedApp, index_routes
from server.runtime.records import create_record
from server.runtime.running import SYSTEM, Caller, RunningApp
from server.settings import Settings
from server.store import open_store

FILES = {
    "app.yaml": "name: shop\nforbidden: hide\n",
    "entities/lamps.yaml": """recordLabel: "{name}"
fields:
  name:  {type: text}
  owner: {type: relationship, entity: sys.users}
  cost:  {type: money}
actions: {sell: {steps: [{set: {name: sold}}]}}
""",
    "groups/sellers.yaml": """label: Sellers
entities:
  lamps:
    read: {owner.id: $user.id}
    fields: {cost: readOnly}
  sys.users: {read: always}
""",
}
DEVELOPER = Caller(developer=True, user={"email": "dev@example.com", "permissions": {"developer": True}})


class Shop:
    """The app behind its whole HTTP face; `caller` is who asks next."""

    def __init__(self, running):
        self.running, self.caller = running, DEVELOPER
        edition = Edition(index_routes(running.compiled.routes), running)
        host = Host([ServedApp("shop", edition, 1.0)])

        async def identify(scope, running, address):
            return self.caller

        face = build_http(host, Settings(), "/api", identify)
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(face), base_url="http://app/api")

    async def ask(self, record_id, caller=DEVELOPER, entity="lamps", **query):
        self.caller = caller
        return await self.client.get(f"/data/{entity}/{record_id}/_access", params=query or None)


@pytest.fixture
async def shop():
    compiled = compile_app(Sources(".", FILES))
    store = await open_store("memory:", "shop")
    running = RunningApp(compiled, store)
    yield Shop(running)
    await store.close()


@pytest.fixture
async def ann(shop):
    """A seller."""
    body = {"firstName": "Ann", "lastName": "Lee", "email": "ann@example.com"}
    return await create_record(
        shop.running, SYSTEM, "sys.users", {**body, "groups": [{"group": "sellers", "primary": True}]}
    )


@pytest.fixture
async def lamp(shop, ann):
    made = await shop.client.post("/data/lamps", json={"name": "Big", "owner": {"id": ann["id"]}, "cost": 3})
    assert made.status_code == 200, made.text
    return made.json()["id"]


async def test_developers_are_told_their_own_rights_unless_they_ask_for_others(shop, lamp):
    found = (await shop.ask(lamp)).json()
    assert (found["entity"], found["id"], found["developer"]) == ("lamps", lamp, True)
    assert {one["verdict"] for one in found["operations"].values()} == {"allowed"}
    assert found["fields"]["cost"]["right"] == "readWrite"


async def test_rights_of_a_user_are_told_rule_by_rule(shop, lamp):
    answer = await shop.ask(lamp, user="ANN@example.com")
    found = answer.json()
    assert (found["user"], found["groups"], found["developer"]) == ("ann@example.com", ["sellers"], False)
    read = found["operations"]["read"]
    assert read["verdict"] == "allowed"
    (rule,) = read["decidedBy"]
    assert {name: rule[name] for name in ("group", "rule", "says", "file", "line", "column")} == {
        "group": "sellers",
        "rule": "read",
        "says": {"owner.id": "$user.id"},
        "file": "groups/sellers.yaml",
        "line": 4,
        "column": 5,
    }
    assert found["operations"]["update"]["verdict"] == "denied"
    assert found["actions"]["sell"]["verdict"] == "denied"
    assert found["fields"]["cost"]["right"] == "readOnly"


async def test_rights_of_groups_leave_open_who_asks(shop, lamp):
    found = (await shop.ask(lamp, groups="sellers")).json()
    assert found["operations"]["read"]["verdict"] == "depends"
    assert found["user"] is None


async def test_somebody_elses_record_is_denied_where_its_owner_is_allowed(shop, lamp):
    other = await shop.client.post("/data/lamps", json={"name": "Small"})
    found = (await shop.ask(other.json()["id"], user="ann@example.com")).json()
    assert found["operations"]["read"]["verdict"] == "denied"
    assert found["fields"]["name"]["right"] == "none"


async def test_nobody_but_developers_may_ask(shop, lamp, ann):
    seller = Caller(user={"id": ann["id"]}, groups=("sellers",))
    for record_id in (lamp, "f" * 24):
        for query in ({}, {"user": "ann@example.com"}, {"groups": "sellers"}):
            answer = await shop.ask(record_id, seller, **query)
            assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_what_is_not_there_is_told(shop, lamp):
    assert (await shop.ask("f" * 24)).status_code == 404
    assert (await shop.ask("nonsense")).status_code == 404
    assert (await shop.ask(lamp, entity="lamp")).status_code == 404
    for query, told in (
        ({"groups": "seller"}, 'did you mean "sellers"?'),
        ({"user": "bob@example.com"}, "no user with the e-mail address bob@example.com"),
        ({"user": "ann@example.com", "groups": "sellers"}, "groups or user"),
        ({"gruops": "sellers"}, 'did you mean "groups"?'),
    ):
        answer = await shop.ask(lamp, **query)
        assert answer.status_code == 400
        assert told in answer.json()["message"]
