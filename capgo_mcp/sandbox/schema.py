"""The shapes some routes demand of their parameters, and the issues they raise."""

import re
from collections.abc import Callable
from typing import Any

from capgo_mcp.sandbox.answers import Row, bad

Rule = Callable[[Any], Row | None]

_EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_TYPES: dict[type, str] = {type(None): "null", bool: "boolean", int: "number", float: "number", str: "string"}
ABSENT = object()


def check(params: Any, rules: dict[str, Rule]) -> None:
    """Refuse parameters that break a rule, listing every issue."""
    values = params if isinstance(params, dict) else {}
    found = [(name, rule(values.get(name, ABSENT))) for name, rule in rules.items()]
    issues = [{**issue, "path": [name]} for name, issue in found if issue]
    if issues:
        raise bad("invalid_body", "Invalid body", error={"name": "SchemaError", "issues": issues})


def text(minimum: int = 0) -> Rule:
    """Demand text, of a least length."""

    def rule(value: Any) -> Row | None:
        if not isinstance(value, str):
            return _wrong_type("string", value)
        return _too_small("string", minimum, "characters") if len(value) < minimum else None

    return rule


def email(value: Any) -> Row | None:
    """Demand an e-mail address."""
    if not isinstance(value, str):
        return _wrong_type("string", value)
    fits = _EMAIL.fullmatch(value)
    return None if fits else {"code": "invalid_format", "format": "email", "message": "Invalid email address"}


def flag(value: Any) -> Row | None:
    """Demand true or false, not their names."""
    return None if isinstance(value, bool) else _wrong_type("boolean", value)


def numeric(value: Any) -> Row | None:
    """Demand a JSON number, which no query can carry."""
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    return None if fits else _wrong_type("number", value)


def listing(minimum: int = 0) -> Rule:
    """Demand a list, of a least length."""

    def rule(value: Any) -> Row | None:
        if not isinstance(value, list):
            return _wrong_type("array", value)
        return _too_small("array", minimum, "items") if len(value) < minimum else None

    return rule


def one_of(*values: str) -> Rule:
    """Demand one of some words."""
    words = "|".join(f'"{value}"' for value in values)
    issue = {"code": "invalid_value", "values": list(values), "message": f"Invalid option: expected one of {words}"}
    return lambda value: None if value in values else issue


def optional(rule: Rule, *, nullable: bool = False) -> Rule:
    """Loosen a rule for parameters that may be left out, or also be null."""
    return lambda value: None if value is ABSENT or (nullable and value is None) else rule(value)


def _wrong_type(expected: str, value: Any) -> Row:
    received = (
        "undefined" if value is ABSENT else _TYPES.get(type(value), "array" if isinstance(value, list) else "object")
    )
    message = f"Invalid input: expected {expected}, received {received}"
    return {"expected": expected, "code": "invalid_type", "message": message}


def _too_small(origin: str, minimum: int, unit: str) -> Row:
    message = f"Too small: expected {origin} to have >={minimum} {unit}"
    return {"origin": origin, "code": "too_small", "minimum": minimum, "inclusive": True, "message": message}
