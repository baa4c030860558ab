"""What bodies may change: nothing but the fields that rights let them, on records that are the caller's before and after."""

import asyncio
import os
from collections import Counter

import pytest
import pytest_asyncio
from bson import ObjectId
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from server.runtime import records
from server.runtime.running import SYSTEM
from tests.integration.doors.twins import make, open_twins, record_id
from tests.integration.doors.world import FOREIGN

pytestmark = pytest.mark.asyncio(loop_scope="session")

FULL = os.environ.get("CASTWORK_DOORS") == "full"


def property_of(examples, full):
    return settings(
        max_examples=full if FULL else examples,
        deadline=None,
        derandomize=not FULL,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.reuse, Phase.generate],
    )


counted = Counter()


@pytest.fixture(scope="module", autouse=True)
def told(print_at_end):
    """Prints how much was tried."""
    yield
    print_at_end(
        f"{counted['bodies']} bodies with more than may be written, {counted['taken']} of them taken in part; "
        f"{counted['steps']} steps between owners, {counted['refused']} of them refused"
    )


# mass assignment

VALUES = st.sampled_from(["forged", "", None, 7, True, [], {}, ["forged"], {"phone": "forged"}, {"id": "f" * 24}])
PARTS = st.fixed_dictionaries(
    {}, optional={"email": st.just("forged"), "phone": VALUES, "label": VALUES, "id": VALUES}
) | st.dictionaries(st.sampled_from(["email", "telephone", "_id", "version", "nonsense"]), VALUES, max_size=2)
LINES = st.lists(
    st.fixed_dictionaries({"item": st.just("forged")}, optional={"price": VALUES, "label": VALUES, "id": VALUES}),
    max_size=2,
)
KNOWN_NAMES = st.fixed_dictionaries(
    {},
    optional={
        "title": st.sampled_from(["forged", "other"]),
        "amount": st.sampled_from([8, 9]),
        "secret": VALUES,
        "loud": VALUES,
        "contact": PARTS,
        "lines": LINES,
        "plan": st.sampled_from(["basic", None]),
        "place": st.sampled_from([{"latitude": 3, "longitude": 4}, None]),
        "id": VALUES,
        "label": VALUES,
    },
)
OTHER_NAMES = st.dictionaries(
    st.sampled_from(
        [
            *("_id", "version", "createdBy", "tenant", "__proto__", "__class__", "$set", "_outbox", "_revision", "sys"),
            *("contact.phone", "lines.0.price", "secret.", "Secret", "formerSecret", "account.code", "owner.id"),
        ]
    ),
    VALUES,
    min_size=1,
    max_size=2,
)
SUPERSETS = KNOWN_NAMES | KNOWN_NAMES | st.builds(lambda known, other: {**known, **other}, KNOWN_NAMES, OTHER_NAMES)
WRITABLE = {
    "reader": frozenset(),
    "readonly": frozenset({"title", "amount", "contact.email", "lines", "plan", "place"}),
}
WRITABLE["hidden"] = WRITABLE["partly"] = WRITABLE["readonly"]
"""What bodies of this kind may change of a won deal; the label follows from the title."""
MADE_OF = {"title": {"label"}, "contact.email": {"contact.label"}}


def leaves(document):
    """What a document holds, by dotted path; groups in lists as their visible and their restricted part."""
    found = {}
    for name, value in document.items():
        if name == "contact":
            found |= {f"contact.{part}": inner for part, inner in value.items()}
        elif name == "lines":
            found["lines"] = [line["item"] for line in value]
            found["lines.price"] = {line["id"]: line["price"] for line in value}
        else:
            found[name] = value
    return found


def check_changed(before, after, caller):
    old, new = leaves(before), leaves(after)
    prices, old_prices = new.pop("lines.price", {}), old.pop("lines.price", {})
    assert all(price == old_prices.get(key) for key, price in prices.items())
    changed = {name for name in old.keys() | new.keys() if old.get(name) != new.get(name)}
    made = {made for name in changed for made in MADE_OF.get(name, ())}
    assert changed - made - WRITABLE[caller] <= {"version"}
    assert after["version"] - before["version"] == bool(changed)


@property_of(40, 1_300)
@given(caller=st.sampled_from(sorted(WRITABLE)), body=SUPERSETS)
async def test_a_body_changes_nothing_but_what_it_may(telling, caller, body):
    world = telling
    if not counted["bodies"]:
        await world.reset()
    counted["bodies"] += 1
    key = ObjectId(world.target(caller, "deals", FOREIGN))
    before = (await world.stored())["deals"][key]
    answer = await world.ask(caller, "PUT", f"/data/deals/{key}", body=body)
    found = await world.stored()
    after = found["deals"][key]
    counted["taken"] += answer.status == 200
    assert answer.status in (200, 400, 403, 409), answer
    if answer.status != 200:
        assert after == before
    check_changed(before, after, caller)
    await world.restore(found)


@property_of(25, 700)
@given(caller=st.sampled_from(["readonly", "hidden", "reader"]), body=SUPERSETS)
async def test_a_new_record_holds_nothing_but_what_its_body_may_say(telling, caller, body):
    world = telling
    if not counted["bodies"]:
        await world.reset()
    counted["bodies"] += 1
    answer = await world.ask(caller, "POST", "/data/deals", body={"title": "new", **body})
    found = await world.stored()
    made = found["deals"].keys() - world.kept["deals"].keys()
    counted["taken"] += answer.status == 200
    assert answer.status in (200, 400, 403), answer
    assert len(made) == (answer.status == 200)
    for key in made:
        document = found["deals"][key]
        kept = next(iter(world.kept["deals"].values()))
        assert document.keys() == kept.keys()
        assert str(key) != body.get("id")
        assert (document["version"], document["secret"], document["loud"]) == (0, None, None)
        assert document["contact"]["phone"] is None
        assert all(line["price"] is None for line in document["lines"])
    await world.restore(found)


# owners

MINE, YOURS = (1, 2), (3, 4)
OWNERS = st.sampled_from(["me", "you", "", None, "ME", ["me"], {"equals": "me"}])
RECORDS = st.sampled_from([*MINE, *YOURS, 9])
STEPS = st.one_of(
    st.tuples(st.just("change"), RECORDS, st.fixed_dictionaries({"owner": OWNERS})),
    st.tuples(st.just("change"), RECORDS, st.fixed_dictionaries({"owner": OWNERS, "name": st.just("x")})),
    st.tuples(st.just("change"), RECORDS, st.fixed_dictionaries({"name": st.sampled_from(["x", "y"])})),
    st.tuples(st.just("make"), st.none(), st.fixed_dictionaries({"name": st.just("n")}, optional={"owner": OWNERS})),
    st.tuples(st.just("delete"), RECORDS, st.none()),
    st.tuples(st.just("delete all"), st.none(), st.none()),
    st.tuples(st.just("somebody else changes"), RECORDS, st.sampled_from(["me", "you"])),
)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def owned(database_uri):
    """A world whose callers may do everything to what is theirs, and nothing to what is not."""
    found = await open_twins(database_uri)
    yield found
    await found.close()


@property_of(12, 300)
@given(steps=st.lists(STEPS, min_size=6, max_size=12))
async def test_nothing_is_taken_over_and_nothing_given_away(owned, steps):
    """The old and the new record are both asked, whatever the way; the bookkeeping knows nothing but owners."""
    keepers = [
        make("keepers", number, {"name": "k", "owner": "me" if number in MINE else "you"}) for number in (1, 2, 3, 4)
    ]
    await owned.fill({"keepers": keepers}, {})
    world, owners = owned.one, {record_id(number): "me" if number in MINE else "you" for number in (1, 2, 3, 4)}
    for step, number, body in steps:
        key = None if number is None else record_id(number)
        mine = owners.get(key) == "me"
        counted["steps"] += 1
        match step:
            case "change":
                stays = body.get("owner", "me") == "me"
                answer = await world.ask("own", "PUT", f"/data/keepers/{key}", body=body)
                malformed = isinstance(body.get("owner"), list | dict)
                expected = 404 if not mine else 400 if malformed else 200 if stays else 403
            case "make":
                answer = await world.ask("own", "POST", "/data/keepers", body=body)
                malformed = isinstance(body.get("owner"), list | dict)
                expected = 400 if malformed else 200 if body.get("owner") == "me" else 403
                if answer.status == 200:
                    owners[answer.json["id"]] = "me"
            case "delete":
                answer = await world.ask("own", "DELETE", f"/data/keepers/{key}")
                expected = 200 if mine else 404
                if mine:
                    del owners[key]
            case "delete all":
                answer = await world.ask("own", "DELETE", "/data/keepers", query=(("_all", "true"),))
                expected = 200
                owners = {one: owner for one, owner in owners.items() if owner != "me"}
            case _:
                if key not in owners:
                    continue
                await records.update_record(world.running, SYSTEM, "keepers", key, {"owner": body})
                owners[key] = body
                continue
        counted["refused"] += answer.status != 200
        assert answer.status == expected, f"{step} {number} {body}: {answer}"
        await world.running.outbox.settle()
        found = await asyncio.to_thread(lambda: {str(one["_id"]): one["owner"] for one in world.raw["keepers"].find()})
        assert found == owners
