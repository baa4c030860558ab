"""The table of transitions against the promises of the jobs API, written down a second time and otherwise."""

import pytest
from bson import ObjectId

from engine.errors import BadRequest
from engine.jobs import (
    CLIENT_COMMANDS,
    TRANSITIONS,
    Circumstances,
    Command,
    Job,
    JobLink,
    State,
    Status,
    apply,
    find_transition,
    load_job,
    plan_child_command,
    plan_command,
    to_change,
    to_document,
    to_filter,
    to_note_filter,
)
from tests.every import every


def make_job(**values):
    given = {
        "id": ObjectId(),
        "type": "DELETE_RECORDS",
        "label": "x",
        "queue": "mix",
        "state": State.FRESH,
        "create_date": 1,
    }
    return Job(**given | values)


def in_state(state, **values):
    return make_job(state=state, start_date=None if state in (State.FRESH, State.STOPPED_FRESH) else 5, **values)


DOCUMENTED = {  # statuses as clients see them: command, from, to
    (Command.STOP, "PENDING"): {"STOPPED"},
    (Command.STOP, "RUNNING"): {"STOPPING", "STOPPED"},
    (Command.FORCE_STOP, "STOPPING"): {"STOPPED"},
    (Command.CANCEL, "STOPPED"): {"CANCELED"},
    (Command.RESUME, "STOPPED"): {"PENDING", "RUNNING"},
}


@every("state", list(State))
@every("command", CLIENT_COMMANDS)
def test_clients_can_do_what_is_documented_and_nothing_else(command, state):
    targets = DOCUMENTED.get((command, state.status))
    if targets is None:
        with pytest.raises(BadRequest, match=f"this one is {state.status}"):
            plan_command(command, in_state(state))
    else:
        assert plan_command(command, in_state(state)).target.status in targets


def test_a_job_that_had_begun_resumes_running_and_another_one_pending():
    assert plan_command(Command.RESUME, in_state(State.STOPPED)).target.status is Status.RUNNING
    assert plan_command(Command.RESUME, in_state(State.STOPPED_FRESH)).target.status is Status.PENDING


def test_only_a_worker_can_be_asked_to_stop_others_stop_at_once():
    stopping = {state: plan_command(Command.STOP, in_state(state)).target.status for state in State if state.ready}
    assert stopping == dict.fromkeys(stopping, Status.STOPPED)
    assert plan_command(Command.STOP, in_state(State.WORKING)).target.status is Status.STOPPING


def test_parts_of_a_job_are_refused_and_the_whole_is_named():
    root = JobLink(ObjectId(), "all")
    job = in_state(State.WORKING, parent=JobLink(ObjectId(), "half"), root=root)
    with pytest.raises(BadRequest, match=str(root.id)):
        plan_command(Command.STOP, job)
    assert plan_child_command(Command.STOP, job).target is State.STOPPING


def test_a_type_that_cannot_be_stopped_can_be_kept_from_starting():
    with pytest.raises(BadRequest, match="cannot be stopped once they run"):
        plan_command(Command.STOP, in_state(State.WORKING, stoppable=False))
    assert plan_command(Command.STOP, in_state(State.FRESH, stoppable=False)).target is State.STOPPED_FRESH
    assert plan_child_command(Command.STOP, in_state(State.WORKING, stoppable=False)) is None


@every("row", TRANSITIONS.values(), ids=lambda row: f"{row.command}-{row.source}")
def test_ended_states_are_left_by_nothing(row):
    assert not row.source.ended


@every("row", TRANSITIONS.values(), ids=lambda row: f"{row.command}-{row.source}")
def test_what_a_transition_writes_is_what_it_means(row):
    job = in_state(row.source, fence=3, worker="w" if row.source.held else None, slot="s" if row.source.held else None)
    circumstances = Circumstances(now=9, worker="v", slot="t", not_before=7, results={"a": 1})
    document = to_document(job)
    assert all(document[name] == value for name, value in to_filter(job, row).items())
    changed = document | to_change(job, row, circumstances)["$set"]
    after = apply(job, row, circumstances)
    assert load_job(changed) == after
    assert changed == to_document(after)
    assert after.state is row.target
    assert (after.worker is not None) == after.state.held
    assert (after.lane == "mix/normal") == after.state.ready
    assert (after.end_date is not None) == after.state.ended
    assert (changed["expires"] is not None) == after.state.ended


def test_only_asking_to_stop_leaves_the_worker_its_fence():
    kept = {(row.command, row.source) for row in TRANSITIONS.values() if not row.fences}
    assert kept == {(Command.STOP, State.WORKING)}


def test_a_worker_that_lost_its_job_and_got_it_again_does_not_write_with_its_old_fence():
    job = make_job()
    claimed = apply(job, find_transition(Command.CLAIM, job), Circumstances(now=1, worker="a"))
    lost = apply(claimed, find_transition(Command.LOSE, claimed), Circumstances(now=2))
    again = apply(lost, find_transition(Command.CLAIM, lost), Circumstances(now=3, worker="a"))
    document = to_document(again)
    assert any(document[name] != value for name, value in to_note_filter(claimed).items())
    assert all(document[name] == value for name, value in to_note_filter(again).items())
