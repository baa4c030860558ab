"""What a download says of itself: names that no header can be broken with, and the parts of a file."""

import pytest

from engine.errors import RangeNotSatisfiable
from server.http.downloads import Part, attachment, parse_range
from tests.every import every
from tests.processor_time import seconds_of


@every(
    ("name", "header"),
    [
        ("file.ext", "attachment; filename=file.ext"),
        ("my file.txt", "attachment; filename=\"my file.txt\"; filename*=UTF-8''my%20file.txt"),
        ('a"b.txt', "attachment; filename=\"a_b.txt\"; filename*=UTF-8''a%22b.txt"),
        ("a;b='c'.txt", "attachment; filename=\"a;b='c'.txt\"; filename*=UTF-8''a%3Bb%3D%27c%27.txt"),
        ("Größe.pdf", "attachment; filename=\"Gr__e.pdf\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.pdf"),
        ("100%.txt", "attachment; filename=\"100_.txt\"; filename*=UTF-8''100%25.txt"),
        ("../../etc/passwd", "attachment; filename=passwd"),
        ("..\\..\\boot.ini", "attachment; filename=boot.ini"),
        ("a\r\nset-cookie: b", "attachment; filename=\"aset-cookie: b\"; filename*=UTF-8''aset-cookie%3A%20b"),
        ("photo\u202egnp.exe", "attachment; filename=photognp.exe"),
        ("\0", "attachment; filename=file"),
        ("", "attachment; filename=file"),
        ("CON", "attachment; filename=CON"),
        ("%2e%2e%2f", "attachment; filename=\"_2e_2e_2f\"; filename*=UTF-8''%252e%252e%252f"),
        ("x" * 300, "attachment; filename=" + "x" * 255),
        ("📄.txt", "attachment; filename=\"_.txt\"; filename*=UTF-8''%F0%9F%93%84.txt"),
    ],
)
def test_a_name_is_quoted_and_written_in_utf_8(name, header):
    assert attachment(name) == header


@every(
    ("text", "part"),
    [
        ("bytes=0-0", Part(0, 1)),
        ("bytes=0-9", Part(0, 10)),
        ("bytes=0-99", Part(0, 10)),
        ("bytes=3-", Part(3, 10)),
        ("bytes=-3", Part(7, 10)),
        ("bytes=-99", Part(0, 10)),
        (" bytes=9-9 ", Part(9, 10)),
        ("bytes=0-1,3-4", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=5-3", None),
        ("bytes=a-b", None),
        ("bytes=+1-2", None),
        ("bytes=1-2-3", None),
        ("bytes=٣-", None),
        ("bytes=" + "9" * 5000 + "-", None),
        ("lines=1-2", None),
        ("", None),
    ],
)
def test_one_part_is_read_and_all_else_means_the_whole_file(text, part):
    assert parse_range(text, 10) == part


@pytest.mark.parametrize(
    ("text", "size"), [("bytes=10-", 10), ("bytes=99-100", 10), ("bytes=-0", 10), ("bytes=0-", 0), ("bytes=-5", 0)]
)
def test_a_part_that_there_is_not_is_refused(text, size):
    with pytest.raises(RangeNotSatisfiable) as caught:
        parse_range(text, size)
    assert caught.value.headers == {"content-range": f"bytes */{size}"}


def test_thousands_of_parts_cost_next_to_nothing():
    text = "bytes=" + ",".join(f"{number}-" for number in range(10_000))
    assert parse_range(text, 10**6) is None
    assert seconds_of(lambda: parse_range(text, 10**6), 0.05) < 0.05
