"""Examples tried out: rights against the compiled permissions, answers against what was expected; pure."""

from engine.examples.answers import compare_answer
from engine.examples.outcome import Failure, Outcome, Tried
from engine.examples.report import CANNOT_RUN, render_github, render_json
from engine.examples.rights import Trials

__all__ = [
    "CANNOT_RUN",
    "Failure",
    "Outcome",
    "Trials",
    "Tried",
    "compare_answer",
    "render_github",
    "render_json",
]
