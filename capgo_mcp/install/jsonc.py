"""Changes one entry of a JSON text, with or without comments and trailing commas, and no other character of it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from capgo_mcp.install.text import Keys, Splice, Unusable, apply, newline, with_entry, without_entry

_GAP: Final = re.compile(r"(?:[ \t\r\n]|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
_STRING: Final = re.compile(r'"(?:[^"\\\n]|\\.)*"')
_SCALAR: Final = re.compile(r'[^\s,:\[\]{}"/]+')
_INDENT: Final = "  "


@dataclass
class Node:
    """A value and where it stands in the text; an object also has its members."""

    start: int
    end: int = 0
    value: Any = None
    members: list["JsonMember"] = field(default_factory=list)


@dataclass
class JsonMember:
    """A member of an object: where its name begins, its value, and the comma after it, if there is one."""

    name: str
    start: int
    node: Node
    comma: int | None


class _Reader:
    """Reads a text from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def document(self) -> Node:
        self._skip()
        node = self._value()
        self._skip()
        if self._at < len(self._text):
            raise self._wrong()
        return node

    def _value(self) -> Node:
        node = Node(self._at)
        match self._text[self._at : self._at + 1]:
            case "{":
                self._object(node)
            case "[":
                self._array(node)
            case '"':
                node.value = self._token(_STRING)
            case _:
                node.value = self._token(_SCALAR)
        node.end = self._at
        return node

    def _object(self, node: Node) -> None:
        self._take("{")
        while not self._takes("}"):
            start = self._at
            name = self._token(_STRING)
            self._skip()
            self._take(":")
            inner = self._value()
            self._skip()
            node.members.append(JsonMember(name, start, inner, self._at if self._sees(",") else None))
            if not self._separated("}"):
                break
        node.value = {member.name: member.node.value for member in node.members}

    def _array(self, node: Node) -> None:
        self._take("[")
        node.value = []
        while not self._takes("]"):
            node.value.append(self._value().value)
            self._skip()
            if not self._separated("]"):
                break

    def _separated(self, end: str) -> bool:
        """Whether a comma follows, after which there may be more; otherwise the end must follow."""
        if self._takes(","):
            self._skip()
            return True
        if not self._takes(end):
            raise self._wrong()
        return False

    def _token(self, pattern: re.Pattern[str]) -> Any:
        found = pattern.match(self._text, self._at)
        if found is None:
            raise self._wrong()
        try:
            value = json.loads(found[0], parse_constant=self._constant)
        except ValueError:
            raise self._wrong() from None
        self._at = found.end()
        return value

    def _constant(self, name: str) -> Any:
        raise ValueError(name)

    def _sees(self, sign: str) -> bool:
        return self._text.startswith(sign, self._at)

    def _takes(self, sign: str) -> bool:
        if not self._sees(sign):
            return False
        self._at += 1
        return True

    def _take(self, sign: str) -> None:
        if not self._takes(sign):
            raise self._wrong()
        self._skip()

    def _skip(self) -> None:
        gap = _GAP.match(self._text, self._at)
        self._at = gap.end() if gap else self._at

    def _wrong(self) -> Unusable:
        line = self._text.count("\n", 0, self._at) + 1
        return Unusable(f"it is not valid JSON at line {line}.")


@dataclass(frozen=True)
class Jsonc:
    """JSON, where comments and trailing commas may be allowed.

    Attributes:
        strict: Whether the client that reads the file allows neither.
    """

    strict: bool = False

    def read(self, text: str) -> dict[str, Any]:
        """What the text says; see `Editor`."""
        value: dict[str, Any] = self._parse(text).value
        return value

    def put(self, text: str, keys: Keys, entry: Mapping[str, Any]) -> str:
        """The text with an entry added or replaced; see `Editor`."""
        text = text if text.strip() else "{}\n"
        root = self._parse(text)
        wanted = with_entry(root.value, keys, entry)
        node, rest = root, list(keys)
        while rest and (member := _member(node, rest[0])):
            node = member.node
            rest.pop(0)
        value: Any = entry
        for key in reversed(rest[1:]):
            value = {key: value}
        unit = _unit(text, root)
        splice = _insertion(text, node, rest[0], value, unit) if rest else _replacement(text, node, value, unit)
        return self._checked(apply(text, splice), wanted)

    def drop(self, text: str, keys: Keys) -> str:
        """The text without an entry; see `Editor`."""
        root = self._parse(text)
        wanted = without_entry(root.value, keys)
        node = root
        for key in keys[:-1]:
            node = next(member.node for member in node.members if member.name == key)
        return self._checked(apply(text, *_removal(text, node, keys[-1])), wanted)

    def _parse(self, text: str) -> Node:
        try:
            # This client reads neither comments nor trailing commas, and the reader here takes both.
            if self.strict and text.strip():
                json.loads(text)
            root = _Reader(text if text.strip() else "{}").document()
        except RecursionError:
            raise Unusable("it is nested too deeply.") from None
        except json.JSONDecodeError as error:
            raise Unusable(f"it is not valid JSON at line {error.lineno}.") from None
        if not isinstance(root.value, dict):
            raise Unusable("it holds no JSON object.")
        return root

    def _checked(self, text: str, wanted: dict[str, Any]) -> str:
        # Whatever was cut and put in: it has to say exactly what was wanted, or nothing is written.
        if self.read(text) != wanted:
            raise Unusable("it is written in a way that cannot be changed safely.")
        return text


def _member(node: Node, name: str) -> JsonMember | None:
    """The member of a name.

    Raises:
        Unusable: There are several, of which clients choose one or another.
    """
    named = [member for member in node.members if member.name == name]
    if len(named) > 1:
        raise Unusable(f"it has {name} more than once.")
    return named[0] if named else None


def _insertion(text: str, node: Node, name: str, value: Any, unit: str) -> Splice:
    """Add a member at the end of an object, laid out as its other members are."""
    inside = text[node.start + 1 : node.end - 1]
    line_end = newline(text)
    if node.members and "\n" not in inside:
        last, new = node.members[-1], f" {json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}"
        if last.comma is not None:  # behind it, so that a comment before the comma stays with the member it is about
            return Splice(last.comma + 1, last.comma + 1, f"{new},")
        return Splice(last.node.end, last.node.end, f",{new}")
    outer = _line_indent(text, node.start)
    indent = _line_indent(text, node.members[0].start) if node.members else outer + unit
    new = f"{line_end}{indent}{json.dumps(name)}: {_laid_out(value, indent, unit, line_end)}"
    if not inside.strip():
        return Splice(node.start + 1, node.end - 1, f"{new}{line_end}{outer}")
    at = node.start + 1 + len(inside.rstrip())
    if not node.members:
        return Splice(at, at, new)
    last_member = node.members[-1]
    if last_member.comma is not None:
        return Splice(at, at, f"{new},")
    end = last_member.node.end
    return Splice(end, at, f",{text[end:at]}{new}")


def _replacement(text: str, node: Node, value: Any, unit: str) -> Splice:
    laid_out = _laid_out(value, _line_indent(text, node.start), unit, newline(text))
    return Splice(node.start, node.end, laid_out)


def _removal(text: str, node: Node, name: str) -> list[Splice]:
    """Take out a member with its comma and, where nothing else stands on them, its lines."""
    number = [member.name for member in node.members].index(name)
    member = node.members[number]
    start = len(text[: member.start].rstrip(" \t"))
    end = member.node.end if member.comma is None else member.comma + 1
    rest = text[end : node.end]
    if text[start - 1] == "\n" and not rest.partition("\n")[0].strip(" \t\r}"):
        start -= 2 if text[start - 2 : start] == "\r\n" else 1
    elif number == 0:
        start, end = member.start, end + len(rest) - len(rest.lstrip(" "))
    if not (text[node.start + 1 : start] + text[end : node.end - 1]).strip():
        return [Splice(node.start + 1, node.end - 1, "")]
    before = node.members[number - 1].comma if number and member.comma is None else None
    return [Splice(start, end, "")] + ([] if before is None else [Splice(before, before + 1, "")])


def _laid_out(value: Any, indent: str, unit: str, line_end: str) -> str:
    lines = json.dumps(value, indent=unit, ensure_ascii=False).split("\n")
    return f"{line_end}{indent}".join(lines)


def _line_indent(text: str, at: int) -> str:
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _unit(text: str, root: Node) -> str:
    """By how much the text indents."""
    return (_line_indent(text, root.members[0].start) if root.members else "") or _INDENT
