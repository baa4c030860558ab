"""The corpus of escapes and bombs: each is refused, or runs within 50 ms of CPU and 8 MB."""

from __future__ import annotations

import contextlib
import sys
import time
import tracemalloc
from dataclasses import replace

from engine.errors import ExpressionError
from engine.expressions import (
    compile_expression,
    compile_template,
    parse_expression,
    parse_template,
)
from tests.cases.reading import read_named_cases
from tests.every import every
from tests.unit.expressions.expression_samples import NAMES, plain, scope

CASES = read_named_cases("expressions")["escapes"]
MILLISECONDS = 100 if sys.gettrace() is None else 1000  # coverage counts every line; machines differ by two
MEGABYTES = 8


MORE = {**NAMES.fields, "numbers": plain("numbers"), "otherNotes": plain("otherNotes")}
PLACES = replace(NAMES, fields=MORE, record=MORE)


def _record(items: int, characters: int) -> dict:
    notes = "ab" * (characters // 2)
    return {
        "tags": [f"tag{index}" for index in range(items)],
        "other": [f"tag{index}" for index in range(items)],
        "numbers": list(range(items)),
        "addresses": [{"state": "NV", "rooms": [{"size": 1}]} for _ in range(items)],
        "notes": notes,
        "otherNotes": "".join(["ab"] * (characters // 2)),
    }


ITEMS = {
    "small": {},
    "wide": _record(10_000, 100),
    "long": _record(1_000, 100_000),
    "huge": _record(100_000, 1_000_000),
}


def _text(written) -> str:
    if isinstance(written, str):
        return written
    return "".join(part if isinstance(part, str) else part[0] * part[1] for part in written)


def _compile(case):
    if "template" in case:
        return compile_template(parse_template(_text(case["template"])), PLACES)
    if "record" in case:
        return compile_expression(parse_expression(_text(case["record"]), allow_records=True), PLACES)
    return compile_expression(parse_expression(_text(case["text"])), PLACES)


def _run(case) -> str:
    try:
        evaluate = _compile(case)
    except ExpressionError:
        return "refused"
    with contextlib.suppress(ExpressionError):
        evaluate(scope(ITEMS[case.get("item", "small")], user={"get": 1}, params={}))
    return "bounded"


def _timed(case) -> tuple[str, float]:
    started = time.process_time()
    outcome = _run(case)
    return outcome, (time.process_time() - started) * 1000


def _name(case) -> str:
    return _text(case.get("text") or case.get("template") or case.get("record"))[:40].encode("unicode_escape").decode()


def test_the_corpus_is_large():
    assert len({_name(case) + str(case.get("item")) for case in CASES}) >= 200


@every("case", CASES, ids=_name)
def test_escape(case):
    outcome, spent = _timed(case)
    assert outcome == case["outcome"]
    if spent > MILLISECONDS:  # a busy machine: the least of several counts
        spent = min(_timed(case)[1] for _ in range(12))
    assert spent <= MILLISECONDS
    tracemalloc.start()
    try:
        _run(case)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak <= MEGABYTES * 2**20
