"""Any pipeline gives the same items from the database as by its meaning, whatever the schema, the records and the rights."""

import json
import os
from decimal import Decimal
from functools import partial
from random import Random

import pytest
from bson import ObjectId
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from engine.aggregate import ACCUMULATORS, STAGES, parse_pipeline, plan_aggregate, render_items, to_pipeline
from engine.compiler import compile_app
from engine.definitions import Sources
from engine.errors import BadRequest, Forbidden, RequestError
from engine.indexes import plan_indexes
from engine.permissions import FULL_ACCESS, Access
from engine.query import ALWAYS, Clock, parse_filter_map, plan_filter
from engine.records import Frame, Moment
from engine.records.forms import build_storer
from server.http.responses import encode_json
from tests.properties import reference_aggregates as reference
from tests.properties.embedded import running_database

PIPELINES = 12
RECORDS = 9
EXAMPLES = int(os.environ.get("CASTWORK_EXAMPLES", "40"))
THOROUGH = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # the message names all that matters: nothing to shrink
)
NOW = Clock(1_795_284_040_432, "UTC")
IDS = {
    name: [f"{start + number:024x}" for number in range(RECORDS)] for name, start in (("things", 1), ("others", 256))
}

SCALARS = {
    "text": ({}, ["a", "b", "A", "ab", "é", "Zoë", "$a", "0"]),
    "integer": ({}, [-3, 0, 1, 2, 5, 7, 2**62, -(2**63), 2**63 - 1]),
    "decimal": ({}, [Decimal(text) for text in ("0", "1", "1.0", "1.5", "-0.25", "2", "3.10", "12345678901234567.5")]),
    "bigNumber": ({}, [Decimal(text) for text in ("12345678901234567890123", "0.5", "-7", "1")]),
    "percentage": ({}, [Decimal(text) for text in ("0.5", "0.05", "1", "0.3333")]),
    "duration": ({}, [0, 1, 60_000, 86_400_000]),
    "boolean": ({}, [True, False]),
    "choice": ({"options": ["new", "open", "done"]}, ["new", "open", "done"]),
    "date": ({}, ["2026-11-20", "2026-11-21", "0001-01-01", "9999-12-31"]),
    "dateTime": ({}, [0, 1, 1_795_284_040_432, -(10**12)]),
    "phone": ({}, ["7028459380", "1112223333", "17028459380"]),
    "html": ({}, ["<p>b</p>", "<p>a <b>b</b></p>", "é"]),
}
"""Options of the definition, and the values that fields hold."""
PLACES = [
    {"latitude": latitude, "longitude": longitude}
    for latitude, longitude in ((1, 2), (Decimal("1.5"), 2), (-80, 179), (0, 0), (40, -3))
]
LABELS = ["Ann", "Bob", "Cy", "Zoë"]


def points_to(entity, **more):
    return {"type": "relationship", "entity": entity, **more}


def group_of(*, many=False, **fields):
    return {"type": "nested", "many": many, "fields": fields}


TEXT, TEXTS, WHOLE, NUMBER, YES = (
    {"type": "text"},
    {"type": "text", "many": True},
    {"type": "integer"},
    {"type": "decimal"},
    {"type": "boolean"},
)
OTHERS = {
    "name": TEXT,
    "amount": WHOLE,
    "price": NUMBER,
    "on": YES,
    "back": points_to("things"),
    "backs": points_to("things", many=True),
    "codes": TEXTS,
    "marks": group_of(many=True, code=TEXT, rate=NUMBER, to=points_to("things")),
}
COPIED = ["amount", "price"]
POOL = {
    "owner": points_to("others", copy=COPIED),
    "crew": points_to("others", many=True, copy=COPIED),
    "place": {"type": "geoPoint"},
    "rows": group_of(many=True, code=TEXT, n=WHOLE, on=YES, tags=TEXTS, who=points_to("others")),
    "box": group_of(
        code=TEXT, n=NUMBER, on=YES, tags=TEXTS, inner=group_of(day={"type": "date"}, who=points_to("others"))
    ),
}
FIELD_NAMES = "abcdef"
NEW_NAMES = st.sampled_from(["total", "n1", "Sum", "label", "x", "found", "2020", "a", "name"])


# Schemas and records


@st.composite
def definitions(draw):
    found = {name: POOL[name] for name in draw(st.lists(st.sampled_from(sorted(POOL)), unique=True))}
    for name in draw(st.lists(st.sampled_from(FIELD_NAMES), min_size=3, unique=True)):
        kind = draw(st.sampled_from(sorted(SCALARS)))
        found[name] = {"type": kind, **SCALARS[kind][0]}
        if kind != "boolean" and draw(st.integers(0, 3)) == 0:
            found[name]["many"] = True
    return found


def app_of(things):
    files = {
        f"entities/{name}.yaml": json.dumps({"label": name, "fields": fields})
        for name, fields in (("things", things), ("others", OTHERS))
    }
    return compile_app(Sources("shop", {"app.yaml": "name: shop", **files}))


def values(random, item):
    """A value of a field; booleans and single groups always have one, as the product writes them."""
    if item.many:
        return [one_value(random, item) for _ in range(random.randint(0, 3))]
    may_be_unset = item.type.name not in ("nested", "boolean")
    return None if may_be_unset and random.random() < 0.3 else one_value(random, item)


def one_value(random, item):
    if item.type.name in SCALARS:
        return random.choice(SCALARS[item.type.name][1])
    if item.type.name == "geoPoint":
        return random.choice(PLACES)
    key = random.choice(IDS[item.reference.entity][:5]) if item.reference else str(ObjectId(random.randbytes(12)))
    known = {"id": key, "label": random.choice(LABELS)}
    return {**known, **{one.name: values(random, one) for one in item.fields if one.name not in known}}


def record_of(random, entity, record_id):
    record = {"id": record_id, "version": random.randint(0, 3), "label": random.choice(LABELS)}
    record.update((item.name, values(random, item)) for item in entity.fields)
    return record


def with_gaps(stored, random):
    """The same document as another program may have left it: nulls and empty lists may be missing."""
    if isinstance(stored, dict):
        kept = {key: value for key, value in stored.items() if value not in (None, []) or random.random() < 0.6}
        return {key: with_gaps(value, random) for key, value in kept.items()}
    return [with_gaps(one, random) for one in stored] if isinstance(stored, list) else stored


# Pipelines, stage by stage: what can come next depends on what the stages before leave


def paths_in(spec, prefix="", above=()):
    """Every path with the specs walked through; parts of references and ids of groups are among them."""
    for name, one in spec.items():
        here = (*above, one)
        yield f"{prefix}{name}", here
        yield from paths_in(one.fields, f"{prefix}{name}.", here)


def is_single(specs):
    return not any(one.many for one in specs)


def single_paths(state, kinds):
    return [path for path, specs in paths_in(state.spec) if specs[-1].kind in kinds and is_single(specs)]


def list_paths(state, kinds=None):
    """Lists that do not lie in lists."""
    return [
        path
        for path, specs in paths_in(state.spec)
        if specs[-1].many and is_single(specs[:-1]) and (kinds is None or specs[-1].kind in kinds)
    ]


@st.composite
def comparisons(draw, path, specs):
    """A value of a filter map for one path."""
    kind = specs[-1].kind
    if kind == "id":
        known = IDS["things"]
    elif kind == "reference" or (kind, path.rpartition(".")[2]) == ("text", "label"):
        known = LABELS
    elif kind == "integer" and draw(st.booleans()):
        known = [0, 1, 2, 5, 9]
    else:
        known = SCALARS[kind][1]
    chosen = draw(st.lists(st.sampled_from(known), min_size=2, max_size=2))
    written = [reference.visible(one) if kind == "html" else str(one) for one in chosen]
    if kind == "boolean":
        written = [one.lower() for one in written]
    operators = ["equals", "any"] + ["notEquals"] * (kind not in ("bigNumber", "id"))
    operators += ["greater", "lessOrEquals", "between"] * (kind in reference.ORDERED)
    operators += ["empty", "notEmpty"] * (kind not in ("boolean", "id") and is_single(specs))
    operator = draw(st.sampled_from(operators))
    if operator in ("equals", "any"):
        return written[0] if operator == "equals" else written
    arguments = {"between": ",".join(written), "empty": "", "notEmpty": ""}
    return f"{operator}({arguments.get(operator, written[0])})"


@st.composite
def filters(draw, spec, depth=0):
    usable = [(path, specs) for path, specs in paths_in(spec) if specs[-1].kind in {*SCALARS, "reference", "id"}]
    found = {}
    for _ in range(draw(st.integers(1, 2))):
        if depth == 0 and draw(st.integers(0, 4)) == 0:
            found["_or"] = draw(filters(spec, 1))
        elif usable:
            path, specs = draw(st.sampled_from(usable))
            found[path] = draw(comparisons(path, specs))
    return found


@st.composite
def matches(draw, world, state):
    return draw(filters(state.spec)) or None


@st.composite
def sorts(draw, world, state):
    usable = single_paths(state, reference.COMPARABLE)
    paths = draw(st.lists(st.sampled_from(usable), min_size=1, max_size=3, unique=True)) if usable else []
    parts = {f"{path}.label" for path in paths}  # a reference is sorted by its label
    return {path: draw(st.sampled_from(["asc", "desc"])) for path in paths if path not in parts} or None


@st.composite
def windows(draw, world, state):
    return draw(st.integers(1, 6)) if state.ordered else None


@st.composite
def projects(draw, world, state):
    usable = [path for path, _ in paths_in(state.spec)]
    return ", ".join(draw(st.lists(st.sampled_from(usable), min_size=1, max_size=4)))


@st.composite
def counts(draw, world, state):
    return draw(NEW_NAMES)


@st.composite
def unwinds(draw, world, state):
    usable = list_paths(state)
    if not usable or len(state.items) > 200:
        return None
    found = {"fieldPath": draw(st.sampled_from(usable))}
    return {**found, "includeEmpty": draw(st.booleans())} if draw(st.booleans()) else found


JOINED = [{"id", "reference"}, {"id", "reference"}, reference.NUMBERS, {"text", "phone", "choice", "date"}]
"""Kinds of which values may be equal."""


@st.composite
def lookups(draw, world, state):
    entity, name, kinds = draw(st.sampled_from(sorted(world.specs))), draw(NEW_NAMES), draw(st.sampled_from(JOINED))
    local = [path for path, specs in paths_in(state.spec) if specs[-1].kind in kinds]
    foreign = [path for path, specs in paths_in(world.specs[entity]) if specs[-1].kind in kinds]
    if not local or not foreign or name in state.spec or name in FIELD_NAMES or len(state.items) > 60:
        return None
    return {
        "localFieldPath": draw(st.sampled_from(local)),
        "foreignFieldPath": draw(st.sampled_from(foreign)),
        "foreignEntityName": entity,
        "as": name,
    }


READ = {
    "sum": reference.NUMBERS,
    "avg": reference.NUMBERS,
    "min": reference.EXTREMES,
    "max": reference.EXTREMES,
    "countDistinct": reference.COMPARABLE,
    "first": reference.SHOWN,
    "last": reference.SHOWN,
    "push": reference.SHOWN,
}
"""Kinds that accumulators take."""


@st.composite
def groups(draw, world, state):
    usable = single_paths(state, reference.COMPARABLE)
    by = draw(st.lists(st.sampled_from(usable), max_size=3, unique=True)) if usable else []
    by = [path for path in by if not any(path.startswith(f"{other}.") for other in by)]
    found = {"by": ",".join(by)} if by else {}
    for name in draw(st.lists(NEW_NAMES, min_size=not by, max_size=4, unique=True)):
        function = draw(st.sampled_from(sorted(ACCUMULATORS)))
        if function in ("first", "last", "push") and not state.ordered:
            function = "count"
        paths = single_paths(state, READ.get(function, set()))
        if function in ("first", "last"):
            paths += list_paths(state, READ[function])
        if name not in {path.split(".")[0] for path in by} and (paths or function == "count"):
            found[name] = f"{function}({draw(st.sampled_from(paths)) if paths else ''})"
    return found or None


@st.composite
def geo_nears(draw, world, state):
    if "place" not in state.spec:
        return None
    optional = {
        "includeLocs": st.just("found"),
        "maxDistance": st.sampled_from([100_000, 5_000_000]),
        "minDistance": st.sampled_from([10, 50_000]),
        "distanceMultiplier": st.just(Decimal("0.001")),
    }
    needed = {"coordinates": st.sampled_from(PLACES), "distanceField": st.just("total"), "key": st.just("place")}
    return draw(st.fixed_dictionaries(needed, optional=optional))


ARGUMENTS = {
    "match": matches,
    "sort": sorts,
    "project": projects,
    "group": groups,
    "count": counts,
    "skip": windows,
    "limit": windows,
    "unwind": unwinds,
    "lookup": lookups,
    "geoNear": geo_nears,
}
OFTEN = ["match", "match", "sort", "sort", "sort", "project", "group", "group", "group", "skip", "limit", "limit"]
OFTEN += ["unwind", "unwind", "unwind", "lookup", "lookup"]


@st.composite
def pipelines(draw, world):
    """A pipeline and the state that it ends in."""
    state = world.start("things")
    found = []
    for number in range(draw(st.integers(1, 6))):
        name = draw(st.sampled_from([*OFTEN, *(["geoNear"] * 3 if number == 0 else ["count"])]))
        argument = draw(ARGUMENTS[name](world, state))
        if argument is not None:
            found.append({name: argument})
            state = reference.apply(world, state, found[-1])
    return found, state


class Case:
    """Pipelines with the states that they end in, and all that they run on; messages show what matters of it."""

    def __init__(self, app, records, rights, random, asked):
        self.app, self.records, self.rights, self.random, self.asked = app, records, rights, random, asked

    def __repr__(self):
        return f"Case({len(self.asked)} pipelines)"


@st.composite
def cases(draw):
    things = draw(definitions())
    app = app_of(things)
    random = Random(draw(st.integers(0, 2**32)))
    others = reference.spec_of(OTHERS, {})
    specs = {"others": others, "things": reference.spec_of(things, {name: others[name] for name in COPIED})}
    records, rights, seen, visible = {}, {}, {}, {}
    for name, fields in specs.items():
        entity, spec = app.entities[name].entity, {**reference.RECORD, **fields}
        records[name] = [record_of(random, entity, one) for one in IDS[name][: draw(st.integers(0, RECORDS))]]
        hidden = draw(st.sets(st.sampled_from(sorted(fields)), max_size=1))
        rows = draw(filters(spec)) if draw(st.booleans()) else {}
        condition = plan_filter(entity, parse_filter_map(rows)) if rows else ALWAYS
        rights[name] = Access(read=condition, hidden=frozenset(hidden))
        whole = reference.State(spec, records[name])
        visible[name] = [record for record in records[name] if reference.holds(whole, record, rows)]
        seen[name] = {field: one for field, one in spec.items() if field not in hidden}
    world = reference.World(seen, visible)
    asked = draw(st.lists(pipelines(world), min_size=PIPELINES, max_size=PIPELINES))
    return Case(app, records, rights, random, asked)


# The database


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    with running_database(tmp_path_factory.mktemp("database")) as found:
        yield found


def fill(database, case):
    """Collections as a running app has them, with its indexes."""
    for name, records in case.records.items():
        database.drop_collection(name)
        for plan in plan_indexes(case.app.app):
            if plan.collection == name:
                database[name].create_index(list(plan.keys), name=plan.name)
        store = build_storer(case.app.entities[name].entity)
        if records:
            database[name].insert_many([with_gaps(store(record), case.random) for record in records])


def ask(database, case, pipeline):
    """The items of an answer as a client decodes them, and the pipeline that was sent."""
    compiled = case.app.entities["things"]
    plan = plan_aggregate(case.app.app, compiled.entity, parse_pipeline(pipeline), case.rights.__getitem__, NOW)
    sent = to_pipeline(plan)
    documents = list(database["things"].aggregate(sent))
    view = compiled.views.get(Frame(hidden=case.rights["things"].hidden))
    page = render_items(plan, documents, lambda document: view.render(document, Moment(NOW.now).scope))
    decoded = json.loads(encode_json(page), parse_float=Decimal)
    assert decoded["total"] == len(decoded["items"])
    return decoded["items"], sent


@given(cases())
@THOROUGH
def test_items_are_what_the_pipeline_means(database, case):
    fill(database, case)
    for pipeline, state in case.asked:
        try:
            found, sent = ask(database, case, pipeline)
        except RequestError as error:
            raise AssertionError(f"{pipeline}: {error.message}") from error
        assert operators(sent) <= ALLOWED
        spec = reference.Spec("item", fields=state.spec)
        expected = reference.answer(state)
        if not state.ordered:
            key = partial(reference.sort_key, spec)
            expected, found = sorted(expected, key=key), sorted(found, key=key)
        agree = len(expected) == len(found) and all(map(partial(reference.same, spec), expected, found))
        assert agree, f"{pipeline}\n{sent}\nexpected {expected}\nfound    {found}"


ALLOWED = {
    *("$match", "$sort", "$project", "$group", "$skip", "$limit", "$unwind", "$lookup", "$geoNear"),
    *("$set", "$facet", "$replaceWith", "$mergeObjects", "$arrayElemAt", "$literal"),
    *("$sum", "$avg", "$min", "$max", "$first", "$last", "$addToSet", "$firstN"),
    *("$ifNull", "$cond", "$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$not", "$or", "$and", "$expr"),
    *("$convert", "$size", "$setDifference", "$setIntersection", "$filter", "$map", "$reduce", "$concatArrays"),
    *("$elemMatch", "$exists", "$regex", "$geoWithin", "$centerSphere"),
}


def operators(sent):
    """Every key of a pipeline that is an operator."""
    if isinstance(sent, dict):
        return {key for key in sent if key.startswith("$")}.union(*map(operators, sent.values()))
    return set().union(*map(operators, sent)) if isinstance(sent, (list, tuple)) else set()


def test_every_stage_and_accumulator_is_drawn():
    assert ARGUMENTS.keys() == STAGES.keys() == reference.STAGES.keys()
    assert {*READ, "count"} == ACCUMULATORS.keys() == reference.ACCUMULATORS.keys()


# Whatever a body holds


APP = app_of(
    {**POOL, **{name: {"type": kind, **SCALARS[kind][0]} for name, kind in zip("abcdef", SCALARS, strict=False)}}
)
WORDS = [
    *(
        "$where",
        "$function",
        "$out",
        "$$ROOT",
        "$a",
        "",
        "a",
        "b",
        "owner",
        "rows.code",
        "id",
        "_id",
        "place",
        "things",
    ),
    *("by", "fieldPath", "localFieldPath", "foreignFieldPath", "foreignEntityName", "as", "coordinates", "key", "_or"),
    *("distanceField", "latitude", "sum(b)", "count()", "first($a)", "asc", "a,b", "like(/a/)", "between(1,2)", "x.y"),
]
SCALAR_JSON = (
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.decimals(allow_nan=False) | st.text(max_size=8)
)
ANY_JSON = st.recursive(
    st.sampled_from(WORDS) | SCALAR_JSON,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*WORDS, *STAGES]), inner, max_size=4),
    max_leaves=12,
)
BODIES = ANY_JSON | st.lists(
    st.dictionaries(st.sampled_from(sorted(STAGES)), ANY_JSON, min_size=1, max_size=1), max_size=5
)


@given(BODIES)
@settings(max_examples=EXAMPLES * 25, deadline=None)
def test_any_body_gives_a_harmless_pipeline_or_a_refusal(body):
    try:
        plan = plan_aggregate(
            APP.app, APP.entities["things"].entity, parse_pipeline(body), lambda name: FULL_ACCESS, NOW
        )
    except (BadRequest, Forbidden):
        return
    assert operators(to_pipeline(plan)) <= ALLOWED
