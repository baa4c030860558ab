"""Bodies that mean harm: each is refused cleanly, and afterwards every list can still be read."""

import json

NAME = '"name": "Hostile"'


def with_value(text):
    """A company that is right but for one field."""
    return "{" + NAME + ", " + text + "}"


MALFORMED = [
    "",
    " ",
    "\n\t",
    "{",
    "}",
    "[",
    "]",
    "{]",
    "[}",
    '{"',
    '{"a',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    "{,}",
    "{:1}",
    "{1:2}",
    "{a:1}",
    "{'a':1}",
    '{"a" 1}',
    '{"a":1 "b":2}',
    '{"a":1,}',
    "[1,]",
    "[,1]",
    "nul",
    "tru",
    "undefined",
    "NaN",
    "Infinity",
    "-Infinity",
    "-",
    "+1",
    "01",
    "1.",
    ".5",
    "1e",
    "1e+",
    "0x1F",
    "1_000",
    '"',
    '"\\',
    '"\\u12"',
    '"\\x41"',
    '"\\ud800"',
    '"\\udc00\\ud800"',
    '"\t"',
    '"\n"',
    "{} {}",
    "{}{}",
    "{} trailing",
    "/* x */ {}",
    "// x\n{}",
    "{}\0",
    "\ufeff{}",
    "<a/>",
    "name=Hostile",
    "--x\r\n\r\n{}",
    "\\",
    "\\u007b}",
    "`{}`",
    "{}" * 1_000,
    '{"a":' * 20,
    "{" * 100_000,
    "[" * 100_000,
    "[" * 100_000 + "]" * 100_000,
    '{"a":' * 33 + "1" + "}" * 33,
    with_value('"x": NaN'),
    with_value('"x": Infinity'),
    with_value('"x": 1e7000'),
    with_value('"x": 1e-7000'),
    with_value('"x": 1e99999999999999999999'),
    with_value('"x": ' + "1" * 10_000),
    with_value('"x": 0.' + "1" * 10_000),
    with_value('"x": "\\ud800"'),
    with_value('"\\ud800": 1'),
    with_value('"name": "Twice"'),
    with_value('"contactInformation": {"email": null, "email": null}'),
    with_value('"n\\u0061me": "Twice"'),
    with_value('"addresses": [{"city": ":", "city": ":"}]'),
    with_value('"a\\u0000b": 1'),
    with_value('"contactInformation": {"\\u0000": 1}'),
]

NO_RECORDS = [
    "null",
    "true",
    "false",
    "0",
    "-1",
    "1.5",
    '""',
    '"text"',
    "[]",
    "[{}]",
    "[[]]",
    "[" + "{" + NAME + "}" + "]",
]

WRONG_FIELDS = [
    '"$where": "sleep(1000)"',
    '"$set": {"state": "active"}',
    '"$inc": {"version": 1}',
    '"_id": "x"',
    '"__proto__": {}',
    '"__class__": 1',
    '"constructor": {}',
    '"": 1',
    '" ": 1',
    '"name ": 1',
    '"Name": "x"',
    '"a.b": 1',
    '"addresses.0.city": "x"',
    '"contactInformation.email": "a@b.example"',
    '"tenant": 1',
    '"createdBy": "x"',
    '"x": {"y": {"z": []}}',
    '"name\\u200b": "x"',
    '"\\ud83d\\ude00": 1',
    '"toString": 1',
    '"addresses": {"$gt": ""}',
    '"state": {"$ne": null}',
    '"name": {"$gt": ""}',
    '"name": ["x"]',
    '"name": 5',
    '"name": true',
    '"name": {}',
    '"name": null',
    '"name": ""',
    '"state": "nope"',
    '"state": 5',
    '"state": ["active"]',
    '"state": "$where"',
    '"type": "d"',
    '"type": {}',
    '"numberOfEmployees": "many"',
    '"numberOfEmployees": "5"',
    '"numberOfEmployees": -1',
    '"numberOfEmployees": 1.5',
    '"numberOfEmployees": 9223372036854775808',
    '"numberOfEmployees": -9223372036854775809',
    '"numberOfEmployees": 1e300',
    '"numberOfEmployees": 1e6000',
    '"numberOfEmployees": ' + "9" * 4_200,
    '"numberOfEmployees": true',
    '"numberOfEmployees": []',
    '"numberOfEmployees": {"$numberLong": "5"}',
    '"isCustomer": "true"',
    '"isCustomer": 1',
    '"isCustomer": []',
    '"isCustomer": {}',
    '"contactInformation": []',
    '"contactInformation": "x"',
    '"contactInformation": 5',
    '"contactInformation": {"nope": 1}',
    '"contactInformation": {"email": "nope"}',
    '"contactInformation": {"email": {}}',
    '"contactInformation": {"phoneNumber": []}',
    '"contactInformation": {"$where": "1"}',
    '"addresses": {}',
    '"addresses": "x"',
    '"addresses": [1]',
    '"addresses": [null]',
    '"addresses": [[]]',
    '"addresses": [{"nope": 1}]',
    '"addresses": [{"city": 5}]',
    '"addresses": [{"city": {"$gt": ""}}]',
    '"homepage": "javascript:alert(1)"',
    '"homepage": "nope"',
    '"homepage": 5',
    '"homepage": {}',
    '"taxId": "x"',
    '"taxId": 5',
    '"taxId": "123-ABC\\n"',
    '"taxId": {"$regex": ".*"}',
    '"rating": []',
    '"rating": ' + json.dumps("x" * 301),
    '"notes": 5',
    '"notes": {}',
    '"lastMeeting": "yesterday"',
    '"lastMeeting": 100000000000000000',
    '"lastMeeting": -100000000000000000',
    '"lastMeeting": 9223372036854775807',
    '"lastMeeting": 9223372036854775808',
    '"lastMeeting": 253402300800000',
    '"lastMeeting": -62135596800001',
    '"lastMeeting": 1e300',
    '"lastMeeting": true',
    '"lastMeeting": {"$date": 5}',
    '"lastMeeting": "2016-13-01T00:00:00Z"',
    '"lastMeeting": "2016-01-01T00:00:00"',
    '"lastMeeting": "0000-01-01T00:00:00Z"',
    '"lastMeeting": "10000-01-01T00:00:00Z"',
    '"lastMeeting": "2016-02-30T00:00:00Z"',
]

BYTES = [
    b'{"name": "\xff"}',
    b'{"name": "\xc3"}',
    b'{"name": "\xc0\xaf"}',
    b'{"name": "\xed\xa0\x80"}',
    b'{"name": "\xf4\x90\x80\x80"}',
    b'{"\xff": 1}',
    b"\xff\xfe{\x00}\x00",
    b"\x00",
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
    b"\x80\x81",
    '{"name": "x"}'.encode("utf-16"),
    '{"name": "x"}'.encode("utf-32"),
]

CORPUS = [
    *(text.encode() for text in (*MALFORMED, *NO_RECORDS)),
    *(with_value(text).encode() for text in WRONG_FIELDS if not text.startswith('"name":')),
    *(f"{{{text}}}".encode() for text in WRONG_FIELDS if text.startswith('"name":')),
    *BYTES,
]


def test_the_corpus_is_large():
    assert len(set(CORPUS)) >= 150


def _assert_clean(answer, body):
    assert 400 <= answer.status_code < 500, (body[:200], answer.status_code, answer.text[:300])
    told = answer.json()
    assert told["code"] in {"badRequest", "validationErrors"}, body[:200]
    assert told["requestId"] == answer.headers["x-request-id"]
    assert len(told["message"]) < 300
    for inside in ("Traceback", "File ", "pymongo", "bson", "msgspec"):
        assert inside not in told["message"]


def test_every_hostile_body_is_refused_cleanly_and_lists_stay_readable(shared):
    made = shared.client.post("/data/companies", json={"name": "Target", "numberOfEmployees": 5})
    assert made.status_code == 200, made.text
    target = made.json()
    record = f"/data/companies/{target['id']}"
    try:
        for body in CORPUS:
            answer = shared.client.post("/data/companies", content=body)
            _assert_clean(answer, body)
            if body.strip():  # a blank body on PUT changes nothing
                _assert_clean(shared.client.put(record, content=body), body)
        listed = shared.client.get("/data/companies?_size=1000")
        assert listed.status_code == 200
        assert [item for item in listed.json()["items"] if item["id"] == target["id"]] == [target]
        assert "Hostile" not in listed.text
    finally:
        shared.client.delete(record)
