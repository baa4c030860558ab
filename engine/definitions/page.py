"""The documentation of all problems as a Markdown page, made from the codes themselves.

`python -m engine.definitions.page > app_definitions/DIAGNOSTICS.md` writes it down.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.definitions.codes import CODE_GROUPS, Code

_HEAD = """# Problems of definitions

This page is made from the code by `python -m engine.definitions.page`.

`castwork validate` reports problems with these codes; they do not change. An error keeps the app from starting. A
warning tells of something that works and will hurt later: `castwork validate --strict` counts it as an error, and a
comment silences it on its line, or from a line of its own on the next one. It says why:

```yaml
auditLogs: {changed: true}  # ignore: D800 the law asks us to keep it for ever
```
"""


def render_page() -> str:
    """The page: every code with what it means, and two files that show it wrong and right."""
    return "\n".join([_HEAD, *_overview(), *_details()])


def _overview() -> Iterator[str]:
    for group in CODE_GROUPS:
        yield f"| {group.title} | |\n| --- | --- |"
        for code in group.codes:
            mark = " (warning)" if code.severity == "warning" else ""
            yield f"| [{code.code}](#{code.code.lower()}) | {code.title}{mark} |"
        yield ""


def _details() -> Iterator[str]:
    for group in CODE_GROUPS:
        yield f"## {group.title}\n"
        for code in group.codes:
            mark = " Warning." if code.severity == "warning" else ""
            yield f'### <a id="{code.code.lower()}"></a>{code.code} {code.title}\n\n{code.explanation}{mark}\n'
            yield from _example("Wrong", code, code.wrong)
            yield from _example("Right", code, code.right)


def _example(word: str, code: Code, text: str) -> Iterator[str]:
    if not code.file:
        yield f"{word}: {text}\n"
        return
    language = "python" if code.file.endswith(".py") else "yaml"
    yield f"{word}, in `{code.file}`:\n\n```{language}\n{text}\n```\n"


if __name__ == "__main__":
    print(render_page(), end="")
