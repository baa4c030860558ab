"""Random commands on a job by several workers and clients, against bookkeeping that knows no table of transitions.

CASTWORK_EXAMPLES sets the number of sequences; `make chaos` runs 10,000.
"""

import os

from bson import ObjectId
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.jobs import (
    Circumstances,
    Command,
    Job,
    Note,
    State,
    apply,
    apply_note,
    find_transition,
    load_job,
    to_change,
    to_document,
    to_filter,
    to_note_change,
    to_note_filter,
)

EXAMPLES = int(os.environ.get("CASTWORK_EXAMPLES", "300"))
COMMANDS = [*(command.value for command in Command), "note"]


def make_job():
    return Job(ObjectId(), "DELETE_RECORDS", "x", "mix", State.FRESH, 1)


class Bookkeeper:
    """What a job should be after each command, by rules of its own: no table, and statuses instead of states."""

    def __init__(self):
        self.status, self.begun, self.holder, self.split, self.failures, self.done = "PENDING", False, None, False, 0, 0

    def do(self, command, worker):
        """Whether the command did anything."""
        mine = self.holder is not None and self.holder == worker
        match command:
            case "claim":
                if self.holder is not None or self.split or self.status not in ("PENDING", "RUNNING"):
                    return False
                self.status, self.begun, self.holder = "RUNNING", True, worker
            case "finish" | "retry" | "handBack" | "split" if mine:
                stopping, self.holder = self.status == "STOPPING", None
                if command == "finish":
                    self.status = "FINISHED"
                elif stopping:
                    self.status = "STOPPED"
                elif command == "retry":
                    self.status = "PENDING"
                self.split = self.split or command == "split"
                self.failures += command == "retry"
            case "acknowledge" if mine and self.status == "STOPPING":
                self.status, self.holder = "STOPPED", None
            case "note" if mine:
                self.done, self.failures = self.done + 1, 0
            case "lose" if self.holder is not None:
                self.status, self.holder = "STOPPED" if self.status == "STOPPING" else "RUNNING", None
                self.failures += 1
            case "join" if self.split and self.status == "RUNNING":
                self.status = "FINISHED"
            case "stop" if self.status in ("PENDING", "RUNNING"):
                self.status = "STOPPED" if self.holder is None else "STOPPING"
            case "forceStop" if self.status == "STOPPING":
                self.status, self.holder = "STOPPED", None
            case "cancel" if self.status == "STOPPED":
                self.status = "CANCELED"
            case "resume" if self.status == "STOPPED":
                self.status, self.failures = "RUNNING" if self.begun else "PENDING", 0
            case _:
                return False
        return True


WORKERS_OWN = {"finish", "retry", "handBack", "acknowledge", "split", "note"}


@settings(max_examples=EXAMPLES, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(COMMANDS), st.sampled_from("abc")), max_size=40))
def test_random_commands_by_three_workers_leave_what_the_rules_say(sequence):
    """A worker sees that it shall stop, never that it lost the job: only compare-and-set keeps it from writing then."""
    expected, stored, seen = Bookkeeper(), to_document(make_job()), {}
    for command, worker in sequence:
        before = load_job(stored)
        known = seen.get(worker, before) if command in WORKERS_OWN else before
        job = before if before.fence == known.fence else known
        if command == "note":
            note = Note(processed=1)
            wanted, change, after = to_note_filter(job), to_note_change(job, note), apply_note(job, note)
            possible = job.worker == worker
        else:
            transition = find_transition(Command(command), job)
            possible = transition is not None and (command not in WORKERS_OWN or job.worker == worker)
            if possible:
                circumstances = Circumstances(now=len(sequence), worker=worker)
                wanted, change = to_filter(job, transition), to_change(job, transition, circumstances)
                after = apply(job, transition, circumstances)
        happened = possible and all(stored[name] == value for name, value in wanted.items())
        if happened:
            stored = stored | change["$set"]
            if command in ("claim", "note"):
                seen[worker] = after
        assert happened == expected.do(command, worker)
        now = load_job(stored)
        assert (now.state.status, now.worker, now.failures) == (expected.status, expected.holder, expected.failures)
        assert now.records_processed == expected.done
        assert now.fence >= before.fence
        assert not before.state.ended or now == before
