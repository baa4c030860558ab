"""A hidden field tells nothing through any channel: two databases that differ in it alone answer 200 probes alike.

A search learns from a probe only where answers differ, so that probes on which the two agree give it 0 bits. Every
channel is tried by a caller who sees everything as well, whom it must tell something: else it would be none.
"""

import os
import re
from collections import Counter

import pytest
import pytest_asyncio
from bson import ObjectId

from tests.integration.doors.twins import make, open_twins, record_id

pytestmark = pytest.mark.asyncio(loop_scope="session")

FULL = os.environ.get("CASTWORK_DOORS") == "full"
PROBES = 200 if FULL else 12
LETTERS = "abcdefghijklmnopqrstuvwxyz"


probes = Counter()


@pytest.fixture(scope="module", autouse=True)
def told(print_at_end):
    """Prints how much was tried."""
    yield
    print_at_end(
        f"{len(CHANNELS)} channels to what is hidden, {PROBES} probes through each: {probes['blind']} probes where it "
        f"always is and {probes['half']} where it sometimes is told 0 bits"
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def twins(database_uri):
    found = await open_twins(database_uri)
    yield found
    await found.close()


def documents(secret, salary, turn=1, like=None):
    """Two open things whose values are known, and two won ones that hold the secrets."""
    before = {document["_id"]: document for entity in (like or {}).values() for document in entity}
    keepers = [
        {
            **make("keepers", number, {"name": f"keeper {number}", "owner": "me", "pin": f"{secret}{number}"}),
            "paid": salary * number,
        }
        for number in (1, 2)
    ]
    things = []
    for number in (11, 12, 13, 14):
        order = 13.5 + turn * (number - 13.5)
        hush, pay = (f"{secret}{order:.0f}", salary + int(order)) if number > 12 else (f"known{number}", number)
        values = {
            "title": f"thing {number}",
            "stage": "won" if number > 12 else "open",
            "size": number % 2,
            "owner": "me",
            "secret": hush,
            "salary": pay,
            "spot": {"latitude": pay / 10, "longitude": 1},
            "contact": {"email": "e", "phone": hush},
            "lines": [{"item": "i", "price": pay}],
        }
        keeper = keepers[number % 2]
        boss = keepers[(number + (turn < 0 and number > 12)) % 2]
        references = {"keeper": keeper, "keepers": [keeper], "boss": boss}
        things.append(make("things", number, values, references, before.get(ObjectId(record_id(number)))))
    return {"keepers": keepers, "things": things}


ONE = documents("mango", 300)
OTHER = documents("quince", 600, -1, ONE)


def text_guesses():
    """Texts between which a search would halve: whole values, letters, then letters behind letters."""
    first = ["mango13", "quince13", "mango14", "known11", "m", "q", "n", "mango", *LETTERS]
    return [*first, *(f"{one}{two}" for one in "mqk" for two in LETTERS), *(f"ma{one}" for one in LETTERS)]


def number_guesses():
    """Numbers by which a search would halve 0 to 1,024, and those around the two answers."""
    halves = {step * place for step in (512, 256, 128, 64, 32, 16) for place in range(1, 1024 // step)}
    return [312, 313, 314, 612, 613, 614, 512, 256, *range(300, 320), *range(600, 620), *sorted(halves)]


def several(guesses):
    """As many as are to be tried."""
    return [guesses[place % len(guesses)] for place in range(PROBES)]


def listing(*pairs, text=True, entity="things"):
    def requests():
        for guess in several(text_guesses() if text else number_guesses()):
            query = [(name.replace("GUESS", str(guess)), value.replace("GUESS", str(guess))) for name, value in pairs]
            yield "GET", f"/data/{entity}", {"query": query}

    return requests


def aggregating(*stages, text=True):
    def requests():
        for guess in several(text_guesses() if text else number_guesses()):
            yield "PUT", "/data/things/aggregate", {"body": [_filled(stage, str(guess)) for stage in stages]}

    return requests


def _filled(value, guess):
    if isinstance(value, dict):
        return {name: _filled(one, guess) for name, one in value.items()}
    return value.replace("GUESS", guess) if isinstance(value, str) else value


def writing(body):
    """Writes say what a field is not only by refusing: the version counts what changed."""

    def requests():
        for guess in several(text_guesses()):
            yield "PUT", f"/data/things/{13:024x}", {"body": _filled(body, guess)}

    return requests


MATCHES_FIRST = {"match": {"secret": "greaterOrEquals(GUESS)"}}
CHANNELS = {
    "filter": listing(("secret", "like(/GUESS)")),
    "comparison": listing(("secret", "greaterOrEquals(GUESS)")),
    "number": listing(("salary", "greater(GUESS)"), text=False),
    "negation": listing(("secret", "notEquals(GUESS14)")),
    "emptiness": listing(("secret", "notEmpty()"), ("title", "like(GUESS)")),
    "alias": listing(("formerSecret", "like(/GUESS)")),
    "dot path": listing(("contact.phone", "like(/GUESS)")),
    "dot path by alias": listing(("contact.telephone", "like(/GUESS)")),
    "item of a list": listing(("lines.price", "greater(GUESS)"), text=False),
    "object": listing(("lines", 'equals({"price": "greater(GUESS)"})'), text=False),
    "label": listing(("label", "like(/thing 13 GUESS)")),
    "label of a group": listing(("contact.label", "like(/GUESS)")),
    "label of an item": listing(("lines.label", "like(i GUESS)"), text=False),
    "calculated": listing(("loud", "like(/GUESS)")),
    "calculated number": listing(("double", "greater(GUESS)"), text=False),
    "copy": listing(("keeper.pin", "like(/GUESS)")),
    "and": listing(("_query", "and(filter('title','like(thing)'),filter('secret','like(/GUESS)'))")),
    "or": listing(("_query", "or(filter('title','none'),filter('secret','like(/GUESS)'))")),
    "both ways": listing(("_query", "or(filter('secret','less(GUESS)'),filter('size','1'))")),
    "distance": listing(("spot", "near(GUESS,1,0,1000000)"), text=False),
    "total": listing(("secret", "less(GUESS)"), ("_fields", "title"), ("_size", "1")),
    "offset": listing(("secret", "less(GUESS)"), ("_offset", "1")),
    "sort": listing(("_sortField", "secret"), ("title", "like(thing)"), ("size", "0,1")),
    "sort by what is calculated": listing(("_sortField", "-double"), ("title", "like(thing)")),
    "sort by label": listing(("_sortField", "label"), ("_sortType", "asc")),
    "fields": listing(("_fields", "title,secret")),
    "fields by alias": listing(("_fields", "formerSecret")),
    "fields in a group": listing(("_fields", "contact.phone")),
    "cursor": listing(("_sortField", "secret"), ("_cursor", "")),
    "explanation": listing(("secret", "like(/GUESS)"), ("_explain", "true")),
    "relationship": listing(("boss", "like(1)")),
    "id of a relationship": listing(("boss.id", record_id(1))),
    "fetched": listing(("_relationshipsToFetch", "boss")),
    "aggregated": listing(("paid", "greater(GUESS)"), text=False, entity="keepers"),
    "words": listing(("_indexedFilter", "words"), ("_indexedFilterQuery", "GUESS")),
    "match": aggregating(MATCHES_FIRST),
    "match of a label": aggregating({"match": {"label": "like(/thing 13 GUESS)"}}),
    "group": aggregating({"group": {"by": "secret", "n": "count()"}}),
    "group by an item": aggregating(
        {"unwind": {"fieldPath": "lines"}}, {"group": {"by": "lines.price", "n": "count()"}}
    ),
    "sum": aggregating({"group": {"by": "stage", "all": "sum(salary)"}}),
    "extremes": aggregating({"group": {"least": "min(salary)", "most": "max(double)"}}),
    "collected": aggregating({"group": {"by": "stage", "all": "push(secret)"}}),
    "projected": aggregating({"project": "title,secret"}),
    "sorted": aggregating({"sort": {"salary": "asc"}}, {"project": "title"}),
    "unwound": aggregating({"unwind": {"fieldPath": "lines"}}, {"project": "lines.price"}),
    "looked up": aggregating(
        {
            "lookup": {
                "localFieldPath": "keeper.id",
                "foreignFieldPath": "id",
                "foreignEntityName": "keepers",
                "as": "k",
            }
        },
        {"match": {"k.pin": "like(/GUESS)"}},
    ),
    "joined": aggregating(
        {"lookup": {"localFieldPath": "secret", "foreignFieldPath": "pin", "foreignEntityName": "keepers", "as": "k"}}
    ),
    "nearest": aggregating(
        {"geoNear": {"coordinates": {"longitude": 1, "latitude": 0}, "distanceField": "far", "key": "spot"}}
    ),
}
"""What a search for the hidden could go by."""
ALWAYS_OPEN = {"emptiness", "explanation"}
"""Tell nothing to anybody here, since nothing is empty and only developers get explanations; they must be refused all
the same."""
UNSUPPORTED = {"words", "nearest", "distance"}
"""What the embedded database is not able to do for those who may ask."""


async def differing(twins, caller, requests):
    """How many probes of a channel are answered differently, and with which statuses they are answered."""
    found, statuses = 0, set()
    for method, path, more in requests:
        probes[caller] += 1
        one, other = await twins.ask(caller, method, path, **more)
        found += one != other
        statuses |= {one[0], other[0]}
    return found, statuses


@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_hidden_field_is_refused_in_every_channel(twins, channel):
    await twins.fill(ONE, OTHER)
    assert await differing(twins, "blind", CHANNELS[channel]()) == (0, {403})


@pytest.mark.parametrize("channel", CHANNELS)
async def test_a_field_that_is_seen_on_some_records_tells_nothing_of_the_others(twins, channel):
    await twins.fill(ONE, OTHER)
    found, statuses = await differing(twins, "half", CHANNELS[channel]())
    assert found == 0
    assert statuses <= ({200, 400, 403} if channel in UNSUPPORTED else {200, 403})


@pytest.mark.parametrize("channel", [name for name in CHANNELS if name not in ALWAYS_OPEN | UNSUPPORTED])
async def test_the_channel_tells_those_who_may_see(twins, channel):
    await twins.fill(ONE, OTHER)
    found, statuses = await differing(twins, "all", CHANNELS[channel]())
    assert found > 0
    assert statuses == {200}


SHOWN = {
    "list": ("GET", "/data/things", {}),
    "plain text": ("GET", "/data/things", {"query": (("_format", "plainText"),)}),
    "related": ("GET", "/data/things", {"query": (("_relationshipsToFetch", "keeper,keepers"),)}),
    "related in plain text": (
        "GET",
        "/data/things",
        {"query": (("_relationshipsToFetch", "keeper"), ("_format", "plainText"))},
    ),
    "some fields": ("GET", "/data/things", {"query": (("_fields", "title,keeper,contact,lines"),)}),
    "read": ("GET", f"/data/things/{13:024x}", {}),
    "aggregate": ("PUT", "/data/things/aggregate", {"body": []}),
    "aggregate of groups": ("PUT", "/data/things/aggregate", {"body": [{"unwind": {"fieldPath": "lines"}}]}),
    "with keepers": (
        "PUT",
        "/data/things/aggregate",
        {
            "body": [
                {
                    "lookup": {
                        "localFieldPath": "size",
                        "foreignFieldPath": "version",
                        "foreignEntityName": "keepers",
                        "as": "k",
                    }
                }
            ]
        },
    ),
    "change": ("PUT", f"/data/things/{13:024x}", {"body": {"title": "new"}}),
    "trail of a change": ("GET", f"/data/things/{13:024x}/auditLogs", {}),
    "trail of all": ("GET", "/data/things/auditLogs", {}),
    "past": ("GET", f"/data/things/{13:024x}", {"query": (("_version", "0"),)}),
    "refused change": ("PUT", f"/data/things/{13:024x}", {"body": {"stage": "nonsense"}}),
    "deletion": ("DELETE", f"/data/things/{13:024x}", {}),
    "deletions": ("DELETE", "/data/things", {"query": (("_all", "true"),)}),
    "trail of deletions": ("GET", "/data/things/auditLogs", {"query": (("eventTypes", "USER_RECORD_DELETED"),)}),
}


@pytest.mark.parametrize("caller", ["blind", "half"])
async def test_nothing_hidden_is_shown_whatever_is_done(twins, caller):
    await twins.fill(ONE, OTHER)
    for name, (method, path, more) in SHOWN.items():
        one, other = await twins.ask(caller, method, path, **more)
        assert _without_ids(one) == _without_ids(other), name
        await twins.one.running.outbox.settle()
        await twins.other.running.outbox.settle()


def _without_ids(answer):
    """Rows of the trail have ids of their own in each database."""
    status, body, headers = answer
    return (
        status,
        re.sub(rb'"(id|offset)":"6[0-9a-f]{23}"', b"", body),
        {k: v for k, v in headers.items() if k != "content-length"},
    )


WRITES = {
    "hidden": ({"secret": "GUESS"}, {"blind": {400}, "half": {200}}),
    "by alias": ({"formerSecret": "GUESS"}, {"blind": {400}, "half": {200}}),
    "in a group": ({"contact": {"phone": "GUESS"}}, {"blind": {400}, "half": {200}}),
    "found by what is hidden": ({"keeper": {"pin": "GUESS"}}, {"blind": {400}, "half": {400}}),
    "found by any text": ({"keeper": "GUESS1"}, {"blind": {400}, "half": {400}}),
}


@pytest.mark.parametrize("caller", ["blind", "half"])
@pytest.mark.parametrize("write", WRITES)
async def test_writing_tells_nothing_of_what_is_hidden(twins, caller, write):
    await twins.fill(ONE, OTHER)
    body, statuses = WRITES[write]
    probes = [
        *writing(body)(),
        *(
            ("PUT", f"/data/things/{13:024x}", {"body": _filled(body, guess)})
            for guess in ("mango13", "quince13", "mango1", "quince1", "mango")
        ),
    ]
    assert await differing(twins, caller, probes) == (0, statuses[caller])
    for world in (twins.one, twins.other):
        document = world.raw["things"].find_one({"title": "thing 13"})
        assert document["secret"] in ("mango13", "quince14")
