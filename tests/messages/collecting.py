"""Which sentences of the source can reach a person in the terminal, and where each is written."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

# Where strings of several words are never shown in a terminal, and why.
NOT_FOR_READERS = {
    "postflow/__init__.py": "an AttributeError for programmers",
    "postflow/cli/demo/stories.py:REVIEWERS": "names of people",
    "postflow/cli/demo/casting.py": "addresses of people",
    "postflow/dashboard/terminal/app.py:CSS": "a style sheet",
    "postflow/domain/judgement": "words of reviewers; the analyser's own are taken from wording.py",
    "postflow/domain/keywords.py": "words of reviewers",
    "postflow/domain/people.py:rejected_names": "options of Frame.io's Status field",
    "postflow/settings/review.py:rejected": "options of Frame.io's Status field",
    "postflow/domain/review.py:_UNKNOWN": "a key",
    "postflow/frameio/protocol.py:_reasons": "names of fields",
    "postflow/frameio/events.py": "names of Frame.io",
    "postflow/frameio/login.py:_answer_to": "a page for the browser",
    "postflow/frameio/login.py:_page": "a page for the browser",
    "postflow/frameio/oauth.py:SERVER_SCOPE": "names of Adobe",
    "postflow/frameio/oauth.py:USER_SCOPE": "names of Adobe",
    "postflow/frameio/webhooks.py": "answers to programs",
    "postflow/logs.py": "log lines",
    "postflow/notices.py": "notices go to other people, who may read another language",
    "postflow/second_opinion.py:_TASK": "an order to a model",
    "postflow/settings/schema.py": "for editors of configuration files",
    "postflow/settings/starter.py": "comments in a file that is written once",
    "postflow/simulator": "a Frame.io, which speaks English",
    "postflow/store/columns.py": "an error for programmers",
    "postflow/store/append_only.py": "statements for the database",
    "postflow/store/bulk.py": "statements for the database",
    "postflow/store/migrations": "statements for the database",
    "postflow/tracker/announcer.py": "notices and events, for other people and programs",
    "postflow/tracker/notice_texts.py": "notices have a language of their own",
    "postflow/tracker/notice_words.py": "notices have a language of their own",
    "postflow/tracker/turns.py": "names of queues",
    "postflow/tracker/verdict_artifacts.py": "pages of Prefect",
    "flows/showing.py": "pages of Prefect",
    "postflow/webhook_silence.py": "notices and events",
    "webhook_api": "answers to programs, and pages of the browser",
}
# Arguments that hold words of people or names.
_NOT_SAID_AS = {"steps", "next_version", "decided_by", "metavar"}
# Calls whose text goes to a log, a parser or a programmer.
_NOT_SAID = re.compile(
    r".*\.(?:info|warning|error|debug|exception|encode|split|removeprefix|partition|startswith)$"
    r"|(?:.*\.)?(?:compile|text|exec_driver_sql|execute|joinpath|_repeat|_try|_miss|_?warn(?:_once)?)$"
    r"|(?:Assertion|Runtime|Type)Error$|Abort$|\w*_?log(?:ger)?\.\w+$"
)
# Calls whose text a person reads even if it is a single word, and the position it has.
_SAID_AT = {
    "say": 0,
    "complain": 0,
    "translate": 0,
    "add_column": 0,
    "_entry": 1,
    "Binding": 2,
    **dict.fromkeys(("ok", "warning", "failed", "unchecked"), 0),
}
_NO_SENTENCE = re.compile(
    r"^(?:SELECT|PRAGMA|BEGIN|CREATE|DROP|REPEATABLE|Bearer|SET|bold|dim)\b|%s"
)
_WORD = re.compile(r"[A-Za-z]{2,}")


@dataclass(frozen=True, slots=True)
class Found:
    """A template of the source, with values as `{name}`, and where it stands."""

    template: str
    place: str
    must_be_french: bool

    @property
    def shape(self) -> str:
        """The template without the names, by which both sides are compared."""
        return shape_of(self.template)


def shape_of(template: str) -> str:
    """Return a template with all its values alike; values side by side are one."""
    return re.sub(r"(?:\{\})+", "{}", re.sub(r"\{\w*(?:![a-z])?\}", "{}", template.strip()))


def find_templates() -> Iterator[Found]:
    """Give every template of the source; those that people read are marked."""
    for folder in ("postflow", "flows", "webhook_api"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield from _Reader(path).read()


class _Reader:
    def __init__(self, path: Path) -> None:
        self._name = path.relative_to(ROOT).as_posix()
        self._tree = ast.parse(path.read_text(encoding="utf-8"))
        self._parents = {
            child: parent
            for parent in ast.walk(self._tree)
            for child in ast.iter_child_nodes(parent)
        }
        self._is_for_readers = not any(
            self._name == each or self._name.startswith(f"{each}/") for each in NOT_FOR_READERS
        )

        self._headings = set(self._find_headings())

    def _find_headings(self) -> Iterator[ast.AST]:
        """Give the dictionaries whose values stand over the columns of a table."""
        tables = [
            call.args[1]
            for call in ast.walk(self._tree)
            if isinstance(call, ast.Call) and _name_of(call.func) == "print_table"
        ]
        parts = [part for table in tables for part in ast.walk(table)]
        named = {part.id for part in parts if isinstance(part, ast.Name)}
        yield from (part for part in parts if isinstance(part, ast.Dict))
        yield from (
            each.value
            for each in self._tree.body
            if isinstance(each, ast.Assign) and _name_of(each.targets[0]) in named
        )

    def read(self) -> Iterator[Found]:
        for node in ast.walk(self._tree):
            template = _call_of_frameio(node) or _template_of(node)
            if template is not None and not _has_words(template):
                template = _template_of(node, inside=self._texts_of(node))
            if template is None or self._is_part_or_comment(node):
                continue
            yield Found(
                template.strip(),
                f"{self._name}:{node.lineno}",  # type: ignore[attr-defined]  # strings have one
                self._reaches_readers(node, template),
            )

    def _texts_of(self, node: ast.AST) -> dict[str, ast.JoinedStr]:
        """Give the texts that the function has named, to see those that only put them together."""
        scope = node
        while not isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
            scope = self._parents[scope]
        return {
            each.targets[0].id: each.value
            for each in ast.walk(scope)
            if isinstance(each, ast.Assign)
            and isinstance(each.targets[0], ast.Name)
            and isinstance(each.value, ast.JoinedStr)
        }

    def _is_part_or_comment(self, node: ast.AST) -> bool:
        parent = self._parents[node]
        if isinstance(parent, ast.keyword) and parent.arg in {"operation", "about"}:
            return True
        if isinstance(parent, ast.Expr):
            return True
        return isinstance(parent, ast.JoinedStr | ast.FormattedValue) and isinstance(
            node, ast.Constant
        )

    def _reaches_readers(self, node: ast.AST, template: str) -> bool:
        if not _has_words(template) or _NO_SENTENCE.search(template):
            return False
        is_phrase = " " in template.rstrip("\n") or self._is_said(node)
        if not is_phrase or self._is_said_to_nobody(node):
            return False
        return self._is_for_readers or self._is_error_of_ours(node)

    def _calls(self, node: ast.AST) -> Iterator[tuple[ast.Call, ast.AST]]:
        """Give the calls that the string is an argument of, with that argument."""
        child, parent = node, self._parents.get(node)
        while isinstance(parent, ast.expr | ast.keyword):
            if isinstance(parent, ast.Call):
                yield parent, child
            child, parent = parent, self._parents.get(parent)

    def _is_error_of_ours(self, node: ast.AST) -> bool:
        ours = {"ConfigurationError", "PostFlowError"} | _error_names()
        return any(_name_of(call.func).rpartition(".")[2] in ours for call, _ in self._calls(node))

    def _is_said_to_nobody(self, node: ast.AST) -> bool:
        scope: ast.AST | None = node
        while scope is not None:
            if f"{self._name}:{_scope_name(scope)}" in NOT_FOR_READERS:
                return True
            scope = self._parents.get(scope)
        return any(
            _NOT_SAID.match(_name_of(call.func))
            or (isinstance(argument, ast.keyword) and argument.arg in _NOT_SAID_AS)
            for call, argument in self._calls(node)
        )

    def _is_said(self, node: ast.AST) -> bool:
        """Whether a single word is said to people: a heading, an empty table, one of two words."""
        parent = self._parents[node]
        if isinstance(parent, ast.IfExp | ast.BoolOp) and self._is_inside_text(parent):
            return True
        if isinstance(parent, ast.IfExp | ast.Return) and self._is_in_a_saying_function(node):
            return True
        if parent in self._headings:
            return node not in _keys(parent)
        for call, argument in self._calls(node):
            name = _name_of(call.func).rpartition(".")[2]
            position = _SAID_AT.get(name)
            if position is not None and argument in call.args[position : position + 1]:
                return argument is node or isinstance(argument, ast.IfExp)
        return False

    def _is_in_a_saying_function(self, node: ast.AST) -> bool:
        scope: ast.AST | None = node
        while scope is not None and not isinstance(scope, ast.FunctionDef):
            scope = self._parents.get(scope)
        return scope is not None and re.match(r"_?(?:say|describe)_", scope.name) is not None

    def _is_inside_text(self, node: ast.AST) -> bool:
        return isinstance(self._parents[node], ast.FormattedValue)


def _has_words(template: str) -> bool:
    return bool(_WORD.search(re.sub(r"\{.*?\}", " ", template)))


def _error_names() -> set[str]:
    from postflow import errors  # noqa: PLC0415

    return {name for name, each in vars(errors).items() if isinstance(each, type)}


def _template_of(node: ast.AST, *, inside: Mapping[str, ast.JoinedStr] | None = None) -> str | None:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return None
    said, taken = "", set[str]()
    for part in _parts_of(node, inside or {}):
        if isinstance(part, ast.FormattedValue):
            name = _value_name(part.value)
            while name in taken:
                name += "_"
            taken.add(name)
            said += f"{{{name}!r}}" if part.conversion == ord("r") else f"{{{name}}}"
        elif isinstance(part, ast.Constant):
            said += str(part.value)
    return said


def _parts_of(node: ast.JoinedStr, inside: Mapping[str, ast.JoinedStr]) -> Iterator[ast.expr]:
    for part in node.values:
        value = part.value if isinstance(part, ast.FormattedValue) else None
        if isinstance(value, ast.Name) and value.id in inside:
            yield from inside[value.id].values
        else:
            yield part


def _call_of_frameio(node: ast.AST) -> str | None:
    """Put together what `Call.doing` will: an operation, and what it is about."""
    given = {each.arg: each.value for each in node.keywords} if isinstance(node, ast.Call) else {}
    if "operation" not in given:
        return None
    about = given.get("about")
    if about is None:
        return _template_of(given["operation"])
    return (
        f"{_template_of(given['operation'])} {_template_of(about) or f'{{{_value_name(about)}}}'}"
    )


def _value_name(node: ast.AST) -> str:
    """Name a value after what it is made of, for whoever translates."""
    match node:
        case ast.Name():
            return node.id.strip("_")
        case ast.Attribute():
            return node.attr.strip("_")
        case ast.Subscript(slice=ast.Constant(value=str() as key)):
            return key
        case ast.Call(args=[first, *_]):
            return _value_name(first)
        case ast.Call():
            return _value_name(node.func)
    found = next((each for each in ast.iter_child_nodes(node) if isinstance(each, ast.expr)), None)
    return _value_name(found) if found is not None else "value"


def _keys(node: ast.AST) -> list[ast.expr | None]:
    return node.keys if isinstance(node, ast.Dict) else []


def _scope_name(node: ast.AST) -> str:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return node.name
        case ast.Assign():
            return _name_of(node.targets[0])
        case ast.AnnAssign():
            return _name_of(node.target)
    return ""


def _name_of(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_name_of(node.value)}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""
