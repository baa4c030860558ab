"""Tables run in one test: every case runs, and those that fail are told together by their names."""

import asyncio

import pytest

from tests.every import every


def notes_of(group):
    return [note for error in group.exceptions for note in error.__notes__]


def test_every_case_runs_and_all_that_fail_are_told():
    seen = []

    @every("number", [1, 2, 3, 4])
    def table(number):
        seen.append(number)
        assert number % 2

    with pytest.raises(BaseExceptionGroup, match="2 of 4 cases") as told:
        table()
    assert seen == [1, 2, 3, 4]
    assert notes_of(told.value) == ["in the case 2", "in the case 4"]


def test_an_error_that_did_not_come_is_a_failure_of_its_case_alone():
    @every("text", ["1", "x", "2"])
    def table(text):
        with pytest.raises(ValueError, match="invalid literal"):
            int(text)

    with pytest.raises(BaseExceptionGroup) as told:
        table()
    assert notes_of(told.value) == ["in the case '1'", "in the case '2'"]


def test_names_are_those_given():
    @every(("left", "right"), [(1, 2), (3, 3)], ids=["smaller", "equal"])
    def table(left, right):
        assert left > right

    with pytest.raises(BaseExceptionGroup) as told:
        table()
    assert notes_of(told.value) == ["in the case smaller", "in the case equal"]


def test_tables_multiply():
    seen = []

    @every("left", [1, 2])
    @every("right", [3, 4], ids=str)
    def table(left, right):
        seen.append((left, right))

    table()
    assert seen == [(1, 3), (1, 4), (2, 3), (2, 4)]


def test_tables_of_coroutines_are_coroutines():
    @every("number", [1, 2])
    async def table(number):
        await asyncio.sleep(0)
        assert number == 2

    with pytest.raises(BaseExceptionGroup) as told:
        asyncio.run(table())
    assert notes_of(told.value) == ["in the case 1"]


@every("doubled", [2, 4])
def test_fixtures_are_given_beside_the_cases(doubled, tmp_path):
    assert doubled % 2 == 0
    assert tmp_path.is_dir()


def test_a_table_without_cases_is_no_test():
    with pytest.raises(AssertionError, match="checks nothing"):
        every("number", [])
