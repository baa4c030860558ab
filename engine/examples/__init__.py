"""Examples tried out: rights against the compiled permissions, answers against what was expected; pure."""
