"""Notes of progress, pauses before retries, whose turn it is, and what clients see of a job."""

from dataclasses import replace
from decimal import Decimal

import bson
import pytest
from bson import Decimal128, ObjectId

from engine.jobs import (
    Entry,
    Job,
    Note,
    Starter,
    State,
    apply_note,
    load_job,
    may_take_low_priority,
    pause_before_retry,
    pick,
    render_job,
    share_of,
    to_document,
    to_note_change,
    to_storable,
    within_share,
)


def make_job(user=None, **values):
    given = {
        "id": ObjectId(),
        "type": "DELETE_RECORDS",
        "label": "Deleting records of companies",
        "queue": "mix",
        "state": State.WORKING,
        "create_date": 1,
        "starter": Starter(user=user, name=user),
    }
    return Job(**given | values)


def test_a_note_writes_what_it_means():
    job = make_job(records_count=10, records_processed=3, failures=2, underway="x")
    note = Note(checkpoint={"after": 7}, processed=2, has_errors=True, entries=2, entry_bytes=90)
    noted = apply_note(job, note)
    assert load_job(to_document(job) | to_note_change(job, note)["$set"]) == noted
    assert (noted.records_processed, noted.progress, noted.failures) == (5, 50, 0)
    assert (noted.checkpoint, noted.has_errors, noted.entries, noted.underway) == ({"after": 7}, True, 2, None)


def test_a_note_without_progress_keeps_the_count_of_failures():
    assert apply_note(make_job(failures=2), Note(underway="x")).failures == 2


def test_work_that_would_begin_anew_shows_how_far_it_is_and_does_not_count_as_getting_further():
    job = make_job(records_count=10, records_processed=7, failures=2)
    noted = apply_note(job, Note(standing=4))
    assert (noted.records_processed, noted.progress, noted.failures) == (4, 40, 2)
    begun = apply_note(job, Note(standing=0, records_count=20))
    assert (begun.records_processed, begun.records_count, begun.progress, begun.failures) == (0, 20, 0, 2)


def test_progress_reaches_a_hundred_only_at_the_end():
    assert apply_note(make_job(records_count=2, records_processed=1), Note(processed=1)).progress == 99
    assert apply_note(make_job(), Note(progress=140)).progress == 100


def test_pauses_double_within_bounds_and_end():
    assert [pause_before_retry(failures, 1.0) for failures in range(1, 6)] == [1_000, 2_000, 4_000, 8_000, None]
    assert pause_before_retry(3, 0.0) == 2_000
    assert pause_before_retry(4, 1.0, first=50_000) == 60_000


def test_a_user_gets_half_of_the_places_while_others_wait():
    jobs = [make_job("ann"), make_job("ben"), make_job(None)]
    assert share_of(8) == 4
    assert share_of(1) == 1
    assert within_share(jobs, {"ann": 4, "ben": 3}, 8) == jobs[1:]
    assert within_share(jobs, {"ann": 1}, 2) == jobs[1:]
    assert within_share(jobs, {}, 1) == jobs


def test_low_priority_leaves_a_place_where_there_are_several():
    assert [may_take_low_priority(busy, 3) for busy in range(4)] == [True, True, False, False]
    assert [may_take_low_priority(busy, 1) for busy in range(2)] == [True, False]


def test_workers_reach_for_different_jobs_among_the_first():
    jobs = [make_job() for _ in range(10)]
    assert {pick(jobs, 4, step / 100).id for step in range(100)} == {job.id for job in jobs[:4]}
    assert pick(jobs[:1], 4, 0.99) is jobs[0]
    assert pick(jobs, 0, 0.99) is jobs[0]


def test_what_clients_see():
    job = make_job("57fce0c3e4b0ce322b0c06b2", start_date=2, end_date=3, state=State.FINISHED, progress=100)
    job = replace(job, starter=replace(job.starter, name="Diego Gaviola"), data={"entityName": "companies"})
    shown = render_job(job, [{"key": "a", "result": Entry("a", {"id": "a"}).render()}])
    assert shown == {
        "id": job.id,
        "label": "Deleting records of companies",
        "type": "DELETE_RECORDS",
        "runBy": {"id": "57fce0c3e4b0ce322b0c06b2", "fullName": "Diego Gaviola"},
        "parentJob": None,
        "rootJob": None,
        "createDate": 1,
        "startDate": 2,
        "endDate": 3,
        "status": "FINISHED",
        "hasErrors": False,
        "progress": 100,
        "recordsCount": 0,
        "recordsProcessed": 0,
        "childrenJobsCount": 0,
        "childrenJobsProcessed": 0,
        "stoppable": True,
        "lowPriority": False,
        "data": {"entityName": "companies"},
        "results": {"a": {"status": "ok", "response": {"id": "a"}}},
    }
    assert list(shown)[:5] == ["id", "label", "type", "runBy", "parentJob"]


def test_a_job_that_nobody_started_shows_nobody():
    assert render_job(make_job())["runBy"] is None


@pytest.mark.parametrize(
    ("entry", "whole", "shown"),
    [
        (Entry("a", {"x": 1}), True, {"status": "ok", "response": {"x": 1}}),
        (Entry("a", None), True, {"status": "ok", "response": None}),
        (Entry("a", {"x": 1}), False, {"status": "ok"}),
        (Entry("a"), True, {"status": "ok"}),
        (Entry("a", error="no"), True, {"status": "error", "errorMessage": "no"}),
    ],
)
def test_entries(entry, whole, shown):
    assert entry.render(whole=whole) == shown


def test_answers_can_be_stored():
    stored = to_storable({"price": Decimal("1.5"), "list": ({"deep": Decimal(2)},), "id": "x"})
    assert stored == {"price": Decimal128("1.5"), "list": [{"deep": Decimal128("2")}], "id": "x"}
    assert bson.encode(stored)


def test_documents_are_bson():
    job = make_job("u", checkpoint={"after": ObjectId()}, session={"id": b"1"}, results={"rowsImported": 3})
    assert load_job(bson.decode(bson.encode(to_document(job)))) == job
