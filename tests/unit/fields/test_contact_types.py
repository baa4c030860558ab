"""url, email, phone."""

import pytest

from engine.errors import InvalidValue
from engine.fields import FIELD_TYPES, BadOption
from engine.fields.contact import group_digits
from tests.every import every


def kind(name, **options):
    return FIELD_TYPES[name].configure(options)


@every(
    ("written", "value"),
    [
        ("http://x.com", "http://x.com"),
        ("https://user:pw@host.com:8080/a?b=c#d", "https://user:pw@host.com:8080/a?b=c#d"),
        ("ftp://a.b/c", "ftp://a.b/c"),
        ("HTTP://X.COM", "HTTP://X.COM"),
        ("www.google.com", "www.google.com"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]/", "http://[::1]/"),
        ("http://müller.de/ü", "http://müller.de/ü"),
        ("xn--mller-kva.xn--p1ai", "xn--mller-kva.xn--p1ai"),
        ("(http://x.com)<Label>", "http://x.com"),
        ("(http://x.com)", "http://x.com"),
        ("(http://x.com/a_(b))<two words>", "http://x.com/a_(b)"),
        ("http://x.com/a_(b)", "http://x.com/a_(b)"),
    ],
)
def test_urls(written, value):
    url = kind("url")
    assert url.parse_json(written) == url.csv_in(written) == url.parse_text(written) == value
    assert url.parse_json(value) == value


@every(
    "value",
    [
        "x",
        "javascript:alert(1)",
        "data:text/html,x",
        "http://",
        "http://a b",
        "a.com\n",
        "1.5",
        "http://x..com",
        "http://-x.com",
        "http://x.com/<b>",
        "mailto:a@b.com",
        "//x.com",
        "/path",
        "(http://x.com",
        "http://x.com/\u2028",
        "http://x.com:999999",
        "http://" + "a" * 2048 + ".com",
        5,
        None,
        ["http://x.com"],
        "\ud800",
    ],
)
def test_what_is_no_url(value):
    with pytest.raises(InvalidValue, match="Expected a URL"):
        kind("url").parse_json(value)


def test_parts_of_urls_can_be_asked_for():
    assert kind("url").parse_text("google") == "google"
    with pytest.raises(InvalidValue):
        kind("url").parse_text("\ud800")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("a@b.com", "a@b.com"),
        ("Ann.Lee+x@ACME.Com", "Ann.Lee+x@acme.com"),
        ("a@müller.de", "a@müller.de"),
        ("dev@crm.test", "dev@crm.test"),
    ],
)
def test_emails(written, value):
    email = kind("email")
    assert email.parse_json(written) == email.csv_in(written) == email.parse_text(written) == value


@every(
    "value",
    ["a", "a@b", "@b.com", "a@", "a b@c.com", "a@b.com ", "a@b@c.com", "a@[1.2.3.4]", "x" * 400 + "@b.com", "a@b..com"],
)
def test_bad_emails_have_their_own_code(value):
    with pytest.raises(InvalidValue) as refused:
        kind("email").parse_json(value)
    assert (refused.value.code, refused.value.rule) == ("invalidEmail", None)
    assert refused.value.info == {"rejectedValue": value}


@pytest.mark.parametrize("value", [5, {"$ne": 1}, ["a@b.com"], "\ud800@b.com"])
def test_emails_are_text(value):
    with pytest.raises(InvalidValue) as refused:
        kind("email").parse_json(value)
    assert refused.value.code == "invalid"


def test_parts_of_emails_can_be_asked_for():
    assert kind("email").parse_text("@acme") == "@acme"


@pytest.mark.parametrize(
    ("digits", "grouped"),
    [
        ("1112223333", "111-222-3333"),
        ("17028459380", "1-702-845-9380"),
        ("5492616549862", "549-261-654-9862"),
        ("8459380", "845-9380"),
        ("12345", "1-2345"),
        ("1234", "1234"),
    ],
)
def test_grouping_from_the_right(digits, grouped):
    assert group_digits(digits) == grouped
    assert kind("phone").render(digits) == kind("phone").csv_out(digits) == grouped


@pytest.mark.parametrize(
    "written",
    ["1-702-845-9380", "+1 702 845 9380", "17028459380", "1 (702) 845.9380", "1/702/845/9380", "1‑702‑845‑9380"],
)
def test_punctuation_of_phones_is_dropped(written):
    phone = kind("phone")
    assert phone.parse_json(written) == phone.csv_in(written) == phone.parse_text(written) == "17028459380"


@every(
    "value",
    [
        "123456",
        "1" * 16,
        "call me",
        "1702845938x",
        "17028459380 ext 3",
        "++17028459380",
        "1+7028459380",
        "",
        "-",
        17028459380,
        "١٧٠٢٨٤٥٩٣٨٠",
        "17028459380\n",
    ],
)
def test_what_is_no_phone(value):
    with pytest.raises(InvalidValue) as refused:
        kind("phone").parse_json(value)
    assert refused.value.message == "Expected a phone number of 7 to 15 digits"


def test_international_phones_are_looser():
    assert kind("phone", international=True).parse_json("1234") == "1234"
    with pytest.raises(InvalidValue, match="country"):
        kind("phone", international=True).parse_json("123")


@pytest.mark.parametrize(
    ("written", "value", "json"),
    [
        ("702-845-9380", "17028459380", "1-702-845-9380"),
        ("1-702-845-9380", "17028459380", "1-702-845-9380"),
        ("+1-702-845-9380", "17028459380", "1-702-845-9380"),
        ("+54 9 261 654 9862", "5492616549862", "+549-261-654-9862"),
        ("+45 12 34 56 78", "4512345678", "+451-234-5678"),
    ],
)
def test_default_prefix(written, value, json):
    phone = kind("phone", international=True, defaultPrefix="+1")
    assert phone.parse_json(written) == value
    assert phone.render(value) == json
    assert phone.parse_json(json) == phone.fit(value) == phone.fit(written) == value


@pytest.mark.parametrize("value", ["12345", "+12345", "+999 1234567", "549-261-654-9862"])
def test_default_prefix_wants_numbers_that_exist(value):
    with pytest.raises(InvalidValue, match="country"):
        kind("phone", international=True, defaultPrefix="1").parse_json(value)


@pytest.mark.parametrize(
    "options",
    [
        {"defaultPrefix": "1"},
        {"international": False, "defaultPrefix": "1"},
        {"international": True, "defaultPrefix": "999"},
        {"international": True, "defaultPrefix": "x"},
    ],
)
def test_prefixes_that_make_no_sense(options):
    with pytest.raises(BadOption) as refused:
        kind("phone", **options)
    assert refused.value.key == "defaultPrefix"


def test_phone_queries_look_at_digits():
    phone = kind("phone")
    assert phone.parse_like("845-93") == phone.parse_text("845-93") == "84593"
    with pytest.raises(InvalidValue, match="at least one digit"):
        phone.parse_like("abc")
