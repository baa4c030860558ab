"""An entity with one action made of some steps, run without any database."""

from dataclasses import dataclass

import pytest

from engine.compiler import build_app
from engine.definitions import Sources, resolve_app
from engine.permissions import FULL_ACCESS
from engine.records import Moment

NOW = 1_700_000_000_000
FIELDS = """
recordLabel: name
fields:
  name:     {type: text, required: true}
  state:    {type: choice, options: [open, closed], default: open}
  size:     {type: integer}
  double:   {type: integer, calculated: size * 2}
  price:    {type: money}
  due:      {type: date}
  at:       {type: dateTime}
  large:    {type: bigNumber}
  tags:     {type: text, many: true}
  place:    {type: nested, fields: {city: {type: text}, zip: {type: text}, codes: {type: integer, many: true}}}
  rows:     {type: nested, many: true, fields: {city: {type: text}, count: {type: integer}}, recordLabel: city}
  owner:    {type: relationship, entity: people}
  friends:  {type: relationship, entity: people, many: true}
"""
PEOPLE = "fields:\n  name: {type: text}\n  age: {type: integer}\n  home: {type: nested, fields: {city: {type: text}}}\n"
RECORD = {
    "name": "a",
    "size": 5,
    "tags": ["x", "y"],
    "place": {"city": "Rome", "zip": "1"},
    "rows": [{"city": "A", "count": 1}, {"city": "B", "count": 2}, {"city": "A", "count": 3}],
}


@dataclass
class Outcome:
    plan: object
    record: dict
    calls: list
    before: dict


@dataclass
class Workbench:
    app: object

    @property
    def things(self):
        return self.app.entities["things"]

    def record(self, **values):
        draft = self.things.rules.parse({**RECORD, **values}, FULL_ACCESS, new=True)
        return self.things.rules.plan_create(draft, Moment(NOW), FULL_ACCESS, {})

    def run(self, act="act", params=None, user=None, **values):
        """The plan of an action on the record, the record as it would be saved, and the calls on the way."""
        created = self.record(**values)
        action = self.things.behaviour.actions[act]
        draft = action.parameters.parse(params or {})
        moment = Moment(NOW + 1, "UTC", user)
        planning, calls = action.plan(created.record, draft, moment), []
        try:
            while True:
                calls.append(next(planning))
        except StopIteration as end:
            plan = end.value
        change = self.things.rules.parse(plan.patch, FULL_ACCESS, new=False)
        assert not change.problems
        assert not change.unknown
        from engine.records.references import stand_in

        stand_in(change, {})
        written = self.things.rules.plan_update(created.document, change, moment, FULL_ACCESS)
        return Outcome(plan, written.record, calls, created.record)


def below(key, text):
    """A block of YAML under its key."""
    lines = text.strip("\n").splitlines()
    return "\n".join([f"{key}:", *("  " + line for line in lines)]) + "\n" if lines else ""


@pytest.fixture
def workbench():
    def make(actions, listeners=""):
        """Things with these actions and listeners, as YAML below those keys."""
        texts = {
            "app.yaml": "name: shop\n",
            "entities/things.yaml": FIELDS + below("actions", actions) + below("listeners", listeners),
            "entities/people.yaml": PEOPLE,
        }
        return Workbench(build_app(resolve_app(Sources("shop", texts))))

    return make


@pytest.fixture
def steps(workbench):
    """A workbench whose action `act` takes some steps."""

    def make(*written, keys=""):
        lines = "\n".join(f"    - {step}" for step in written)
        return workbench(f"act:\n{keys}  steps:\n{lines}\n")

    return make
