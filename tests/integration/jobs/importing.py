"""An app to import into, and short ways to do so over HTTP."""

import contextlib
import csv
import io

from engine.compiler import compile_app
from engine.definitions import Sources
from server.runtime import records
from server.runtime.jobs.stored import LOGS
from server.runtime.running import SYSTEM
from server.store.indexes import reconcile_indexes
from tests.integration.jobs.test_job_life import wait_for

SHOP = {
    "app.yaml": "name: shop\n",
    "entities/companies.yaml": """
label: Companies
recordLabel: "{name}"
auditLogs: true
fields:
  name: {type: text, label: Company, required: true, unique: true, aliases: [title]}
  taxId: {type: text, unique: true, lookup: true}
  kind: {type: choice, options: {a: Kind A, b: Kind B}}
  size: {type: integer, min: 0, max: 100}
  stage: {type: text, default: fresh}
  share: {type: percentage}
  double: {type: integer, calculated: size * 2}
  number: {type: autoIncrement}
  secret: {type: text}
  region: {type: text}
  locked: {type: text, write: "region == 'open'"}
  notes: {type: longText}
  hint: {type: text, transient: true}
  told: {type: text, calculated: hint}
  tags: {type: text, many: true}
  address: {type: nested, label: Home, fields: {city: {type: text}, zip: {type: text}}}
  rooms: {type: nested, many: true, fields: {size: {type: integer}}}
  contacts: {type: integer, calculated: {aggregate: {entity: contacts, where: {company.id: $record.id}}}}
listeners:
  witness:
    on: [created]
    from: [user, script, system]
    steps:
      - create: {entity: witnesses, values: {name: "{name}"}}
  refuse:
    on: [created, changed]
    from: [user, script, system]
    when: name == 'bad'
    steps:
      - fail: {code: tooBad, message: No bad companies}
""",
    "entities/contacts.yaml": """
label: Contacts
recordLabel: "{first} {last}"
fields:
  first: {type: text}
  last: {type: text}
  email: {type: email, unique: true}
  company: {type: relationship, entity: companies, copy: [kind]}
  backup: {type: relationship, entity: companies, label: Second}
  friends: {type: relationship, entity: contacts, many: true}
""",
    "entities/witnesses.yaml": "label: Witnesses\nrecordLabel: '{name}'\nfields: {name: {type: text}}\n",
    "groups/clerks.yaml": """
label: Clerks
entities:
  companies:
    read: {region: north}
    create: {region: north}
    update: {region: north}
    delete: {region: north}
    import: true
    fields: {secret: none, stage: readOnly}
  contacts: {read: always, create: always, update: always, import: true}
api: {data: true, jobs: true, readFiles: true}
""",
    "groups/lookers.yaml": "label: L\nentities: {companies: {read: always, create: always}}\napi: {data: true}\n",
    "groups/idle.yaml": "label: I\nentities: {companies: {read: always, import: true}}\napi: {data: true}\n",
}
COMPILED = compile_app(Sources(".", SHOP))


async def prepare(office):
    """The indexes without which nothing is unique."""
    await reconcile_indexes(office.store, office.running.compiled.indexes)
    return office


def table(*rows):
    """Rows as CSV."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


async def send(office, entity, data, query="", caller=SYSTEM, fields=None, name="rows.csv"):
    """The answer to an import."""
    async with office.client(caller) as client:
        return await client.post(
            f"/data/{entity}/import{query and '?' + query}", files={"file": (name, data, "text/csv")}, data=fields or {}
        )


async def imported(office, entity, data, query="", caller=SYSTEM, **options):
    """The job of an import that ends."""
    answer = await send(office, entity, data, query, caller, **options)
    assert answer.status_code == 200, answer.text
    return await ended(office, answer.json()["jobId"], caller)


async def ended(office, job_id, caller=SYSTEM):
    async with office.client(caller) as client, office.worker():
        return await wait_for(client, f"/api/status/jobs/{job_id}", "FINISHED")


async def stored(office, entity, **wanted):
    """What is stored, in the order of ids."""
    await office.running.outbox.settle()
    return await office.store.find(entity, wanted, sort=[("_id", 1)])


async def refused_rows(office, job):
    """The file of refused rows of a job."""
    data = b"".join([chunk async for chunk in office.store.files.read(job["results"]["errorsFileId"])])
    return list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))


async def make(office, entity, **body):
    return await records.create_record(office.running, SYSTEM, entity, body)


async def log_of(office, job):
    return [line["message"] for line in await office.store.find(LOGS, {"job": job.id}, sort=[("_id", 1)])]


@contextlib.contextmanager
def without_transactions(office):
    office.store.transactions = False
    try:
        yield
    finally:
        office.store.transactions = True
