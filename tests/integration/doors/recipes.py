"""How to knock at every door: for each operation its requests, and the rules by which each must be answered.

The rules are written from what groups are given (`RIGHTS`, `reaches`, `hides`), never from what the server answers.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bson import ObjectId

from engine.routes import Operation, Permission, Scope
from server.runtime import jobs
from server.runtime.running import Caller
from tests.integration.doors.world import (
    ANONYMOUS,
    DEVELOPER,
    FOREIGN,
    GROUPS,
    JOB,
    MISSING,
    NOW,
    OWN,
    WRONG,
)

EVERY_RIGHT = frozenset({"read", "create", "update", "delete", "auditLogs", "import", "export", "action"})
RIGHTS = {"nothing": frozenset(), "reader": frozenset({"read"}), DEVELOPER: EVERY_RIGHT | {"developer"}}
RIGHTS |= {group: EVERY_RIGHT for group in GROUPS if group not in RIGHTS}
"""On every entity of the app."""

RESTRICTED = {"deals": {"secret": "changed"}, "accounts": {"code": "changed"}, "sys.users": {"lastName": "changed"}}
"""A body with the field of each entity on which groups differ."""
HARMLESS = {"deals": {"title": "changed"}, "accounts": {"name": "changed"}, "sys.users": {"firstName": "changed"}}
AUDITED = ("deals", "sys.users")
ALL = frozenset({"deals", "accounts", "sys.users", None})
DEALS = frozenset({"deals"})
RELATED = {"deals": "account,owner,others", "accounts": "owner,deal"}
LINKED = frozenset(RELATED)
USERS = frozenset({"sys.users"})
NOBODY = "e" * 24


@dataclass(frozen=True)
class Question:
    """One cell: who knocks where, and whose record it is about. `hiding` apps do not tell hidden records from none."""

    caller: str
    entity: str | None
    which: str
    hiding: bool = False
    world: object = None

    @property
    def target(self):
        """The id of the record."""
        return self.world.target(self.caller, self.entity or "jobs", self.which)


def reaches(ask):
    """Whether a caller who may read records at all may read this one."""
    return ask.which != MISSING and not (ask.caller == "conditional" and ask.which == FOREIGN)


def hides(ask):
    """Whether the restricted field of an entity is as good as unknown to a caller."""
    return ask.caller == "hidden" or (ask.caller == "partly" and ask.entity == "accounts")


def always(status):
    return lambda ask: status


DONE = always(200)


def of_one(success=200):
    """The status of what is about one record; `success` is that of a record in reach."""

    def expected(ask):
        if not reaches(ask):
            return 404 if ask.hiding or ask.which == MISSING else 403
        return success(ask) if callable(success) else success

    return expected


def of_one_that_may_go(ask):
    """As of_one; the last active developer cannot be had out of the way."""
    last = ask.entity == "sys.users" and (ask.caller, ask.which) == (DEVELOPER, OWN)
    return of_one(409 if last else 200)(ask)


def nothing(*_):
    return None


@dataclass(frozen=True)
class Knock:
    """One request of an operation, at the path of its route. `expected` is the status, once the door itself is open.

    `ids` makes what stands in the path of the target's id; `one` knocks are about one record, which must not be told
    from a missing one where it is hidden.
    """

    name: str
    expected: Callable = DONE
    query: Callable = lambda ask: ()
    body: Callable = nothing
    rows: Callable | None = None
    """Makes the lines of a CSV file that is sent in the place of a body."""
    ids: Callable = str
    prepare: Callable | None = None
    once: bool = False
    """Whether one preparation serves all targets."""
    developers: bool = False
    changes: bool = False
    runs_job: bool = False
    one: bool = False
    entities: frozenset = ALL
    action: str | None = None


def gate(route, knock, caller):
    """The status with which a caller is stopped before any record is looked at; None lets them in."""
    if route.scope is Scope.PUBLIC:
        return None
    if caller in (ANONYMOUS, WRONG):
        return 401
    if route.permission is not Permission.NONE and route.permission.value not in RIGHTS[caller]:
        return 403
    return 403 if knock.developers and caller != DEVELOPER else None


def fixed(value):
    return lambda ask: value


def by_id(*more):
    """A query for the target, and whatever else."""
    return lambda ask: (("id", ask.target), *more)


def and_nobody(record_id):
    return f"{record_id},{NOBODY}"


LATER = (("_async", "true"),)

# the doors of records

LISTS = (
    Knock("all"),
    Knock("by id", query=by_id()),
    Knock("ascending, in plain text", query=fixed((("_sortType", "asc"), ("_format", "plainText")))),
    Knock("after one", query=lambda ask: (("_offset", ask.target),)),
    Knock("related", query=lambda ask: (("_relationshipsToFetch", RELATED[ask.entity]),), entities=LINKED),
    Knock(
        "related, in plain text",
        query=lambda ask: (("_relationshipsToFetch", RELATED[ask.entity]), ("_format", "plainText")),
        entities=LINKED,
    ),
)
READS = (
    Knock("plain", of_one(), one=True),
    Knock("in capital letters", of_one(), ids=str.upper, one=True),
    Knock("in plain text", of_one(), query=fixed((("_format", "plainText"),)), one=True),
    Knock(
        "related",
        of_one(),
        query=lambda ask: (("_relationshipsToFetch", RELATED[ask.entity]),),
        entities=LINKED,
        one=True,
    ),
)
UPDATES = (
    Knock("a field for all", of_one(), body=lambda ask: HARMLESS[ask.entity], changes=True, one=True),
    Knock("of nothing", of_one(), one=True),
    Knock(
        "a field for some",
        of_one(lambda ask: 400 if hides(ask) else 200),
        body=lambda ask: RESTRICTED[ask.entity],
        changes=True,
        one=True,
    ),
    Knock("an old version", of_one(409), body=lambda ask: {**HARMLESS[ask.entity], "version": 99}, one=True),
    Knock("an unknown field", of_one(400), body=fixed({"nonsense": 1}), one=True),
)


async def gold_plans(ask):
    """Open deals on a plan that is for open deals only."""
    await asyncio.to_thread(ask.world.raw["deals"].update_many, {}, {"$set": {"stage": "open", "plan": "gold"}})


UPDATES_OF_DEALS = (
    Knock(
        "what another field forbids",
        of_one(400),
        body=fixed({"stage": "won"}),
        prepare=gold_plans,
        one=True,
        entities=DEALS,
    ),
    Knock(
        "another owner",
        of_one(lambda ask: 400 if ask.caller == "conditional" else 200),
        body=lambda ask: {"owner": {"id": ask.world.people["alien"]}},
        changes=True,
        one=True,
        entities=LINKED,
    ),
)
DELETIONS = (
    Knock("one", of_one_that_may_go, changes=True, one=True),
    Knock("several", ids=and_nobody, changes=True),
    Knock("one later", of_one(), query=fixed(LATER), changes=True, runs_job=True, one=True),
    Knock("several later", query=fixed(LATER), ids=and_nobody, changes=True, runs_job=True, entities=DEALS),
)
DELETIONS_BY_QUERY = (
    Knock("by id", query=by_id(), changes=True),
    Knock("without a filter", always(400)),
    Knock("all", query=fixed((("_all", "true"),)), changes=True, entities=LINKED),
    Knock("later", query=by_id(*LATER), changes=True, runs_job=True, entities=DEALS),
)


def new_record(ask):
    """Of one's own, of somebody else, or of nobody that there is."""
    people = ask.world.people
    owner = {OWN: people.get(ask.caller, people["full"]), FOREIGN: people["alien"], MISSING: NOBODY}
    return {**HARMLESS[ask.entity], "owner": {"id": owner[ask.which]}}


def new_user(ask):
    status = {OWN: "INACTIVE", FOREIGN: "ACTIVE", MISSING: "ASLEEP"}[ask.which]
    return {"firstName": "New", "lastName": "Person", "email": "new@example.com", "status": status}


def creation_of_user(ask):
    """There is no such status; and a last name is needed, which some may not write."""
    if ask.which == MISSING or ask.caller in ("hidden", "readonly"):
        return 400
    return 403 if ask.caller == "conditional" and ask.which == FOREIGN else 200


def lookup(local, foreign, entity):
    return [{"lookup": {"localFieldPath": local, "foreignFieldPath": foreign, "foreignEntityName": entity, "as": "x"}}]


AGGREGATIONS = (
    Knock("matching one", body=lambda ask: [{"match": {"id": ask.target}}]),
    Knock("without a stage", body=fixed([])),
    Knock("by owner", body=fixed([{"group": {"by": "owner.id", "n": "count()"}}]), entities=LINKED),
    Knock("line by line", body=fixed([{"unwind": {"fieldPath": "lines"}}]), entities=DEALS),
    Knock("with accounts", body=fixed(lookup("account.id", "id", "accounts")), entities=DEALS),
    Knock("with everybody", body=fixed(lookup("amount", "version", "sys.users")), entities=DEALS),
)


def exporting(*query):
    return lambda ask: query


def unless_hidden(ask):
    return 403 if hides(ask) else 200


EXPORTS = (
    Knock("all", runs_job=True),
    Knock("by id", query=by_id(("_useFieldNames", "true")), runs_job=True),
    Knock("records", query=exporting(("_format", "json")), runs_job=True),
    Knock(
        "records with related ones",
        query=lambda ask: (("_format", "ndjson"), ("_relationshipsToFetch", RELATED[ask.entity])),
        runs_job=True,
        entities=LINKED,
    ),
    Knock(
        "related fields",
        query=exporting(("_fields", "title,account,account.name,others.name,owner.email")),
        runs_job=True,
        entities=DEALS,
    ),
    Knock(
        "what some may not see",
        unless_hidden,
        query=lambda ask: (("_fields", ",".join(RESTRICTED[ask.entity])),),
        runs_job=True,
    ),
    Knock(
        "related fields that some may not see",
        lambda ask: 403 if ask.caller in ("hidden", "partly") else 200,
        query=exporting(("_fields", "account.code,others.code,owner.lastName")),
        runs_job=True,
        entities=DEALS,
    ),
    Knock("more than there may be", always(400), query=exporting(("_size", "1000001"))),
)

# the doors of imports

ABOUT_ALL = {"deals": "title", "accounts": "name", "sys.users": "firstName"}
ABOUT_SOME = {"deals": "secret", "accounts": "code", "sys.users": "lastName"}


def one_row(header):
    """A new record with a value in each column; of users, with an address of its own or that of the target."""

    def rows(ask):
        columns = header(ask)
        values = {"email": "alien@example.com" if ask.which == FOREIGN else "new@example.com", "status": "INACTIVE"}
        return [",".join(columns), ",".join(values.get(column, "changed") for column in columns)]

    return rows


def importing(name, header, expected=DONE, **more):
    return Knock(name, expected, rows=one_row(header), runs_job=True, changes=True, **more)


def by_hidden(ask):
    return 400 if hides(ask) else 200


IMPORTS = (
    Knock("no file", always(415), body=fixed({})),
    importing("a field for all", lambda ask: [ABOUT_ALL[ask.entity]]),
    importing("a field for some", lambda ask: [ABOUT_ALL[ask.entity], ABOUT_SOME[ask.entity]], by_hidden),
    importing("checked only", lambda ask: [ABOUT_ALL[ask.entity]], query=fixed((("preview", "true"),))),
    importing(
        "no rules",
        lambda ask: [ABOUT_ALL[ask.entity]],
        always(200),
        query=fixed((("performValidations", "false"),)),
        developers=True,
        entities=LINKED,
    ),
    importing("a user", fixed(["firstName", "email", "status"]), entities=USERS),
    importing("an account as well", fixed(["title", "account.name", "account.deal"]), entities=DEALS),
    importing(
        "an account by what some do not see",
        fixed(["title", "account.code", "account.name"]),
        lambda ask: 400 if ask.caller in ("hidden", "partly") else 200,
        entities=DEALS,
    ),
    importing(
        "the account of a user", fixed(["name", "owner.email", "owner.firstName"]), entities=frozenset({"accounts"})
    ),
)

# the doors of the past


def past(ask):
    """A trail answers for records that are gone as well, so one that never was has an empty one."""
    if ask.entity not in AUDITED:
        return 400
    if ask.which == MISSING:
        return 404 if ask.hiding and ask.caller == "conditional" else 200
    return of_one()(ask)


def past_itself(ask):
    """Who sees a record only in part is not shown what it was; and it takes the right to see what happened to it."""
    if ask.entity not in AUDITED:
        return 400
    if reaches(ask) and ("auditLogs" not in RIGHTS[ask.caller] or (ask.caller == "partly" and ask.which == FOREIGN)):
        return 403
    return of_one()(ask)


READS_OF_PAST = (
    Knock("as it was", past_itself, query=fixed((("_version", "0"),)), one=True),
    Knock("as it was then", past_itself, query=fixed((("_asOf", str(2 * NOW)),)), one=True),
)
REVERTING = (Knock("to the beginning", past_itself, query=fixed((("to", "0"),)), changes=True, one=True),)


def past_of_all(ask):
    return 200 if ask.entity in AUDITED else 400


TRAILS = (
    Knock("all", past_of_all),
    Knock("of cascades", past_of_all, query=fixed((("eventTypes", "SYSTEM_CASCADE_UPDATE"),))),
)

# the doors of actions


def of_all(ask):
    """An action of type many answers once, so it runs on all or on none."""
    return 403 if ask.which == FOREIGN and not ask.hiding and not reaches(ask) else 404


def acting(action, several=DONE):
    """One action on one record, on several, and in the background."""
    return (
        Knock("one", of_one(), body=fixed({}), changes=True, one=True, action=action),
        Knock("several", several, ids=and_nobody, body=fixed({}), changes=True, action=action),
        Knock(
            "later", of_one(), query=fixed(LATER), body=fixed({}), changes=True, runs_job=True, one=True, action=action
        ),
    )


def acting_by_query(action):
    return (
        Knock("by id", query=by_id(), body=fixed({}), changes=True, action=action),
        Knock("without a filter", always(400), body=fixed({}), action=action),
        Knock("all", query=fixed((("_all", "true"),)), body=fixed({}), changes=True, action=action),
        Knock("later", query=by_id(*LATER), body=fixed({}), changes=True, runs_job=True, action=action),
    )


ACTIONS = (
    *acting("win"),
    *acting("name"),
    *acting("ring", several=of_all),
    Knock(
        "of what one may not read",
        of_one(lambda ask: 400 if ask.caller == "conditional" else 200),
        body=lambda ask: {"account": {"id": ask.world.target(ask.caller, "accounts", FOREIGN)}},
        changes=True,
        one=True,
        action="choose",
    ),
)
ACTIONS_BY_QUERY = (
    *acting_by_query("win"),
    *acting_by_query("name"),
    *acting_by_query("ring"),
    Knock("by id", query=by_id(), body=fixed({}), changes=True, action="choose"),
    Knock("at all", body=fixed({}), action="wait"),
)

# the doors of users


def foreigner_is(status):
    """Gives the foreign user another status."""

    async def prepare(ask):
        person = {"_id": ObjectId(ask.world.people["alien"])}
        await asyncio.to_thread(ask.world.raw["sys.users"].update_one, person, {"$set": {"status": status}})

    return prepare


def of_status(ask):
    """The caller is ACTIVE, whom these actions are not for."""
    return of_one(200 if ask.which == FOREIGN else 400)(ask)


def of_developers(ask):
    """Passwords are told to developers only."""
    return of_one(200 if ask.caller == DEVELOPER else 403)(ask)


def acting_on_users(action, expected, status="ACTIVE"):
    """One action on one user, and on several."""
    given = {"prepare": foreigner_is(status), "changes": True, "action": action, "entities": USERS}
    return (Knock("one", expected, one=True, **given), Knock("several", ids=and_nobody, **given))


def acting_on_users_by_query(action, status="ACTIVE"):
    given = {"changes": True, "action": action, "entities": USERS}
    return (
        Knock("by id", query=by_id(), prepare=foreigner_is(status), **given),
        Knock("without a filter", always(400), **given),
    )


ACTIONS_ON_USERS = (
    *acting_on_users("activate", of_status, "INACTIVE"),
    *acting_on_users("unblock", of_status, "BLOCKED"),
    *acting_on_users("deactivate", of_one_that_may_go),
    *acting_on_users("resetPassword", of_developers),
)
ACTIONS_ON_USERS_BY_QUERY = (
    *acting_on_users_by_query("activate", "INACTIVE"),
    *acting_on_users_by_query("unblock", "BLOCKED"),
    *acting_on_users_by_query("deactivate"),
    *acting_on_users_by_query("resetPassword"),
)


# the doors of jobs


async def start_jobs(ask):
    """A job of the caller and one of somebody else, both waiting."""
    world, mine = ask.world, ask.caller if ask.caller in ask.world.people else "full"
    for kind, which in ((mine, OWN), ("alien", FOREIGN)):
        user = {"id": world.people[kind], "label": kind}
        job = await jobs.delete_ids_later(world.running, Caller(user=user), "deals", f"{NOBODY},{NOBODY}", ())
        world.ids[mine].setdefault("jobs", {})[which] = str(job.id)
        await asyncio.to_thread(world.raw["sys.jobs"].update_one, {"_id": job.id}, {"$set": {"label": JOB[which]}})


def of_job(success):
    def expected(ask):
        if ask.which == MISSING:
            return 404
        if ask.which == FOREIGN and ask.caller != DEVELOPER:
            return 404 if ask.hiding else 403
        return success

    return (Knock("waiting", expected, prepare=start_jobs, once=True, changes=True, one=True),)


# the doors of files


async def store_files(ask):
    """What a job made for the caller, and what one made for somebody else."""
    world, mine = ask.world, ask.caller if ask.caller in ask.world.people else "full"

    async def content(which):
        yield JOB[which].encode()

    for kind, which in ((mine, OWN), ("alien", FOREIGN)):
        meta = {"purpose": "export", "user": world.people[kind]}
        file = await world.running.store.files.write(JOB[which], "text/csv", content(which), meta)
        world.ids[mine].setdefault("jobs", {})[which] = file.id


def of_file(name):
    return (Knock(name, of_job(200)[0].expected, prepare=store_files, once=True, changes=True, one=True),)


WRONG_LOGIN = {"email": "alien@example.com", "password": "not this one"}

RECIPES = {
    Operation.LIST: LISTS,
    Operation.READ: (*READS, *READS_OF_PAST),
    Operation.REVERT: REVERTING,
    Operation.EXPLAIN_RIGHTS: (
        Knock("of oneself", of_one(), developers=True),
        Knock("of a group", of_one(), query=fixed((("groups", "hidden"),)), developers=True),
        Knock("of a user", of_one(), query=fixed((("user", "alien@example.com"),)), developers=True),
        Knock("of nobody", always(400), query=fixed((("user", "nobody@example.com"),)), developers=True),
    ),
    Operation.UPDATE: (*UPDATES, *UPDATES_OF_DEALS),
    Operation.DELETE: DELETIONS,
    Operation.DELETE_BY_QUERY: DELETIONS_BY_QUERY,
    Operation.CREATE: (
        Knock("", lambda ask: 200 if reaches(ask) else 400, body=new_record, changes=True, entities=LINKED),
        Knock("", creation_of_user, body=new_user, changes=True, entities=USERS),
    ),
    Operation.AGGREGATE: AGGREGATIONS,
    Operation.EXPORT: EXPORTS,
    Operation.IMPORT: IMPORTS,
    Operation.RECORD_TRAIL: (Knock("", past, one=True),),
    Operation.ENTITY_TRAIL: TRAILS,
    Operation.ACT: (*ACTIONS, *ACTIONS_ON_USERS),
    Operation.ACT_BY_QUERY: (*ACTIONS_BY_QUERY, *ACTIONS_ON_USERS_BY_QUERY),
    Operation.LOGIN: (Knock("wrong", always(401), body=fixed(WRONG_LOGIN), changes=True),),
    Operation.CHANGE_PASSWORD: (
        Knock("wrong", always(401), body=fixed({**WRONG_LOGIN, "newPassword": "x"}), changes=True),
    ),
    Operation.LOGOUT: (Knock("", changes=True),),
    Operation.CURRENT_USER: (Knock(""),),
    Operation.CHANGE_CURRENT_PASSWORD: (
        Knock("wrong", always(401), body=fixed({"password": "not this one", "newPassword": "x"}), changes=True),
    ),
    Operation.UPLOAD_FILES: (Knock("no file", always(415), body=fixed({})),),
    Operation.READ_FILE: of_file("of a job"),
    Operation.SHARE_FILE: of_file("of a job"),
    Operation.READ_SHARED_FILE: (Knock("no link", always(404), prepare=store_files, once=True),),
    Operation.READ_RECORD_FILE: (Knock("no file of the record", of_one(404), one=True),),
    Operation.LIST_JOBS: (Knock("", prepare=start_jobs, once=True),),
    Operation.READ_JOB: of_job(200),
    Operation.LIST_JOB_LOGS: of_job(200),
    Operation.STOP_JOB: of_job(200),
    Operation.FORCE_STOP_JOB: of_job(400),
    Operation.CANCEL_JOB: of_job(400),
    Operation.RESUME_JOB: of_job(400),
    Operation.UNDO_JOB: of_job(400),
    Operation.LIST_LOGS: (Knock("", developers=True),),
    Operation.CREATE_LOG: (
        Knock("a line", body=fixed({"level": "INFO", "message": "hello"}), developers=True, changes=True),
        Knock("nothing", always(400), body=fixed({}), developers=True),
    ),
    Operation.DESCRIBE: (Knock("", developers=True),),
    Operation.HEALTH: (Knock(""),),
    Operation.READINESS: (Knock(""),),
}
"""By operation. A new operation needs its recipe here before it is served."""


def knocks_of(route):
    """The requests with which a route is tried; none where it has no recipe."""
    return [
        knock
        for knock in RECIPES.get(route.operation, ())
        if route.entity in knock.entities and knock.action in (None, route.action)
    ]


async def knock_at(route, knock, ask):
    """Sends the request of a cell."""
    path = route.path.replace("{id}", knock.ids(ask.target)) if "{id}" in route.path else route.path
    path = path.replace("{file}", NOBODY)
    if knock.rows is None:
        return await ask.world.ask(ask.caller, route.method, path, query=knock.query(ask), body=knock.body(ask))
    head, tail = '--x\r\nContent-Disposition: form-data; name="file"; filename="rows.csv"\r\n\r\n', "\r\n--x--\r\n"
    return await ask.world.ask(
        ask.caller,
        route.method,
        path,
        query=knock.query(ask),
        headers=[(b"content-type", b"multipart/form-data; boundary=x")],
        raw_body=(head + "\n".join(knock.rows(ask)) + tail).encode(),
    )
