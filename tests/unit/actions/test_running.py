"""Actions and listeners as a whole: preconditions, parameters, answers, and which events are whose."""

import pytest

from engine.actions import Run
from engine.actions.parameters import NO_RECORD, NeedsRecord
from engine.errors import BadRequest, ValidationErrors
from engine.fields.base import MISSING
from engine.permissions import FULL_ACCESS
from engine.records import Asker, Moment, Uploader
from engine.records.references import stand_in
from tests.unit.actions.conftest import NOW

DAY = 24 * 3_600_000
MOMENT = Moment(NOW)


def problems_of(caught):
    return [(problem.field, problem.code) for problem in caught.value.problems]


def parsed(bench, body, act="act"):
    parameters = bench.things.behaviour.actions[act].parameters
    draft = parameters.parse(body)
    stand_in(draft, {})
    return parameters, draft


def test_a_precondition_that_does_not_hold_is_said_by_the_label(workbench):
    bench = workbench("act: {label: Close it, precondition: {state: open}, steps: [{set: {state: closed}}]}")
    assert bench.run().record["state"] == "closed"
    with pytest.raises(BadRequest, match=r"^Close it cannot be done: its precondition does not hold"):
        bench.run(state="closed")


def test_a_precondition_comes_before_the_parameters(workbench):
    bench = workbench(
        "act: {precondition: {state: open}, parameters: {n: {type: integer, required: true}}, respond: name}"
    )
    with pytest.raises(BadRequest, match="precondition"):
        bench.run(state="closed")
    with pytest.raises(ValidationErrors):
        bench.run()


def test_parameters_keep_the_rules_of_fields(workbench):
    bench = workbench("""
act:
  parameters:
    name: {type: text, required: true}
    size: {type: integer, max: 3}
    why:  {type: text, required: params.size > 1}
    tag:  {type: text, default: x}
    sum:  {type: integer, defaultExpression: size + record.size}
  respond: "[params.name, params.size, params.tag, params.sum]"
""")
    assert bench.run(params={"name": "a", "size": 1, "tag": None}).plan.response == ["a", 1, "x", 6]
    with pytest.raises(ValidationErrors) as caught:
        bench.run(params={"size": 9, "other": 1, "tag": 5})
    assert problems_of(caught) == [
        ("name", "required"),
        ("size", "invalid"),
        ("why", "required"),
        ("tag", "invalid"),
        ("other", "invalidStructure"),
    ]


def test_what_is_said_of_parameters_names_them_else_fields_of_the_record(workbench):
    bench = workbench("""
act:
  parameters:
    size:  {type: integer}
    twice: {type: integer, defaultExpression: double + size}
    why:   {type: text, required: "name == 'b'"}
    part:  {type: nested, fields: {n: {type: integer, defaultExpression: parent.size + record.size}}}
  respond: "[params.size, params.twice, params.part.n]"
""")
    assert bench.run(params={"size": 1, "part": {}}).plan.response == [1, 11, 6]
    with pytest.raises(ValidationErrors) as caught:
        bench.run(params={"size": 1}, name="b")
    assert problems_of(caught) == [("why", "required")]


@pytest.mark.parametrize(
    ("respond", "answer"),
    [
        ("large", "12345678901234567890"),
        ("record.large", "12345678901234567890"),
        ("params.big", "1000"),
        ("{'big': large, 'all': [large, size], 'one': {'more': large}}", None),
        ("large + 1", 12345678901234567891),
        ("params.parts", [{"n": "5"}, {"n": None}]),
        ("params.parts.n", ["5"]),
        ("params.parts[0].n", "5"),
        ("place.city", "Rome"),
        ("rows.count", [1, 2, 3]),
        ("owner", None),
    ],
)
def test_fields_are_answered_in_the_form_of_their_type(workbench, respond, answer):
    bench = workbench(f"""
act:
  parameters:
    big: {{type: bigNumber}}
    parts: {{type: nested, many: true, fields: {{n: {{type: bigNumber}}}}}}
  respond: "{respond}"
""")
    params = {"big": "1e3", "parts": [{"n": "5"}, {}]}
    found = bench.run(params=params, large="12345678901234567890").plan.response
    if respond.startswith("{"):
        large = "12345678901234567890"
        answer = {"big": large, "all": [large, 5], "one": {"more": large}}
    if respond == "params.parts":
        found = [{"n": one["n"]} for one in found]
    if respond == "params.parts.n":
        found = [one for one in found if one is not None]
    assert found == answer


def test_groups_of_parameters_have_their_labels(workbench):
    bench = workbench("""
act:
  parameters:
    part: {type: nested, label: The part, fields: {n: {type: integer}}}
    rows: {type: nested, many: true, recordLabel: "{n} of {parent.part.n} in {record.name}", fields: {n: {type: integer}}}
  respond: "[params.part.label, params.rows[0].label]"
""")
    found = bench.run(params={"part": {"n": 3}, "rows": [{"n": 1}]}).plan.response
    assert found == ["The part", "1 of 3 in a"]


@pytest.mark.parametrize("body", [[], "x", None, 5])
def test_a_body_that_is_no_object_is_a_bad_request(workbench, body):
    bench = workbench("act: {parameters: {n: {type: integer}}, respond: name}")
    with pytest.raises(BadRequest, match="must be a JSON object"):
        parsed(bench, body)


def test_checks_of_parameters_see_the_record_by_its_bare_names(workbench):
    bench = workbench(
        """
act:
  parameters: {size: {type: integer}}
  validations: [{check: params.size > size, field: params.size, code: tooSmall, message: Must grow}]
  respond: name
""".replace("field: params.size, ", "")
    )
    assert bench.run(params={"size": 6}).plan.response == "a"
    with pytest.raises(ValidationErrors) as caught:
        bench.run(params={"size": 5})
    (problem,) = caught.value.problems
    assert (problem.code, problem.message) == ("tooSmall", "Must grow")


def test_what_is_wrong_whatever_the_record_is_told_without_one(workbench):
    bench = workbench("""
act:
  parameters: {n: {type: integer, max: 3}, m: {type: integer, required: record.size > 3}}
  respond: name
two:
  parameters: {n: {type: integer, max: 3}}
  respond: name
""")
    parameters, draft = parsed(bench, {"n": 9}, "two")
    with pytest.raises(ValidationErrors):
        parameters.check_alone(draft, MOMENT)
    parameters.check_alone(parsed(bench, {"n": 1}, "two")[1], MOMENT)
    parameters, draft = parsed(bench, {"n": 1})
    parameters.check_alone(draft, MOMENT)


@pytest.mark.parametrize("look", [lambda: NO_RECORD["x"], lambda: list(NO_RECORD), lambda: len(NO_RECORD)])
def test_a_record_that_is_not_known_cannot_be_looked_at(look):
    with pytest.raises(NeedsRecord):
        look()


def test_one_draft_serves_many_records(workbench):
    bench = workbench("act: {parameters: {n: {type: integer, required: record.size > 5}}, respond: name}")
    parameters, draft = parsed(bench, {})
    for size, wrong in ((9, True), (1, False), (9, True)):
        record = bench.record(size=size).record
        params, own = parameters.fill(draft, record, MOMENT)
        if wrong:
            with pytest.raises(ValidationErrors):
                parameters.check(own, params, record, MOMENT)
        else:
            parameters.check(own, params, record, MOMENT)


def test_conditions_of_relationships_know_the_clock(workbench):
    bench = workbench("""
act:
  parameters:
    after: {type: date}
    other: {type: relationship, entity: things, where: {due: next day}}
  respond: params.other.label
""")
    parameters = bench.things.behaviour.actions["act"].parameters
    tomorrow, later = ({"name": "T", "due": day} for day in ("2023-11-15", "2023-11-16"))
    asker = Asker(lambda name: FULL_ACCESS, Uploader(anybody=True))
    for body, fits in ((tomorrow, True), (later, False)):
        target = bench.record(**body).document
        draft = parameters.parse({"other": str(target["_id"])})
        ((choice, lookup),) = parameters.references.plan_lookups(draft, asker)
        choice.answer(lookup, [target], draft)
        params, own = parameters.fill(draft, None, MOMENT)
        if fits:
            parameters.check(own, params, None, MOMENT)
        else:
            with pytest.raises(ValidationErrors) as caught:
                parameters.check(own, params, None, MOMENT)
            assert [problem.field for problem in caught.value.problems] == ["other"]


def test_parameters_are_told_in_the_forms_of_their_types(workbench):
    bench = workbench("""
act:
  parameters:
    n: {type: money}
    day: {type: date}
    days: {type: date, many: true}
    place: {type: nested, fields: {city: {type: text}, at: {type: dateTime}}}
    who: {type: relationship, entity: people}
  respond: name
""")
    key = "1" * 24
    body = {"n": "1.50", "days": ["2024-02-29"], "place": {"at": NOW}, "who": {"id": key}}
    parameters, draft = parsed(bench, body)
    params, _ = parameters.fill(draft, None, MOMENT)
    told = parameters.render(params)
    assert (str(told["n"]), told["day"], told["days"]) == ("1.50", None, ["2024-02-29"])
    assert (told["place"]["city"], told["place"]["at"]) == (None, NOW)
    assert told["who"]["id"] == key


def test_parameters_are_saved_to_the_fields_of_their_names(workbench):
    bench = workbench("""
act:
  saveLinked: true
  parameters: {size: {type: integer}, name: {type: text}, tags: {type: text, many: true}, other: {type: text}}
  steps: [{set: {name: "{name}!"}}]
""")
    outcome = bench.run(params={"size": 9, "other": "x"})
    assert outcome.plan.linked == {"size": 9}
    assert outcome.plan.patch["name"] == "a!"
    assert bench.run(params={"tags": None}).plan.linked == {"tags": []}
    assert bench.run(params={"other": "x"}).plan.linked is None


def test_only_respond_answers_with_a_value(workbench):
    bench = workbench("""
act: {respond: "'done'"}
silent: {steps: [{set: {name: b}}]}
everything: {type: global, respond: "'all'"}
""")
    assert bench.run().plan.response == "done"
    assert bench.run("silent").plan.response is MISSING
    actions = bench.things.behaviour.actions
    assert {name: action.answers for name, action in actions.items()} == {
        "act": True,
        "silent": False,
        "everything": True,
    }


def test_actions_that_speak_to_other_systems_are_known_through_those_that_they_run(workbench):
    bench = workbench("""
calling: {steps: [{call: {url: "https://example.com"}}]}
outer: {steps: [{action: {name: calling}}]}
silent: {steps: [{log: {message: x}}]}
""")
    calls = {name: action.calls() for name, action in bench.things.behaviour.actions.items()}
    assert calls == {"calling": True, "outer": True, "silent": False}


def test_an_answer_that_cannot_be_computed_is_told_by_the_action(workbench):
    with pytest.raises(BadRequest, match=r"^act could not be carried out: "):
        workbench("act: {respond: size + name}").run()


LISTENERS = """
grown: {on: [changed, action.act], when: size > 3, steps: [{set: {state: closed}}, {log: {message: "{old.size} to {size}"}}]}
met:   {on: [conditionMet], from: [user, system], when: size > 3, steps: [{set: {state: closed}}]}
all:   {on: [changed, created], steps: [{set: {name: b}}]}
"""


@pytest.fixture
def listening(workbench):
    return workbench("act: {respond: name}", LISTENERS)


def heard(bench, event, origin):
    return [(one.event, one.listener.name) for one in bench.things.behaviour.listeners.hearing(event, origin)]


def test_events_reach_those_that_listen_to_them_in_their_order(listening):
    assert heard(listening, "changed", "user") == [("changed", "things.grown"), ("changed", "things.all")]
    assert heard(listening, "created", "script") == [("created", "things.all")]
    assert heard(listening, "action.act", "user") == [("action.act", "things.grown")]
    assert heard(listening, "changed", "system") == []
    assert heard(listening, "conditionMet", "system") == [("conditionMet", "things.met")]
    assert heard(listening, "deleted", "user") == []


def test_listeners_are_found_by_name(listening):
    table = listening.things.behaviour.listeners
    assert table.named("met").name == "things.met"
    assert table.named("other") is None


@pytest.mark.parametrize(
    ("name", "event", "size", "old", "concerned"),
    [
        ("all", "changed", 1, 1, True),
        ("grown", "changed", 5, 4, True),
        ("grown", "changed", 2, 9, False),
        ("met", "conditionMet", 5, 4, False),
        ("met", "conditionMet", 5, 2, True),
        ("met", "conditionMet", 2, 5, False),
        ("met", "conditionMet", 5, None, True),
    ],
)
def test_listeners_judge_what_happened(listening, name, event, size, old, concerned):
    listener = listening.things.behaviour.listeners.named(name)
    before = None if old is None else listening.record(size=old).record
    assert listener.concerns(event, listening.record(size=size).record, before, MOMENT) is concerned


def planned(listener, record, old=None):
    planning = listener.plan(record, old, MOMENT)
    with pytest.raises(StopIteration) as end:
        next(planning)
    return end.value.value


def test_a_listener_plans_like_an_action_without_an_answer(listening):
    listener = listening.things.behaviour.listeners.named("grown")
    plan = planned(listener, listening.record(size=9).record, listening.record(size=2).record)
    assert (plan.patch, plan.linked, plan.response, plan.performed) == ({"state": "closed"}, None, MISSING, ())
    assert [effect.message for effect in plan.effects] == ["2 to 9"]


def test_a_condition_that_cannot_be_computed_is_told_by_the_listener(workbench):
    bench = workbench("act: {respond: name}", "bad: {on: [changed], when: size + name > 1, steps: [{set: {name: b}}]}")
    with pytest.raises(BadRequest, match=r"^things\.bad could not be carried out: "):
        bench.things.behaviour.listeners.named("bad").concerns("changed", bench.record().record, None, MOMENT)


def test_a_listener_may_be_a_function(workbench, monkeypatch):
    from engine.definitions import Sources

    real = Sources.__init__
    hooks = {"hooks.py": "async def work(ctx): ...\n"}
    monkeypatch.setattr(
        Sources, "__init__", lambda self, root, files, problems=(): real(self, root, files | hooks, problems)
    )
    bench = workbench("act: {respond: name}", "told: {on: [deleted], run: work}")
    plan = planned(bench.things.behaviour.listeners.named("told"), bench.record().record)
    assert plan.effects == (Run("work", {}),)
