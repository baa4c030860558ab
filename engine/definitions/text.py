"""Text of a definition file in, a tree of positioned nodes out, with every problem as a Diagnostic.

YAML is read by libyaml's events with the scalars of YAML 1.2's core schema, and only what JSON can say as well:
no tags, no merge keys, no second document, `true` and `false` as the only booleans. JSON goes the same way.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]  # the stubs leave out libyaml's parser
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    StreamEndEvent,
)

from engine.definitions.codes.code import Code, problem
from engine.definitions.codes.files import (
    AMBIGUOUS_BOOLEAN,
    DUPLICATE_KEY,
    EMPTY_FILE,
    HOOKS_SYNTAX,
    KEY_NOT_TEXT,
    MERGE_KEY,
    NUMBER,
    SEVERAL_DOCUMENTS,
    SYNTAX,
    TAG,
    TOO_LARGE,
)
from engine.definitions.nodes import File, List, Map, Node, Scalar
from engine.errors import Diagnostic, Position

LARGEST_TEXT = 1024 * 1024
MOST_NODES = 100_000
MOST_ALIASES = 100
DEEPEST = 64
LONGEST_NUMBER = 100

_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_A_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_MAYBE_NUMBER = frozenset("-+.0123456789")
_WORDS: dict[str, bool | None] = {
    "true": True,
    "false": False,
    "null": None,
    "Null": None,
    "NULL": None,
    "~": None,
    "": None,
}
_AMBIGUOUS = {word: meaning for meaning in ("true", "false") for word in (meaning.capitalize(), meaning.upper())}
_ODD_BREAKS = re.compile("[\x85\u2028\u2029]")
_SURROGATES = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")


def load_text(name: str, text: str) -> tuple[Node | None, list[Diagnostic]]:
    """The tree of a YAML or JSON file, or None where it cannot be read to its end, and what is wrong with it."""
    if len(text) > LARGEST_TEXT:
        message = f"{name} is over {LARGEST_TEXT:,} characters"
        return None, [problem(TOO_LARGE, Position(name, 1, 1), message, "split it into several files")]
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    odd = _ODD_BREAKS.search(text)
    if odd is not None:
        at = _position(name, text, odd.start())
        message = f"{name} holds a line break that only some tools see (U+{ord(odd[0]):04X})"
        return None, [problem(SYNTAX, at, message, "remove it, or write it as an escape inside double quotes")]
    if name.endswith(".json"):
        return _load_json(name, text)
    return _load_yaml(File(name, text), text)


def load_functions(name: str, text: str) -> tuple[Mapping[str, bool] | None, list[Diagnostic]]:
    """The functions that a Python file defines at its top level, and whether each can be called with one argument; what
    it imports by name may be one, too.

    None if the file cannot be read; it is never executed.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the author's style; the file runs when it is served, and warns then
            module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        at = Position(name, getattr(error, "lineno", None) or 1, getattr(error, "offset", None) or 1)
        message = f"{name} is not valid Python: {getattr(error, 'msg', error)}"
        return None, [problem(HOOKS_SYNTAX, at, message, "correct it; nothing in the file runs before it can be read")]
    functions: dict[str, bool] = {}
    for part in module.body:
        if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
            functions[part.name] = _takes_one(part.args)
        elif isinstance(part, ast.ImportFrom):
            functions.update((one.asname or one.name, True) for one in part.names)
    return functions, []


def _takes_one(arguments: ast.arguments) -> bool:
    positional = len(arguments.posonlyargs) + len(arguments.args)
    needed = positional - len(arguments.defaults)
    keywords = sum(default is None for default in arguments.kw_defaults)
    return needed <= 1 and (positional >= 1 or arguments.vararg is not None) and keywords == 0


def _load_yaml(file: File, text: str) -> tuple[Node | None, list[Diagnostic]]:
    builder = _Builder(file)
    try:
        return builder.build(text), builder.problems
    except _Stop:
        return None, builder.problems
    except yaml.MarkedYAMLError as error:
        return None, [*builder.problems, _syntax_problem(file, error)]
    except (yaml.YAMLError, UnicodeEncodeError) as error:
        message = f"{file.name} holds a character that YAML does not allow: {error}".split("\n", 1)[0]
        return None, [*builder.problems, problem(SYNTAX, Position(file.name, 1, 1), message, "save it as UTF-8 text")]


def _syntax_problem(file: File, error: yaml.MarkedYAMLError) -> Diagnostic:
    mark, began = error.problem_mark, error.context_mark
    at = _position(file.name, file.text, min(mark.index, len(file.text.rstrip())) if mark else 0)
    about = ", ".join(part for part in (error.context, error.problem) if part)
    hint = "check the indentation, brackets and quotes there and in the lines before"
    if mark and file.text[mark.index : mark.index + 1] == "\t":
        hint = "indent with spaces, not with tabs"
    elif "mapping values" in about:
        hint = 'put a text that holds ": " in quotes'
    elif began and (began.line, began.column) != (mark and mark.line, mark and mark.column):
        hint = f"what began at {began.line + 1}:{began.column + 1} may not be closed, or not be indented well"
    return problem(SYNTAX, at, f"{file.name} is not valid YAML: {about}", hint)


def _load_json(name: str, text: str) -> tuple[Node | None, list[Diagnostic]]:
    file = File(name, text)
    node, problems = _load_yaml(file, _SURROGATES.sub(_one_escape, text))
    if problems and any(item.code != SYNTAX.code for item in problems):
        return node, problems
    try:
        json.loads(text, parse_constant=_refuse_constant, parse_int=str)
    except json.JSONDecodeError as error:
        return None, [_json_problem(name, error.msg, error.lineno, error.colno)]
    except _Constant as error:
        at = _position(name, text, text.find(str(error)))
        return None, [_json_problem(name, f"{error} is not a number", at.line, at.column)]
    return node, problems


class _Constant(Exception):
    """A word such as NaN, which JSON does not know and Python reads."""


def _refuse_constant(word: str) -> NoReturn:
    raise _Constant(word)


def _json_problem(name: str, message: str, line: int, column: int) -> Diagnostic:
    hint = "check the commas, brackets and quotes there and before; JSON has no comments"
    return problem(SYNTAX, Position(name, line, column), f"{name} is not valid JSON: {message}", hint)


def _one_escape(pair: re.Match[str]) -> str:
    """YAML writes a character beyond U+FFFF as one escape, JSON as two; the columns after it move by two."""
    high, low = (int(part, 16) for part in pair.groups())
    return f"\\U{0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00):08X}"


def _position(name: str, text: str, index: int) -> Position:
    return Position(name, text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index))


class _Stop(Exception):
    """Ends the reading of a file; its reason stands among the problems."""


class _Builder:
    """Builds the tree of one file from libyaml's events, counting what aliases expand to."""

    def __init__(self, file: File) -> None:
        self.file = file
        self.problems: list[Diagnostic] = []
        self.nodes = 0
        self.aliases = 0
        self.anchors: dict[str, tuple[Node, int, int]] = {}
        self.deepest = 0

    def build(self, text: str) -> Node | None:
        parser = CParser(text)
        try:
            return self._document(parser.get_event)
        finally:
            parser.dispose()

    def _document(self, events: Any) -> Node | None:
        events()  # start of the stream
        start = events()
        if isinstance(start, StreamEndEvent):
            message = f"{self.file.name} is empty"
            self._refuse(
                EMPTY_FILE, Position(self.file.name, 1, 1), message, "write at least a label, or remove the file"
            )
            return None
        node = self._node(events(), events, 0)
        events()  # end of the document
        following = events()
        if isinstance(following, DocumentStartEvent):
            message = f"{self.file.name} holds more than one document"
            self._stop(SEVERAL_DOCUMENTS, self._at(following), message, "give each its own file and remove the `---`")
        return node

    def _node(self, event: Any, events: Any, depth: int) -> Node:
        if depth > DEEPEST:
            self._stop(
                TOO_LARGE, self._at(event), f"{self.file.name} is nested deeper than {DEEPEST} levels", "nest less"
            )
        if type(event) is AliasEvent:
            return self._alias(event, depth)
        self.nodes += 1
        if self.nodes > MOST_NODES:
            self._stop(TOO_LARGE, self._at(event), f"{self.file.name} has over {MOST_NODES:,} values", "split it")
        if event.tag is not None:
            hint = "leave the tag out; quote a value that is a text"
            self._refuse(TAG, self._at(event), f"the tag {_tag(event)} has no meaning here", hint)
        if event.anchor is None:
            self.deepest = max(self.deepest, depth)
            return self._content(event, events, depth)
        nodes_before, deepest_before, self.deepest = self.nodes, self.deepest, depth
        node = self._content(event, events, depth)
        self.anchors[event.anchor] = (node, self.nodes - nodes_before + 1, self.deepest - depth)
        self.deepest = max(self.deepest, deepest_before)
        return node

    def _content(self, event: Any, events: Any, depth: int) -> Node:
        kind = type(event)
        if kind is ScalarEvent:
            return self._scalar(event)
        return self._map(event, events, depth) if kind is MappingStartEvent else self._list(event, events, depth)

    def _list(self, start: Any, events: Any, depth: int) -> List:
        mark = start.start_mark
        items = []
        while type(event := events()) is not SequenceEndEvent:
            items.append(self._node(event, events, depth + 1))
        return List(self.file, mark.line + 1, mark.column + 1, start.tag is not None, tuple(items))

    def _map(self, start: Any, events: Any, depth: int) -> Map:
        mark = start.start_mark
        keys: dict[str, Scalar] = {}
        values: dict[str, Node] = {}
        refused = start.tag is not None
        while type(event := events()) is not MappingEndEvent:
            key = self._key(event, events, depth)
            value = self._node(events(), events, depth + 1)
            if key is None:
                refused = True
                continue
            name = key.value
            if name in keys:
                first = keys[name]
                message = f'the key "{name}" stands here a second time; the first is at {first.line}:{first.column}'
                self._refuse(DUPLICATE_KEY, key.at, message, "remove one of the two")
                continue
            keys[name] = key
            values[name] = value
        return Map(self.file, mark.line + 1, mark.column + 1, refused, keys, values)

    def _key(self, event: Any, events: Any, depth: int) -> Scalar | None:
        """A key is its text, whatever it looks like: `on`, `yes` and `1` are names here."""
        if type(event) is not ScalarEvent:
            hint = 'write a text as the key; quote it when it begins with "{", "[", "*" or "&"'
            self._refuse(KEY_NOT_TEXT, self._at(event), "a key must be a text", hint)
            self._node(event, events, depth + 1)
            return None
        self.nodes += 1
        if event.tag is not None or (event.value == "<<" and not event.style):
            if event.tag is not None:
                self._refuse(TAG, self._at(event), f"the tag {_tag(event)} has no meaning here", "leave the tag out")
            else:
                hint = "write the keys out; to take over the fields of an entity use `extends`"
                self._refuse(MERGE_KEY, self._at(event), "merge keys (<<) are not understood", hint)
            return None
        start: Any = event.start_mark
        end: Any = event.end_mark
        style = event.style or ""
        key = Scalar(self.file, start.line + 1, start.column + 1, False, event.value, start.index, end.index, style)
        if event.anchor is not None:
            self.anchors[event.anchor] = (key, 1, 0)
        return key

    def _scalar(self, event: Any) -> Scalar:
        start: Any = event.start_mark
        end: Any = event.end_mark
        value, refused = event.value, event.tag is not None
        if not event.style and not refused:
            value, refused = self._plain(value, event)
        return Scalar(
            self.file, start.line + 1, start.column + 1, refused, value, start.index, end.index, event.style or ""
        )

    def _plain(self, text: str, event: Any) -> tuple[Any, bool]:
        """The value of an unquoted scalar by the core schema of YAML 1.2, and whether it was refused."""
        if text in _WORDS:
            return _WORDS[text], False
        if text in _AMBIGUOUS:
            hint = f'write {_AMBIGUOUS[text]} for the boolean, or "{text}" in quotes for the text'
            self._refuse(
                AMBIGUOUS_BOOLEAN, self._at(event), f"{text} is not clear: it could be a text or a boolean", hint
            )
            return text, True
        if text[0] not in _MAYBE_NUMBER:
            return text, False
        if len(text) <= LONGEST_NUMBER:
            if _INTEGER.fullmatch(text):
                return int(text, _base(text)), False
            if _NUMBER.fullmatch(text):
                return Decimal(text), False
        if _NOT_A_NUMBER.fullmatch(text) or (len(text) > LONGEST_NUMBER and _NUMBER.fullmatch(text)):
            hint = "write a plain number, or quote a text"
            self._refuse(NUMBER, self._at(event), f"{text[:20]} is not a number that can be stored", hint)
            return text, True
        return text, False

    def _alias(self, event: Any, depth: int) -> Node:
        self.aliases += 1
        if self.aliases > MOST_ALIASES:
            message = f"{self.file.name} has over {MOST_ALIASES} aliases"
            self._stop(TOO_LARGE, self._at(event), message, "write the values out")
        found = self.anchors.get(event.anchor)
        if found is None:
            message = f"the alias *{event.anchor} names no anchor that ended before it"
            self._stop(SYNTAX, self._at(event), message, f"write &{event.anchor} at the value that it should repeat")
        node, size, height = found
        self.nodes += size
        self.deepest = max(self.deepest, depth + height)
        if self.nodes > MOST_NODES or self.deepest > DEEPEST:
            message = f"{self.file.name} expands to over {MOST_NODES:,} values or {DEEPEST} levels"
            self._stop(TOO_LARGE, self._at(event), message, "write the values out")
        return node

    def _at(self, event: Any) -> Position:
        mark = event.start_mark
        return Position(self.file.name, mark.line + 1, mark.column + 1)

    def _refuse(self, code: Code, at: Position, message: str, hint: str | None = None) -> None:
        self.problems.append(problem(code, at, message, hint))

    def _stop(self, code: Code, at: Position, message: str, hint: str | None = None) -> NoReturn:
        self._refuse(code, at, message, hint)
        raise _Stop


def _tag(event: Any) -> str:
    return str(event.tag).replace("tag:yaml.org,2002:", "!!")


def _base(text: str) -> int:
    return {"0x": 16, "0o": 8}.get(text[:2], 10)
