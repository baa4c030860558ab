from engine.permissions.passwords import is_hashable, make_password, validate_password
from engine.schema import PasswordRules
from tests.every import every

STRICT = PasswordRules(min_length=10, upper=True, lower=True, digit=True, symbol=True)


def broken(password, rules):
    return [found.rule for found in validate_password(password, rules)]


@every(
    ("password", "rules", "expected"),
    [
        ("secret", PasswordRules(), []),
        ("secre", PasswordRules(), ["minLength"]),
        ("", PasswordRules(), ["minLength"]),
        ("Abcdefgh1!", STRICT, []),
        ("abcdefgh1!", STRICT, ["upper"]),
        ("ABCDEFGH1!", STRICT, ["lower"]),
        ("Abcdefghi!", STRICT, ["digit"]),
        ("Abcdefgh12", STRICT, ["symbol"]),
        ("Abcdefg 12", STRICT, ["symbol"]),
        ("", STRICT, ["minLength", "upper", "lower", "digit", "symbol"]),
        ("Ärger-über-9", STRICT, []),
        ("x" * 128, PasswordRules(), []),
        ("x" * 129, PasswordRules(), ["maxLength"]),
        ("😀" * 128, PasswordRules(), []),
        ("😀" * 129, PasswordRules(), ["maxLength"]),
    ],
)
def test_every_broken_rule_is_told(password, rules, expected):
    assert broken(password, rules) == expected


def test_messages_name_the_limit_and_never_the_password():
    [problem] = validate_password("hunter2", PasswordRules(min_length=12))
    assert problem.limit == 12
    assert "12" in problem.message
    assert "hunter2" not in problem.message


def test_text_is_measured_in_characters_and_in_bytes():
    assert is_hashable("a" * 128)
    assert not is_hashable("a" * 129)
    assert is_hashable("😀" * 128)
    assert not is_hashable("e\u0301" * 65)


def test_made_passwords_keep_the_rules_and_differ():
    made = {make_password() for _ in range(50)}
    assert len(made) == 50
    assert all(validate_password(password, STRICT) == () for password in made)


def test_made_passwords_are_as_long_as_the_rules_ask_but_can_always_be_hashed():
    assert len(make_password(40)) == 40
    assert is_hashable(make_password(1000))
    assert len(make_password()) == 20
