"""The page of field types says what the code does: it is the generator's output, byte for byte."""

from pathlib import Path

from engine.fields import FIELD_TYPES
from engine.fields.tables import field_tables, render_page

PAGE = Path(__file__).parents[2] / "app_definitions" / "FIELD_TYPES.md"


def test_the_page_is_what_the_types_say():
    assert PAGE.read_text() == render_page(), "run: python -m engine.fields.tables > app_definitions/FIELD_TYPES.md"


def test_every_type_has_a_row_in_the_tables_that_go_by_type():
    tables = field_tables()
    for title in ("What a field may carry", "What queries and aggregates may ask", "How values look"):
        rows = [line.split("|")[1].strip() for line in tables[title].splitlines()[2:]]
        assert rows == list(FIELD_TYPES)


def test_every_key_of_every_type_is_explained():
    tables = field_tables()
    for kind in FIELD_TYPES.values():
        for title, keys in (("Keys of a type", kind.keys), ("Keys of display", kind.display_keys)):
            for key in keys:
                assert key.description.endswith(".")
                assert any(
                    kind.name in line.split("|")[1] and f"`{key.name}`" in line for line in tables[title].splitlines()
                )


def test_all_rows_of_a_table_have_its_columns():
    for table in field_tables().values():
        lines = [line.replace("\\|", "") for line in table.splitlines()]
        assert {line.count("|") for line in lines} == {lines[0].count("|")}
