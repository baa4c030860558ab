"""What clients call files, and what is kept of it."""

from engine.fields.file_names import clean_file_name, describe_file
from tests.every import every


@every(
    ("written", "kept"),
    [
        ("logo.png", "logo.png"),
        ("Größe (1).pdf", "Größe (1).pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/etc/passwd", "passwd"),
        ("C:\\Users\\me\\a.txt", "a.txt"),
        ("a/", "file"),
        ("..", "file"),
        ("", "file"),
        (" \t ", "file"),
        ("a\x00b\r\nc.txt", "abc.txt"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("%2e%2e%2fa", "%2e%2e%2fa"),
        ("CON", "CON"),
        ('a"b;c.txt', 'a"b;c.txt'),
        (".htaccess", ".htaccess"),
        ("\ud800x", "x"),
        ("x" * 300 + ".png", "x" * 251 + ".png"),
        ("x" * 300, "x" * 255),
        ("x." + "y" * 300, "x." + "y" * 253),
    ],
)
def test_a_name_is_the_last_piece_of_a_path_and_can_be_seen(written, kept):
    assert clean_file_name(written) == kept


@every(
    ("size", "shown"),
    [
        (0, "0B"),
        (999, "999B"),
        (1000, "1kB"),
        (4000, "4kB"),
        (41523, "41.5kB"),
        (999949, "999.9kB"),
        (999950, "1MB"),
        (52428800, "52.4MB"),
        (1073741824, "1.1GB"),
        (5 * 10**15, "5PB"),
    ],
)
def test_a_file_is_shown_with_its_size(size, shown):
    assert describe_file("logo.png", size) == f"logo.png ({shown})"
