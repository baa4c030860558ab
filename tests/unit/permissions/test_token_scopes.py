from engine.permissions.scopes import Vocabulary, parse_scopes, validate_scopes
from tests.every import every

KNOWN = Vocabulary(
    areas=("data", "readFiles", "jobs"),
    entities=("companies", "sys.users"),
    rights=("read", "create", "update", "delete"),
)


@every(
    ("scopes", "route", "allowed"),
    [
        (["data"], ("data", "companies", "delete"), True),
        (["data"], ("data", None, "none"), True),
        (["data"], ("jobs", None, "none"), False),
        (["data:companies"], ("data", "companies", "update"), True),
        (["data:companies"], ("data", "sys.users", "read"), False),
        (["data:companies"], ("data", None, "none"), False),
        (["data:*:read"], ("data", "sys.users", "read"), True),
        (["data:*:read"], ("data", "sys.users", "update"), False),
        (["data:companies:read+update"], ("data", "companies", "update"), True),
        (["data:companies:read+update"], ("data", "companies", "delete"), False),
        (["data:companies:read", "data:sys.users:delete"], ("data", "sys.users", "delete"), True),
        (["data:companies:read", "data:sys.users:delete"], ("data", "sys.users", "read"), False),
        ([], ("data", "companies", "read"), False),
        ([""], ("data", "companies", "read"), False),
    ],
)
def test_a_route_needs_one_scope_that_covers_it(scopes, route, allowed):
    assert parse_scopes(scopes).allows(*route) is allowed


def test_every_unknown_name_is_told_with_the_nearest_known_one():
    problems = validate_scopes(parse_scopes(["dta", "data:company:read+writ", "data:companies"]), KNOWN)
    assert [problem.split(";")[0] for problem in problems] == [
        'the scope "dta" names the unknown area "dta"',
        'the scope "data:company:read+writ" names the unknown entity "company"',
        'the scope "data:company:read+writ" names the unknown right "writ"',
    ]
    assert 'did you mean "data"?' in problems[0]


def test_scopes_keep_their_text():
    assert parse_scopes(["data:companies:update+read"]).texts == ("data:companies:update+read",)
