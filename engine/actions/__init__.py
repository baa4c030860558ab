"""Actions and listeners: steps, parameters and conditions compiled once, run to plans of what is to be written."""

from engine.actions.plan import (
    ACTION,
    CHANGED,
    CONDITION_MET,
    CREATED,
    DELETED,
    ActionPlan,
    Behaviour,
    CompiledAction,
    CompiledListener,
    Heard,
    ListenerTable,
    Planning,
    compile_behaviour,
)
from engine.actions.run import Call, Create, Delete, Effect, Log, Run, Update
from engine.actions.steps import STEPS

__all__ = [
    "ACTION",
    "CHANGED",
    "CONDITION_MET",
    "CREATED",
    "DELETED",
    "STEPS",
    "ActionPlan",
    "Behaviour",
    "Call",
    "CompiledAction",
    "CompiledListener",
    "Create",
    "Delete",
    "Effect",
    "Heard",
    "ListenerTable",
    "Log",
    "Planning",
    "Run",
    "Update",
    "compile_behaviour",
]
