"""What coverage promises: where every rule was exercised, no rule can be turned around without an example failing."""

from pathlib import Path

from engine.compiler import build_app
from engine.definitions import KnownFiles, Sources, read_sources
from engine.definitions.examples import load_examples
from engine.definitions.load import load_definitions
from engine.definitions.resolve import resolve_definitions
from engine.examples.rights import Trials
from tests.every import every

NOW = 1_700_000_000_000
CRM = read_sources(Path(__file__).parents[3] / "app_definitions" / "crm").files
SALES, READERS = "groups/sales.yaml", "groups/readers.yaml"
TURNED = [
    (SALES, "read: always\n    create", "read: never\n    create"),
    (SALES, "read: always\n    create", "read: {state: pending}\n    create"),
    (SALES, "create: {state: pending}", "create: always"),
    (SALES, "create: {state: pending}", "create: never"),
    (SALES, "update: {state: [pending, active]}", "update: always"),
    (SALES, "update: {state: [pending, active]}", "update: {state: pending}"),
    (SALES, "updateTo: {state: [pending, active, archived]}", "updateTo: always"),
    (SALES, "updateTo: {state: [pending, active, archived]}", "updateTo: {state: [pending, active]}"),
    (SALES, "delete: never", "delete: always"),
    (SALES, "auditLogs: always", "auditLogs: never"),
    (SALES, "import: true", "import: false"),
    (SALES, "export: true", "export: false"),
    (SALES, "taxId: none", "taxId: readOnly"),
    (SALES, "rating: readOnly", "rating: readWrite"),
    (SALES, "rating: readOnly", "rating: none"),
    (SALES, "{read: always, write: {state: pending}}", "{read: always, write: always}"),
    (SALES, "{read: always, write: {state: pending}}", "{read: always, write: never}"),
    (SALES, "{read: always, write: {state: pending}}", "{read: never, write: never}"),
    (SALES, "activate: always", "activate: never"),
    (SALES, "logSomething: {state: active}", "logSomething: always"),
    (SALES, "logSomething: {state: active}", "logSomething: never"),
    (SALES, "read: {owner.id: $user.id}", "read: always"),
    (SALES, "create: always\n    update", "create: never\n    update"),
    (SALES, "update: {owner.id: $user.id}", "update: always"),
    (SALES, "update: {owner.id: $user.id}", "update: never"),
    (READERS, "companies: {read: always", "companies: {read: never"),
    (READERS, "contacts:  {read: always", "contacts: {read: never"),
    (READERS, "companies: {read: always, export: true}", "companies: {read: always}"),
    (READERS, "contacts:  {read: always, export: true}", "contacts: {read: always}"),
]


KNOWN = KnownFiles()
EXAMPLES = [example for file in load_examples(Sources("crm", CRM)) for example in file.permissions]


def failed(files):
    """How many examples fail, and what none of them exercises; laws on definitions are not asked here."""
    app = resolve_definitions(load_definitions(Sources("crm", files), KNOWN)).app
    trials = Trials(build_app(app), NOW)
    outcomes = [trials.run(example) for example in EXAMPLES]
    return sum(bool(outcome.failures) for outcome in outcomes), trials.coverage.missing()


def test_the_examples_of_the_sample_app_exercise_every_rule():
    assert failed(CRM) == (0, ())


@every(("file", "rule", "turned"), TURNED)
def test_no_rule_can_be_turned_around_unnoticed(file, rule, turned):
    assert rule in CRM[file]
    assert failed({**CRM, file: CRM[file].replace(rule, turned, 1)})[0] > 0
