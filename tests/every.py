"""Tables of cases: a table in, one test out that runs every case and tells all that fail, each by its name."""

import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from reprlib import Repr

import pytest

SHORT = Repr()
SHORT.maxstring = SHORT.maxother = 100


def every(names: str | tuple[str, ...], cases: Iterable, ids: Callable | Iterable[str] | None = None) -> Callable:
    """One test over a whole table, written as with `pytest.mark.parametrize`.

    For tables of many small cases: as tests of their own they cost far more than what they check. Every case runs
    whatever becomes of the others, and those that fail are raised together, each under its name. Fixtures are made
    once for the table, so cases must leave them as they are.
    """
    columns = [part.strip() for part in names.split(",")] if isinstance(names, str) else list(names)
    rows = [dict(zip(columns, [case] if len(columns) == 1 else case, strict=True)) for case in cases]
    assert rows, "a table without cases checks nothing"
    spelled = ids if callable(ids) else SHORT.repr
    given = None if ids is None or callable(ids) else list(ids)
    assert given is None or len(given) == len(rows), "every case needs one name"

    def name_of(number: int) -> str:
        return given[number] if given else " - ".join(map(spelled, rows[number].values()))

    def table(test: Callable) -> Callable:
        if inspect.iscoroutinefunction(test):

            @functools.wraps(test)
            async def run_all(**fixtures: object) -> None:
                failed: dict[int, BaseException] = {}
                for number, row in enumerate(rows):
                    with _kept(failed, number):
                        await test(**row, **fixtures)
                _tell(failed, name_of, len(rows))
        else:

            @functools.wraps(test)
            def run_all(**fixtures: object) -> None:
                failed: dict[int, BaseException] = {}
                for number, row in enumerate(rows):
                    with _kept(failed, number):
                        test(**row, **fixtures)
                _tell(failed, name_of, len(rows))

        asked = inspect.signature(test).parameters.values()
        assert set(columns) <= {parameter.name for parameter in asked}, f"{test.__name__} does not take {columns}"
        run_all.__signature__ = inspect.Signature([item for item in asked if item.name not in columns])
        del run_all.__wrapped__  # pytest would look through it, and ask for the columns as fixtures
        run_all.place_as = test  # where pytest says that it stands
        return run_all

    return table


@contextmanager
def _kept(failed: dict[int, BaseException], number: int) -> Iterator[None]:
    try:
        yield
    except (Exception, pytest.fail.Exception) as error:
        failed[number] = error


def _tell(failed: dict[int, BaseException], name_of: Callable[[int], str], total: int) -> None:
    for number, error in failed.items():
        error.add_note(f"in the case {name_of(number)}")
    if failed:  # all names stand in front, because tracebacks of groups show the first few only
        names = "".join(f"\n  {name_of(number)}" for number in failed)
        raise BaseExceptionGroup(f"{len(failed)} of {total} cases:{names}\n", list(failed.values()))


__all__ = ["every"]
