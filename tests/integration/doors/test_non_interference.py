"""What a caller may not see changes nothing that they get: two databases that differ there alone answer with equal bytes.

Hypothesis draws the caller, the records, how the two differ, what happened before, and what is asked. The one thing
that the product may tell is that a unique value is taken, so hidden unique values are none that callers write. Fields
that an author computes over all records of an entity are hidden from those who do not see all of these.
"""

import os
import re
from collections import Counter
from dataclasses import dataclass

import pytest
import pytest_asyncio
from bson import ObjectId
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from server.runtime import records
from server.runtime.running import SYSTEM
from tests.integration.doors.twins import make, open_twins, record_id

pytestmark = pytest.mark.asyncio(loop_scope="session")

FULL = os.environ.get("CASTWORK_DOORS") == "full"
EXAMPLES = int(os.environ.get("CASTWORK_EXAMPLES", "300" if FULL else "25"))
PROPERTY = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=not FULL,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
counted = Counter()

KEEPERS = (1, 2, 3)
THINGS = (11, 12, 13, 14)
FOREIGN_KEEPERS = (31, 32)
FOREIGN_THINGS = (41, 42, 43)
TITLES = ("ant", "bee", "bee hive", "Cow", "")
HUSHES = ("mango", "quince", "ant", "")
NUMBERS = (0, 1, 7, 300, 600, -4)

# records: what everybody sees of them is drawn once, what some do not see once for each of the two

keepers_seen = st.fixed_dictionaries({"name": st.sampled_from(TITLES)})
things_seen = st.fixed_dictionaries(
    {
        "title": st.sampled_from(TITLES),
        "stage": st.sampled_from(["open", "won"]),
        "size": st.sampled_from(NUMBERS) | st.none(),
        "keeper": st.sampled_from(KEEPERS) | st.none(),
        "keepers": st.lists(st.sampled_from(KEEPERS), max_size=2, unique=True),
        "email": st.sampled_from(["e", "f"]),
        "items": st.lists(st.sampled_from(["nut", "bolt"]), max_size=2),
    }
)


def things_hidden(texts, numbers):
    """Hidden values out of pools that the two databases do not share, so that they differ wherever they may."""
    return st.fixed_dictionaries(
        {
            "secret": st.sampled_from(texts),
            "salary": st.sampled_from(numbers),
            "latitude": st.sampled_from([abs(number) % 80 for number in numbers]),
            "boss": st.sampled_from(KEEPERS) | st.none(),
            "phone": st.sampled_from(texts),
            "price": st.sampled_from(numbers),
        }
    )


@dataclass(frozen=True)
class Difference:
    """What one of the two databases holds where the caller does not see it."""

    keepers: dict
    """Pins of keepers by number."""
    things: dict
    """Hidden values of things by number."""
    foreign: dict
    """Whole things of others, by number, as pairs of what is seen and what is hidden."""
    deleted: frozenset
    """Those of them that were deleted before anything is asked."""
    later: str
    """What a hidden field was changed to before."""


def differences(texts, numbers, later):
    hidden = things_hidden(texts, numbers)
    return st.builds(
        Difference,
        keepers=st.fixed_dictionaries({number: st.sampled_from(["x", "y", "z"]) for number in KEEPERS}),
        things=st.fixed_dictionaries(dict.fromkeys(THINGS, hidden)),
        foreign=st.fixed_dictionaries({}, optional=dict.fromkeys(FOREIGN_THINGS, st.tuples(things_seen, hidden))),
        deleted=st.frozensets(st.sampled_from(FOREIGN_THINGS), max_size=2),
        later=st.just(later),
    )


# requests

FIELDS = (
    *("title", "stage", "size", "keeper", "keeper.id", "keeper.pin", "keepers.label", "label", "id", "version"),
    *("secret", "formerSecret", "salary", "loud", "double", "boss", "contact.email", "contact.phone", "contact.label"),
    *("contact.telephone", "lines.item", "lines.price", "lines.label", "nonsense"),
)
VALUES = (
    *("bee", "like(e)", "like(/^b)", "mango", "greater(1)", "less(300)", "notEquals(bee)", "empty()", "notEmpty()"),
    *("won", "between(0,400)", "keeper", "7", "greater(", record_id(1), record_id(31)),
)
HIDDEN_TEXTS = ("secret", "formerSecret", "loud", "label", "contact.phone", "contact.label", "keeper.pin")
HIDDEN_NUMBERS = ("salary", "double", "lines.price")
fields = st.sampled_from(FIELDS)
filters = st.one_of(
    st.tuples(fields, st.sampled_from(VALUES)),
    st.tuples(st.sampled_from(["title", "size", "stage", "keeper", "lines.item"]), st.sampled_from(VALUES)),
    st.tuples(st.sampled_from(HIDDEN_TEXTS), st.sampled_from(["mango", "like(a)", "less(n)", "notEmpty()"])),
    st.tuples(st.sampled_from(HIDDEN_NUMBERS), st.sampled_from(["greater(5)", "less(100)", "300", "600"])),
)
names = st.lists(fields, min_size=1, max_size=3).map(",".join)
relationships = st.sampled_from(["keeper", "keepers", "keeper,keepers", "boss", "title"])
parameters = st.one_of(
    filters,
    filters,
    st.tuples(st.just("_sortField"), fields | fields.map("-{}".format)),
    st.tuples(st.just("_sortType"), st.sampled_from(["asc", "desc"])),
    st.tuples(st.just("_fields"), names),
    st.tuples(st.just("_size"), st.sampled_from(["1", "2", "0"])),
    st.tuples(st.just("_offset"), st.sampled_from(["1", "2", record_id(12), record_id(42)])),
    st.tuples(st.just("_relationshipsToFetch"), relationships),
    st.tuples(st.just("_format"), st.sampled_from(["plainText", "native"])),
    st.tuples(st.just("_total"), st.just("false")),
    st.tuples(
        st.just("_query"),
        st.builds(
            "{}(filter('{}','{}'),filter('{}','{}'))".format,
            st.sampled_from(["and", "or"]),
            fields,
            st.sampled_from(VALUES),
            fields,
            st.sampled_from(VALUES),
        ),
    ),
)
queries = st.lists(parameters, max_size=3, unique_by=lambda pair: pair[0]).map(tuple)
entities = st.sampled_from(["things", "things", "keepers"])
target = st.sampled_from([*THINGS, *KEEPERS, *FOREIGN_KEEPERS, *FOREIGN_THINGS, 99, "new 0", "new 1"])
targets = st.tuples(target)
some_targets = st.lists(target, min_size=2, max_size=3).map(tuple)
stages = st.one_of(
    filters.map(lambda pair: {"match": dict([pair])}),
    st.builds(lambda by, of: {"group": {"by": by, "n": "count()", "x": f"sum({of})"}}, fields, fields),
    st.builds(lambda of, how: {"group": {"x": f"{how}({of})"}}, fields, st.sampled_from(["min", "max", "avg", "push"])),
    names.map(lambda found: {"project": found}),
    fields.map(lambda name: {"sort": {name: "asc"}}),
    st.sampled_from(["lines", "keepers", "title"]).map(lambda name: {"unwind": {"fieldPath": name}}),
    st.sampled_from([1, 2]).map(lambda count: {"limit": count}),
    st.builds(
        lambda local, foreign, entity: {
            "lookup": {
                "localFieldPath": local,
                "foreignFieldPath": foreign,
                "foreignEntityName": entity,
                "as": "found",
            }
        },
        fields,
        st.sampled_from(["id", "title", "name", "pin", "secret", "owner", "keeper.id"]),
        entities,
    ),
)
references = st.sampled_from(
    [
        *({"id": record_id(number)} for number in (*KEEPERS, *FOREIGN_KEEPERS, 99)),
        *({"pin": f"{pin}{number}"} for pin in "xyz" for number in (1, 31)),
        *("ant", "bee", "foreign keeper 31", "x1", "y1"),
        None,
    ]
)
of_things = st.fixed_dictionaries(
    {},
    optional={
        "title": st.sampled_from([*TITLES, 5]),
        "size": st.sampled_from([*NUMBERS, "7"]),
        "stage": st.sampled_from(["won", "nonsense"]),  # who sees open things whole may not open others
        "owner": st.sampled_from(["me", "you"]),
        "keeper": references,
        "keepers": st.lists(references, max_size=2),
        "contact": st.sampled_from([{"email": "g"}, {"email": 5}, {"phone": "mango"}, None]),
        "lines": st.sampled_from([[], [{"item": "nut"}], [{"item": "nut", "price": 3}], [{"id": "f" * 24}]]),
        "secret": st.sampled_from([*HUSHES, 5]),
        "salary": st.sampled_from([*NUMBERS, "much"]),
        "boss": references,
        "version": st.sampled_from([0, 1, 9]),
        "label": st.just("mine"),
        "nonsense": st.just(1),
    },
)
of_keepers = st.fixed_dictionaries(
    {},
    optional={
        "name": st.sampled_from([*TITLES, 5]),
        "owner": st.sampled_from(["me", "you"]),
        "pin": st.sampled_from(["a", "b", 5]),
        "version": st.sampled_from([0, 9]),
    },
)


@dataclass(frozen=True)
class Asked:
    """One request; targets stand in the path as numbers of records, or as `new 0` for the first that was made."""

    method: str
    path: str
    ids: tuple = ()
    query: tuple = ()
    body: object = None


nothing = st.just(())


def asking(method, path, *, ids=nothing, query=nothing, body=None):
    """Requests to things and keepers; bodies may depend on which."""
    return entities.flatmap(
        lambda entity: st.builds(
            Asked,
            st.just(method),
            st.just(path.format(entity=entity)),
            ids,
            query,
            body[entity] if isinstance(body, dict) else st.none() if body is None else body,
        )
    )


BODIES = {"things": of_things, "keepers": of_keepers}
pasts = st.sampled_from([(("_version", "0"),), (("_version", "1"),), (("_asOf", "9000000000000"),), (("_asOf", "1"),)])
trails = st.sampled_from(
    [(), (("eventTypes", "USER_RECORD_DELETED"),), (("_size", "1"),), (("from", "9000000000000"),), (("to", "x"),)]
)
requests = st.one_of(
    asking("GET", "/data/{entity}", query=queries),
    asking("GET", "/data/{entity}", query=queries),
    asking("PUT", "/data/{entity}/aggregate", body=st.lists(stages, max_size=3)),
    asking("PUT", "/data/{entity}/aggregate", body=st.lists(stages, max_size=3)),
    asking("GET", "/data/{entity}/@", ids=targets, query=queries),
    asking("GET", "/data/{entity}/@", ids=targets, query=pasts),
    asking("PUT", "/data/{entity}/@", ids=targets, body=BODIES),
    asking("PUT", "/data/{entity}/@", ids=targets, body=BODIES),
    asking("POST", "/data/{entity}", body=BODIES),
    asking("DELETE", "/data/{entity}/@", ids=targets),
    asking("DELETE", "/data/{entity}/@", ids=some_targets),
    asking("DELETE", "/data/{entity}", query=st.lists(filters, max_size=1).map(tuple)),
    asking("PUT", "/data/{entity}/@/revert", ids=targets, query=st.sampled_from([(("to", "0"),), (("to", "1"),)])),
    asking("GET", "/data/{entity}/@/auditLogs", ids=targets),
    asking("GET", "/data/{entity}/auditLogs", query=trails),
    asking("PUT", "/data/{entity}/@/rise", ids=targets, body=st.sampled_from([{}, {"by": 2}, {"by": "x"}])),
    asking("PUT", "/data/{entity}/@/rise", ids=some_targets, body=st.just({})),
    asking("PUT", "/data/{entity}/rise", query=st.lists(filters, max_size=1).map(tuple), body=st.just({})),
    asking("PUT", "/data/{entity}/tally", query=st.lists(filters, max_size=1).map(tuple), body=st.just({})),
    asking("PUT", "/data/{entity}/@/choose", ids=targets, body=st.builds(lambda to: {"keeper": to}, references)),
)

# the two databases


def database(caller, keepers, things, difference, like=None):
    """The documents by entity. Callers of the group `own` see all of their records and none of others; the rest see
    something of every record, `half` all of open things."""
    before = {document["_id"]: document for entity in (like or {}).values() for document in entity}
    own = caller == "own"
    made_keepers = {
        number: make(
            "keepers", number, {**seen, "owner": "me", "pin": f"{'own' if own else difference.keepers[number]}{number}"}
        )
        for number, seen in keepers.items()
    }
    made_things = []
    for number, seen in things.items():
        fixed = own or (caller == "half" and seen["stage"] == "open")
        hidden = things_of_all[number] if fixed else difference.things[number]
        known = before.get(ObjectId(record_id(number)))
        made_things.append(_thing(number, seen, hidden, "me", made_keepers, known))
    if own:
        for number, (seen, hidden) in difference.foreign.items():
            made_things.append(_thing(number, seen, hidden, "you", made_keepers, None))
        for number in FOREIGN_KEEPERS[: len(difference.foreign)]:
            pin = f"{difference.keepers[1]}{number}"
            values = {"name": f"foreign keeper {number}", "owner": "you", "pin": pin}
            made_keepers[number] = make("keepers", number, values)
    return {"keepers": list(made_keepers.values()), "things": made_things}


things_of_all = {
    number: {"secret": f"hush{number}", "salary": number, "latitude": 5, "boss": 1, "phone": "p", "price": number}
    for number in THINGS
}


def _thing(number, seen, hidden, owner, keepers, like):
    values = {
        "title": seen["title"],
        "stage": seen["stage"],
        "size": seen["size"],
        "owner": owner,
        "secret": hidden["secret"],
        "salary": hidden["salary"],
        "spot": {"latitude": hidden["latitude"], "longitude": 1},
        "contact": {"email": seen["email"], "phone": hidden["phone"]},
        "lines": [{"item": item, "price": hidden["price"]} for item in seen["items"]],
    }
    pointing = {"keepers": [keepers[one] for one in seen["keepers"]]}
    for name, one in (("keeper", seen["keeper"]), ("boss", hidden["boss"])):
        if one is not None:
            pointing[name] = keepers[one]
    return make("things", number, values, pointing, like)


async def live_on(world, caller, difference):
    """What happened before anything is asked: where the caller does not see it, or does not see what it was."""
    if caller == "own":
        for number in sorted(difference.deleted & difference.foreign.keys()):
            await records.update_record(world.running, SYSTEM, "things", record_id(number), {"title": "gone soon"})
            await records.delete_record(world.running, SYSTEM, "things", record_id(number))
    else:
        [document] = await world.running.store.find("things", {"_id": ObjectId(record_id(THINGS[0]))})
        if caller == "blind" or document["stage"] == "won":
            await records.update_record(
                world.running, SYSTEM, "things", record_id(THINGS[0]), {"secret": difference.later}
            )
    await world.running.outbox.settle()


class Asker:
    """Asks one of the two, and gives ids that the server made the numbers in which they appear."""

    def __init__(self, world, caller):
        self._world = world
        self._caller = caller
        self._made = []
        self._numbers = {}

    async def ask(self, asked):
        path = asked.path.replace("@", ",".join(self._id(one) for one in asked.ids))
        answer = await self._world.ask(self._caller, asked.method, path, query=asked.query, body=asked.body)
        if asked.method == "POST" and answer.status == 200:
            self._made.append(answer.json["id"])
        await self._world.running.outbox.settle()
        status, body, headers = answer.without_request_id()
        return status, re.sub(rb"[0-9a-f]{24}", self._number, body), headers

    def _id(self, target):
        if isinstance(target, int):
            return record_id(target)
        place = int(target.split()[1])
        return self._made[place] if place < len(self._made) else record_id(98)

    def _number(self, found):
        text = found.group()
        if text.startswith(b"0" * 16):
            return text
        return b"#%d" % self._numbers.setdefault(text, len(self._numbers))


@pytest.fixture(scope="module", autouse=True)
def told(print_at_end):
    """Prints how much was tried."""
    yield
    print_at_end(
        f"{counted['examples']} pairs of databases, {counted['requests']} requests answered alike, "
        f"{counted['200']} of them with 200"
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def twins(database_uri):
    found = await open_twins(database_uri)
    yield found
    await found.close()


@PROPERTY
@given(
    caller=st.sampled_from(["blind", "half", "own"]),
    keepers=st.fixed_dictionaries(dict.fromkeys(KEEPERS, keepers_seen)),
    things=st.fixed_dictionaries(dict.fromkeys(THINGS, things_seen)),
    one=differences(("mango", "ant", ""), (0, 7, 300), "later one"),
    other=differences(("quince", "plum 7", "bee"), (600, -4, 12), "later other"),
    asked=st.lists(requests, min_size=8, max_size=12),
)
async def test_what_is_not_seen_changes_no_answer(twins, caller, keepers, things, one, other, asked):
    first = database(caller, keepers, things, one)
    await twins.fill(first, database(caller, keepers, things, other, first))
    await live_on(twins.one, caller, one)
    await live_on(twins.other, caller, other)
    counted["examples"] += 1
    left, right = Asker(twins.one, caller), Asker(twins.other, caller)
    for number, request in enumerate(asked):
        answer, twin = await left.ask(request), await right.ask(request)
        counted["requests"] += 1
        counted[str(answer[0])] += 1
        assert answer[0] < 500, f"{caller}: {request}: {answer}"
        assert answer == twin, f"{caller}: {request}, after {asked[:number]}: {answer} and {twin}"


async def test_who_sees_everything_tells_the_two_apart(twins):
    """Without this the property could hold because the two never differ."""
    keepers = {number: {"name": "ant"} for number in KEEPERS}
    seen = {"title": "bee", "stage": "won", "size": 1, "keeper": 1, "keepers": [1], "email": "e", "items": ["nut"]}
    things = dict.fromkeys(THINGS, seen)
    hidden = {"secret": "mango", "salary": 300, "latitude": 1, "boss": 1, "phone": "mango", "price": 7}
    pins = dict.fromkeys(KEEPERS, "x")
    one = Difference(pins, dict.fromkeys(THINGS, hidden), {41: (seen, hidden)}, frozenset(), "later one")
    for name, value in (
        ("secret", "plum"),
        ("salary", 7),
        ("boss", 2),
        ("phone", "plum"),
        ("price", 1),
        ("latitude", 9),
    ):
        other = Difference(pins, {key: {**hidden, name: value} for key in THINGS}, {}, frozenset(), "later one")
        first = database("blind", keepers, things, one)
        await twins.fill(first, database("blind", keepers, things, other, first))
        for method, path, body in (
            ("GET", "/data/things", None),
            ("GET", f"/data/things/{record_id(12)}", None),
            ("PUT", "/data/things/aggregate", []),
        ):
            answer, twin = await twins.ask("all", method, path, body=body)
            assert answer != twin, name
    first = database("own", keepers, things, one)
    await twins.fill(first, database("own", keepers, things, other, first))
    answer, twin = await twins.ask("all", "GET", "/data/things")
    assert answer != twin
