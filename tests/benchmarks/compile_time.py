"""How long an app of 200 entities with 20 fields each takes from text to a compiled app: `make bench`."""

import argparse
import gc
import time

from engine.compiler import compile_app
from engine.definitions import Sources

FIELDS = """\
  name: {type: text, required: true, unique: true, maxLength: 80}
  state: {type: choice, options: {open: Open, done: Done}, default: open}
  amount: {type: money, min: 0}
  count: {type: integer, min: 0, max: 1000}
  ratio: {type: percentage}
  active: {type: boolean, default: true}
  due: {type: date}
  started: {type: dateTime}
  code: {type: text, pattern: '[A-Z]{3}-[0-9]+'}
  notes: {type: longText}
  email: {type: email}
  phone: {type: phone}
  homepage: {type: url}
  tags: {type: text, many: true}
  total: {type: integer, calculated: "count * 2"}
  title: {type: text, calculated: "{name} ({state})"}
  parent: {type: relationship, entity: %(other)s, copy: [name]}
  address: {type: nested, fields: {street: {type: text}, city: {type: text}, zip: {type: text}}}
  created: {type: dateRecordCreated}
  updated: {type: dateRecordModified}
"""


def entity(index: int, entities: int) -> str:
    """The text of one entity; each refers to the next one."""
    fields = FIELDS % {"other": f"entity{(index + 1) % entities}"}
    return (
        f'label: Entity {index}\nrecordLabel: "{{name}}"\nfields:\n{fields}'
        "indexes:\n  - [state, due]\n"
        "validations:\n  - {check: \"state != 'done' or count is not None\", field: count, message: How many?}\n"
        "actions:\n  finish:\n    precondition: {state: open}\n    steps:\n      - set: {state: done}\n"
    )


def sources(entities: int) -> Sources:
    """An app in memory; no file is read."""
    files = {f"entities/entity{index}.yaml": entity(index, entities) for index in range(entities)}
    return Sources("bench", {"app.yaml": "name: bench\n", **files})


def main() -> None:
    """Prints the best and the median of several runs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entities", type=int, default=200)
    parser.add_argument("--runs", type=int, default=5)
    options = parser.parse_args()
    texts = sources(options.entities)
    taken = []
    for _ in range(options.runs):
        gc.collect()
        started = time.perf_counter()
        compiled = compile_app(texts)
        taken.append(time.perf_counter() - started)
    taken.sort()
    print(
        f"{options.entities} entities x 20 fields, {len(compiled.routes)} routes: "
        f"best {taken[0]:.3f} s, median {taken[len(taken) // 2]:.3f} s of {options.runs} runs"
    )


if __name__ == "__main__":
    main()
