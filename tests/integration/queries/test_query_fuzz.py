"""Whatever clients write into URLs and bodies, the database is only ever sent operators that the product itself uses."""

import json
import os
import random
from urllib.parse import quote

from bson import ObjectId

from tests.integration.queries.commands import Commands, operators

REQUESTS = 10 * int(os.environ.get("CASTWORK_EXAMPLES", "60"))
ALLOWED = {
    # filters
    *(
        "$and",
        "$or",
        "$in",
        "$nin",
        "$eq",
        "$ne",
        "$gt",
        "$gte",
        "$lt",
        "$lte",
        "$not",
        "$exists",
        "$elemMatch",
        "$regex",
    ),
    *("$geoWithin", "$centerSphere"),
    # pipelines
    *("$match", "$sort", "$skip", "$limit", "$project", "$count", "$set", "$unset", "$geoNear", "$group", "$unwind"),
    *("$sum", "$add", "$max", "$cond", "$eq", "$ifNull", "$first", "$let", "$literal", "$type", "$switch", "$map"),
    # the driver's and the session's own
    *("$db", "$clusterTime", "$readPreference"),
}
FORBIDDEN = {"$where", "$function", "$accumulator", "$out", "$merge", "$expr", "$jsonSchema", "$text"}
THINGS = """
recordLabel: name
fields:
  name: {type: text}
  size: {type: integer}
  price: {type: decimal}
  at: {type: dateTime}
  place: {type: geoPoint}
  data: {type: json}
  tags: {type: text, many: true}
  owner: {type: relationship, entity: things}
  parts: {type: nested, many: true, fields: {city: {type: text}, zip: {type: integer}}}
"""
HOSTILE = [
    *sorted(FORBIDDEN | {"$gt", "$ne", "$regex", "$lookup"}),
    *(
        '{"$gt": ""}',
        '{"$where": "1"}',
        "[$ne]",
        "a.$gt",
        "__proto__",
        "constructor",
        "\x00",
        "a\x00b",
        "$",
        "$$ROOT",
        "..",
        "",
    ),
    *(
        "__class__",
        "function(){return 1}",
        "'; return true; //",
        "like(/(a+)+$/)",
        "like(/a/)",
        "like($where)",
        "﹩where",
    ),
    *(
        'equals({"$where": "1"})',
        'equals({"city": {"$gt": ""}})',
        'equals({"city": "$gt", "$or": []})',
        "near(1,2)",
        "1e999",
    ),
]
PLAIN = [
    "a",
    "5",
    "-1",
    "greater(5)",
    "between(1,9)",
    "notEquals(a)",
    "empty()",
    "like(a)",
    "near(0,0,1,9)",
    "today",
    "true",
]
PATHS = [
    "name",
    "size",
    "price",
    "at",
    "place",
    "data",
    "tags",
    "owner",
    "owner.id",
    "parts",
    "parts.city",
    "parts.zip",
    "id",
]
PARAMETERS = [
    "_query",
    "_size",
    "_offset",
    "_sortField",
    "_sortType",
    "_fields",
    "_relationshipsToFetch",
    "_format",
    "_total",
]


class Fuzz:
    def __init__(self, seed):
        self.random = random.Random(seed)

    def text(self):
        source = HOSTILE if self.random.random() < 0.5 else PLAIN
        text = self.random.choice(source)
        if self.random.random() < 0.15:
            text += self.random.choice([",", "(", ")", '"', "'", "$", "%"]) + self.random.choice(HOSTILE)
        return text

    def path(self):
        roll = self.random.random()
        if roll < 0.75:
            return self.random.choice(PATHS)
        return f"{self.random.choice(PATHS)}.{self.text()}" if roll < 0.9 else self.text()

    def criterion(self, depth=0):
        if depth < 3 and self.random.random() < 0.4:
            inner = ",".join(self.criterion(depth + 1) for _ in range(self.random.randint(1, 3)))
            return f"{self.random.choice(['and', 'or', '$or'])}({inner})"
        return "filter('{}','{}')".format(self.path().replace("'", "''"), self.text().replace("'", "''"))

    def pair(self):
        if self.random.random() < 0.75:
            return self.path(), self.text()
        name = self.random.choice(PARAMETERS)
        if name == "_query":
            return name, self.criterion()
        return name, self.random.choice([self.text(), self.path(), "asc", "5", str(ObjectId())])

    def query(self):
        pairs = [self.pair() for _ in range(self.random.randint(1, 3))]
        return "&".join(f"{quote(name)}={quote(value)}" for name, value in pairs)

    def value(self, depth=0):
        roll = self.random.random()
        if depth < 3 and roll < 0.35:
            keys = [self.random.choice([self.text(), self.path()]) for _ in range(self.random.randint(1, 3))]
            return {key: self.value(depth + 1) for key in keys}
        if depth < 3 and roll < 0.5:
            return [self.value(depth + 1) for _ in range(self.random.randint(0, 3))]
        return self.random.choice([self.text(), 5, 1.5, None, True])

    def stage(self):
        kind = self.random.choice(["match", "sort", "group", "project", "limit", "lookup", "$match", "$out", "unwind"])
        return {kind: self.value()}

    def request(self):
        """(method, path, body)"""
        roll = self.random.random()
        if roll < 0.6:
            return "GET", f"/data/things?{self.query()}", None
        if roll < 0.7:
            return "DELETE", f"/data/things?{self.query()}", None
        if roll < 0.75:
            return "GET", f"/data/things/{quote(self.text(), safe='')}?{self.query()}", None
        if roll < 0.85:
            return "PUT", "/data/things/aggregate", [self.stage() for _ in range(self.random.randint(1, 3))]
        body = {self.path(): self.value() for _ in range(self.random.randint(1, 3))}
        return "POST", "/data/things", body


async def test_no_operator_of_a_client_reaches_the_database(serve_app):
    heard = Commands()
    app = await serve_app(heard, entities_things=THINGS)
    await app.add("things", {"name": "a", "size": 5, "tags": ["a"], "parts": [{"city": "a", "zip": 1}]}, {"name": "b"})
    fuzz = Fuzz(20_261_121)
    statuses, judged = {}, 0
    for _ in range(REQUESTS):
        heard.clear()
        method, path, body = fuzz.request()
        content = None if body is None else json.dumps(body)
        headers = {"content-type": "application/json"}
        answer = await app.client.request(method, path, content=content, headers=headers)
        assert answer.status_code < 500, (method, path, body, answer.text)
        judged += any(command[name] == "things" for name, command in heard.sent)
        kind = (method, answer.status_code)
        statuses[kind] = statuses.get(kind, 0) + 1
        for name, command in heard.sent:
            if command[name] != "things":
                continue  # what follows writes in the background
            assert name in {"find", "aggregate", "count", "insert", "update", "delete", "findAndModify"}, name
            for part in ("filter", "pipeline", "query", "sort", "projection", "updates", "deletes"):
                sent = set(operators(command.get(part)))
                assert sent <= ALLOWED, (method, path, body, command)
                assert not sent & FORBIDDEN
            assert name in {"insert", "update", "delete", "findAndModify"} or command["maxTimeMS"] <= 30_000
    assert {("GET", 200), ("GET", 400), ("PUT", 400)} <= statuses.keys(), statuses
    assert judged >= statuses["GET", 200], "commands were not heard"
