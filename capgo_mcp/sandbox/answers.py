"""What a route answers with when it does not answer with data."""

from typing import Any

Row = dict[str, Any]

OK: Row = {"status": "ok"}


class ErrorAnswer(Exception):
    """An answer in the shape of an error: status, machine code, English text, details and headers."""

    def __init__(
        self, status: int, code: str, message: str, more: Row | None = None, headers: Row | None = None
    ) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status = status
        self.body: Row = {"error": code, "message": message, "moreInfo": {} if more is None else more}
        self.headers: dict[str, str] = headers or {}


class OAuthRefusal(ErrorAnswer):
    """An error in the shape of OAuth: a code and what it means, nothing else."""

    def __init__(self, code: str, description: str, status: int = 400) -> None:
        super().__init__(status, code, description)
        self.body = {"error": code, "error_description": description}


def bad(code: str, message: str, **more: Any) -> ErrorAnswer:
    """Refuse with status 400, by far the most common one."""
    return ErrorAnswer(400, code, message, more)


def broken() -> ErrorAnswer:
    """Answer as the backend does when input it never checked makes it stumble."""
    return ErrorAnswer(500, "unknown_error", "Unknown error")


def no_app_access(app_id: str, status: int = 400, code: str = "cannot_access_app", **more: Any) -> ErrorAnswer:
    """Refuse access to an app, in the same words whether it is forbidden or does not exist."""
    return ErrorAnswer(status, code, "You can't access this app", {"app_id": app_id, **more})


def no_org_access(code: str, status: int = 400, **more: Any) -> ErrorAnswer:
    """Refuse access to an organization, in the same words whether it is forbidden or does not exist."""
    return ErrorAnswer(status, code, "You can't access this organization", more)


def no_row() -> Row:
    """Describe a single row that was asked for and is not there, in the data layer's words."""
    return database("PGRST116", "Cannot coerce the result to a single JSON object", "The result contains 0 rows")


def bad_range(details: str) -> Row:
    """Describe a slice the data layer cannot serve."""
    return database("PGRST103", "Requested range not satisfiable", details)


def not_a_number(value: object) -> Row:
    """Describe text that stands where the database wants a number."""
    return database("22P02", f'invalid input syntax for type bigint: "{value}"')


def database(code: str, message: str, details: str | None = None) -> Row:
    """Describe a failure of the data layer, which the API passes on unchanged."""
    return {"code": code, "details": details, "hint": None, "message": message}
