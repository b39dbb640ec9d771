"""YAML text to plain values, remembering where every key stands.

Rule: only what YAML 1.2 and JSON have in common is taken: `no`, `on` and dates
stay text, so that this reader and Bicep's see the same values. Invariants: a key
written twice is a problem, never a silent overwrite; a few lines of aliases of aliases
do not become more values than any file has.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import yaml

from ..errors import RoutesError

KeyPath = tuple[str | int, ...]

_Base: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Base):  # type: ignore[misc]
    """libyaml where it is there, with YAML 1.2's idea of a plain scalar."""


_Loader.yaml_implicit_resolvers = {
    first: kept
    for first, rows in yaml.SafeLoader.yaml_implicit_resolvers.items()
    if (kept := [(tag, regexp) for tag, regexp in rows if tag.rsplit(":", 1)[1] in {"int", "float", "null"}])
}
_BOOL = {"true": True, "True": True, "false": False, "False": False}


MOST_VALUES = 100_000
"""Values of a file, each alias counted with all that it stands for: a thousand for each of 100 streams."""
PLACED = frozenset({"transform"})
"""Keys whose value is a text of its own, with places inside it (scalars.py)."""


class Scalar(NamedTuple):
    """How a value is written: `|`, `>`, a quote or None, and its first and last place, both from 0."""

    style: str | None
    line: int
    column: int
    end_line: int
    end_column: int


@dataclass(frozen=True)
class Document:
    """A file's values, and the place of each key."""

    name: str
    value: Any
    marks: dict[KeyPath, tuple[int, int]]
    """Key path -> line and column, both from 1."""
    problems: list[str] = field(default_factory=list)
    scalars: dict[KeyPath, Scalar] = field(default_factory=dict)
    """How the values of PLACED keys are written."""
    text: str = ""

    def at(self, path: KeyPath) -> str:
        """`file:line:column` of a key, or of its nearest parent that is there."""
        while path and path not in self.marks:
            path = path[:-1]
        line, column = self.marks.get(path, (1, 1))
        return f"{self.name}:{line}:{column}"


def read(text: str, name: str) -> Document:
    """Parse `text`.

    Raises:
        RoutesError: it is not YAML.
    """
    try:
        root = yaml.compose(text, Loader=_Loader)
    except yaml.YAMLError as error:
        raise RoutesError([_syntax(error, name)]) from error
    except RecursionError as error:
        raise RoutesError([f"{name}:1:1: the file is nested too deep."]) from error
    document = Document(name, None, {}, text=text)
    try:
        value = None if root is None else _build(root, (), document)
    except RecursionError as error:
        raise RoutesError(
            [f"{name}:1:1: the file is nested too deep, or an alias (*) stands in its own anchor (&)."]
        ) from error
    return replace(document, value=value)


def _syntax(error: yaml.YAMLError, name: str) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f"{name}:{mark.line + 1}:{mark.column + 1}" if mark else name
    what = getattr(error, "problem", None) or str(error)
    return f"{place}: this is not YAML: {what}. Look at the indentation and the quotes of this line."


def _build(node: yaml.Node, path: KeyPath, document: Document) -> Any:
    if len(document.marks) >= MOST_VALUES:
        line = node.start_mark.line + 1
        raise RoutesError(
            [f"{document.name}:{line}:1: the file holds over {MOST_VALUES:,} values. Take fewer aliases (*)."]
        )
    document.marks.setdefault(path, (node.start_mark.line + 1, node.start_mark.column + 1))
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, document)
    if isinstance(node, yaml.SequenceNode):
        return [_build(item, (*path, index), document) for index, item in enumerate(node.value)]
    if path and path[-1] in PLACED:
        start, end = node.start_mark, node.end_mark
        style = getattr(node, "style", None)
        document.scalars[path] = Scalar(style, start.line, start.column, end.line, end.column)
    return _scalar(node, document)


def _mapping(node: yaml.MappingNode, path: KeyPath, document: Document) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        mark = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
        place = f"{document.name}:{mark[0]}:{mark[1]}"
        if not isinstance(key_node, yaml.ScalarNode) or key_node.value == "<<":
            document.problems.append(f"{place}: a key is a text. Write each key out, without ? and <<.")
            continue
        key = str(key_node.value)
        here = (*path, key)
        if key in result:
            document.problems.append(f"{place}: {key} is written twice here. Keep one of them.")
        document.marks[here] = mark
        result[key] = _build(value_node, here, document)
    return result


def _scalar(node: Any, document: Document) -> Any:
    if not node.style and node.value in _BOOL:
        return _BOOL[node.value]
    try:
        return yaml.constructor.SafeConstructor().construct_object(node)
    except (
        yaml.YAMLError,
        ValueError,
        KeyError,
        AttributeError,
    ):  # by what the tag names, or a number too long
        mark = node.start_mark
        kind = node.tag.rpartition(":")[2]
        document.problems.append(
            f"{document.name}:{mark.line + 1}:{mark.column + 1}: this cannot be read as {kind}. "
            "Write it in quotes, without a tag."
        )
        return str(node.value)
