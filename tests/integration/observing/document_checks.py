"""What Schemathesis loads: the check of valid requests, as far as a document can say what is valid.

JSON Schema cannot say all that the API promises. What it cannot is told here, one reason for each kind of refusal; any
other refusal of a request that the document allows is a failure.
"""

import re

import schemathesis
from schemathesis.specs.openapi.checks import positive_data_acceptance

BY_DECISION = {
    "the language of filters is told in words, and compared with a reference elsewhere": (
        r"_query: ",
        r"[\w.]+: ",  # the path of a filter, and what its value lacks
        r"The field \"[^\"]+\" is not stored",
        r".* takes (at (least|most) )?(no|one|\d+) values?, not ",
        r"A filter may ",
    ),
    "stages of an aggregation are a language of their own": (r"Stage \d+",),
    "a change of all records is asked for twice, by a filter or by _all=true": (r"Without a filter ",),
    "parameters that are right alone and wrong beside others": (
        r"_offset takes a record's id only where the list is sorted by id",
        r"_formatForUser works with _format=plainText only",
        r"_cursor goes neither with _offset",
        r"_sortField names .* twice",
        r"_sortField takes at most",
        r"Give one of _version and _asOf, and nothing else",
        r"_useFieldNames is about the columns of CSV",
    ),
    "cursors are opaque: only what a page answered is one": (r"_cursor ",),
    "people and groups that are not there": (r"There is no (user|group) ",),
    "what may be done depends on the state of a record or job": (
        r"Only jobs that are ",
        r"Only imports can be undone",
        r".* cannot be done: its precondition does not hold",
    ),
    "a password that is told once is kept by no job": (r"resetPassword tells a password",),
    "all that goes with a multipart body is a file, which is told by its name": (r"The part .* is no file",),
    "what stands in a file, the document does not say": (r"The file ", r"There is no field for the column "),
    "an option is given once, in the address or in the form": (r"The option \w+ is given twice",),
    "people are imported by all rules, whoever asks": (r"The import option \w+ cannot be used for sys\.users",),
    "an export has columns other than id, label and version": (r"There is nothing to export",),
    "a key is good for one body": (r"This idempotency key was sent with another body",),
    "text is what UTF-8 can write, without NUL, and a number what 64 bits hold": (
        r"The body has a name with a NUL character",
        r"The request holds a value that ",
    ),
}
"""Refusals by the beginnings of their messages."""
KNOWN = re.compile("|".join(pattern for patterns in BY_DECISION.values() for pattern in patterns)).match
FIELDS = {
    "notFound": "records that are referred to",
    "notUnique": "values that other records have",
    "invalidEmail": "addresses as RFC 5321 has them",
}
"""Codes of problems of fields that depend on more than the body."""


MESSAGES = {
    "Expected milliseconds since 1970 or a date and time": "days that no calendar has, in the form of days",
    "Expected a date as": "days that no calendar has, in the form of days",
    "Expected a time zone": "names of time zones that no database of them has",
    "Expected a language": "languages that are not there",
    "Expected a group": "groups that are not there",
    "Expected the name of a group": "groups that are not there",
    "Expected a record: its id": "records by the value of a lookup field, whose names an object may hold",
}
"""Beginnings of messages about values of fields of which the same holds."""


def is_beyond_the_schema(problem):
    """Whether a problem of a field depends on more than the form of its value. What an element of a group needs depends
    on whether it was there before."""
    inner = problem["code"] == "required" and "." in problem["field"]
    return inner or problem["code"] in FIELDS or problem["message"].startswith((*MESSAGES,))


def is_by_decision(answer):
    """Whether a refusal is of a kind that no document can tell of beforehand."""
    if answer["code"] == "validationErrors":
        return all(map(is_beyond_the_schema, answer["errors"]))
    return KNOWN(answer["message"]) is not None


@schemathesis.check
def valid_requests_are_done(ctx, response, case):
    """The check positive_data_acceptance, without what is refused by decision."""
    if response.status_code in (400, 409, 422) and is_by_decision(response.json()):
        return None
    return positive_data_acceptance(ctx, response, case)
