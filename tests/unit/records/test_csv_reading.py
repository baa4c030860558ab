"""Files to rows: encodings, delimiters, quotes, and pieces of any size."""

import pytest

from engine.errors import BadRequest
from engine.records.csv_reading import MOST_CELL, CsvReader, check_encoding
from tests.every import every


def read(data, size=1 << 20, encoding=None):
    reader = CsvReader(encoding)
    rows = [row for start in range(0, len(data), size) for row in reader.feed(data[start : start + size])]
    return [*rows, *reader.end()]


def cells(data, **options):
    return [row.cells for row in read(data, **options)]


@every(
    ("data", "rows"),
    [
        (b"a,b\n1,2\n", [["a", "b"], ["1", "2"]]),
        (b"a;b\r\n1,5;2\r\n", [["a", "b"], ["1,5", "2"]]),
        (b"a\tb\n1\t2", [["a", "b"], ["1", "2"]]),
        (b"a|b\r1|2\r", [["a", "b"], ["1", "2"]]),
        (b'"a;x","b"\n1,2\n', [["a;x", "b"], ["1", "2"]]),
        (b'a,b\n"two\r\nlines","say ""hi"""\n', [["a", "b"], ["two\r\nlines", 'say "hi"']]),
        (b"a,b\n\n1,2\n\r\n", [["a", "b"], ["1", "2"]]),
        (b'a\n5" pipe\n', [["a"], ['5" pipe']]),
        (b"only\nx\n", [["only"], ["x"]]),
        (b"", []),
        (b"a", [["a"]]),
        ("\ufeffä,b\nü,2\n".encode(), [["ä", "b"], ["ü", "2"]]),
        ("ä,b\nü,2\n".encode("utf-16"), [["ä", "b"], ["ü", "2"]]),
        (b"\xfe\xff" + "ä,b\n€,2\n".encode("utf-16-be"), [["ä", "b"], ["€", "2"]]),
        ("ä\u2028,b\n\x0c\x1c\x85,2\n".encode(), [["ä\u2028", "b"], ["\x0c\x1c\x85", "2"]]),
    ],
)
@every("size", [1, 2, 3, 7, 1000])
def test_files_as_programs_write_them(data, rows, size):
    assert cells(data, size=size) == rows


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("windows-1252", "Größe,€\n".encode("cp1252")),
        ("ISO_8859-1", "Größe,¤\n".encode("latin-1")),
        ("utf-16le", "Größe,€\n".encode("utf-16-le")),
        ("utf-16be", "Größe,€\n".encode("utf-16-be")),
        ("windows-1252", "\ufeffGröße,€\n".encode()),  # what the file says of itself counts
    ],
)
def test_encodings_that_files_do_not_tell_are_taken_on_request(encoding, data):
    [[first, _]] = cells(data, encoding=check_encoding(encoding))
    assert first == "Größe"


@every(
    ("data", "encoding", "told"),
    [
        ("name\nGröße\n".encode("cp1252"), None, "not UTF-8 text in line 2: save it as UTF-8"),
        ("name,b\n".encode("utf-16-le"), None, "looks like UTF-16 without a byte order mark"),
        ("name,b\n".encode("utf-16-le"), "utf-16", "the order of its bytes"),
        (b"name\n\xe2\x82", None, "not UTF-8 text"),
        (
            b'name\n"open ' + b"x" * (MOST_CELL + 10),
            None,
            "The row in line 2 is longer than can be read: is a quote missing",
        ),
        (b'name\n"open' + b",\n" * MOST_CELL, None, "is a quote missing"),
        (b"x" * (5 * MOST_CELL), None, "is a quote missing"),
    ],
)
@every("size", [60_000, 10_000_000])
def test_files_that_cannot_be_read_are_refused_with_the_way_out(data, encoding, told, size):
    with pytest.raises(BadRequest, match=told):
        read(data, size, encoding)


def test_an_unknown_encoding_is_refused_with_the_nearest():
    with pytest.raises(BadRequest, match='did you mean "windows-1252"'):
        check_encoding("windows-1253")


@pytest.mark.parametrize("size", [1, 5, 1000])
def test_rows_tell_their_line_and_a_broken_one_spoils_no_other(size):
    data = b'a,b\n"x\ny",1\n"q"z,2\n3,4\n5,"open\n6,7\n'
    assert [(row.line, row.cells, row.fault is not None) for row in read(data, size)] == [
        (1, ["a", "b"], False),
        (2, ["x\ny", "1"], False),
        (4, [], True),
        (5, ["3", "4"], False),
        (6, [], True),
    ]
