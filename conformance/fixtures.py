"""What the conformance suite asks for by name, on the server that everybody gets: same `build()`, pool and transport.

What is asked of the client goes the way of `--ask`: it is sealed, bound to the caller and the call, and opened by the
server. Progress is reported as insights report it, and the tool that fails is a real one.
"""

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

import mcp_types as t
import uvicorn
from mcp import MCPError
from mcp.server.context import HandlerResult

from capgo_mcp.config.credentials import NoKey
from capgo_mcp.config.listener import address_of, listening
from capgo_mcp.config.settings import Settings
from capgo_mcp.http.serve import application
from capgo_mcp.http.settings import HttpSettings
from capgo_mcp.server.mcp import Handlers, RequestContext

_PNG: Final = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4z8DwHwAFAAH/iZk9HQAAAABJRU5ErkJggg=="
_WAV: Final = "UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA="
_NOTHING: Final = {"type": "object", "properties": {}}

Requests = Mapping[str, t.ElicitRequest | t.CreateMessageRequest | t.ListRootsRequest]


def _text(text: str) -> t.TextContent:
    return t.TextContent(type="text", text=text)


def _image() -> t.ImageContent:
    return t.ImageContent(type="image", data=_PNG, mime_type="image/png")


def _embedded(uri: str, mime_type: str, text: str) -> t.EmbeddedResource:
    resource = t.TextResourceContents(uri=uri, mime_type=mime_type, text=text)
    return t.EmbeddedResource(type="resource", resource=resource)


def _form(message: str, field: str, kind: str = "string") -> t.ElicitRequest:
    schema: Any = {"type": "object", "properties": {field: {"type": kind}}, "required": [field]}
    return t.ElicitRequest(params=t.ElicitRequestFormParams(message=message, requested_schema=schema))


def _sample(text: str) -> t.CreateMessageRequest:
    message = t.SamplingMessage(role="user", content=_text(text))
    return t.CreateMessageRequest(params=t.CreateMessageRequestParams(messages=[message], max_tokens=100))


CONTENTS: Final[Mapping[str, Callable[[], list[t.ContentBlock]]]] = {
    "test_logging_tool": lambda: [_text("Nothing is logged over the protocol.")],
    "test_simple_text": lambda: [_text("This is a simple text response for testing.")],
    "test_image_content": lambda: [_image()],
    "test_audio_content": lambda: [t.AudioContent(type="audio", data=_WAV, mime_type="audio/wav")],
    "test_embedded_resource": lambda: [
        _embedded("test://embedded-resource", "text/plain", "This is an embedded resource content.")
    ],
    "test_multiple_content_types": lambda: [
        _text("Multiple content types test:"),
        _image(),
        _embedded("test://mixed-content-resource", "application/json", '{"test":"data","value":123}'),
    ],
}
"""Tools that answer the same content each time."""

ROUNDS: Final[Mapping[str, list[Requests]]] = {
    "test_input_required_result_elicitation": [{"user_name": _form("What is your name?", "name")}],
    "test_input_required_result_sampling": [{"capital_question": _sample("What is the capital of France?")}],
    "test_input_required_result_list_roots": [{"client_roots": t.ListRootsRequest()}],
    "test_input_required_result_request_state": [{"confirm": _form("Please confirm", "ok", "boolean")}],
    "test_input_required_result_tampered_state": [{"confirm": _form("Please confirm", "ok", "boolean")}],
    "test_input_required_result_multiple_inputs": [
        {
            "user_name": _form("What is your name?", "name"),
            "greeting": _sample("Greet the user."),
            "client_roots": t.ListRootsRequest(),
        }
    ],
    "test_input_required_result_multi_round": [
        {"step1": _form("Step 1: What is your name?", "name")},
        {"step2": _form("Step 2: What is your favorite color?", "color")},
    ],
    "test_input_required_result_capabilities": [
        {"user_name": _form("What is your name?", "name"), "greeting": _sample("Greet the user.")}
    ],
    "test_streaming_elicitation": [{"user_name": _form("What is your name?", "name")}],
}
"""Tools that ask the client, each with what it asks in one round after the other."""

PROMPT: Final[Requests] = {"user_context": _form("What context should the prompt use?", "context")}
OTHERS: Final = ("test_error_handling", "test_tool_with_progress", "test_missing_capability")
REFUSED: Final = t.CallToolRequestParams(name="capgo_get_app", arguments={"app_id": "com.other.app"})
"""A call of a real tool that fails."""


class Fixtures(Handlers):
    """The server's own tools, prompts and resources, and those that the suite calls by name."""

    async def list_tools(self, context: RequestContext, params: t.PaginatedRequestParams | None) -> t.ListToolsResult:
        """All of them."""
        listed = await super().list_tools(context, params)
        ours = [t.Tool(name=name, description=name, input_schema=_NOTHING) for name in (*CONTENTS, *ROUNDS, *OTHERS)]
        return listed.model_copy(update={"tools": [*listed.tools, *ours]})

    async def call_tool(self, context: RequestContext, params: t.CallToolRequestParams) -> HandlerResult:
        """The result of a tool."""
        if content := CONTENTS.get(params.name):
            return t.CallToolResult(content=content())
        if rounds := ROUNDS.get(params.name):
            return asked(context, params, rounds) or t.CallToolResult(content=[_text("state-ok: all was answered")])
        if params.name == "test_missing_capability":
            return _sampled(context)
        if params.name == "test_tool_with_progress":
            for part in (0, 50, 100):
                await context.session.report_progress(part, 100)
            return t.CallToolResult(content=[_text("done")])
        return await super().call_tool(context, REFUSED if params.name == "test_error_handling" else params)

    async def read_resource(self, context: RequestContext, params: t.ReadResourceRequestParams) -> t.ReadResourceResult:
        """One resource."""
        uri = str(params.uri)
        if uri == "test://static-binary":
            return t.ReadResourceResult(contents=[t.BlobResourceContents(uri=uri, mime_type="image/png", blob=_PNG)])
        if uri == "test://static-text":
            text, kind = "This is the content of the static text resource.", "text/plain"
        elif uri == "test://template/123/data":
            text, kind = json.dumps({"id": "123", "templateTest": True, "data": "Data for ID: 123"}), "application/json"
        else:
            return await super().read_resource(context, params)
        return t.ReadResourceResult(contents=[t.TextResourceContents(uri=uri, mime_type=kind, text=text)])

    async def get_prompt(
        self, context: RequestContext, params: t.GetPromptRequestParams
    ) -> t.GetPromptResult | t.InputRequiredResult:
        """One prompt."""
        given = params.arguments or {}
        simple: Mapping[str, list[t.ContentBlock]] = {
            "test_simple_prompt": [_text("This is a simple prompt for testing.")],
            "test_prompt_with_arguments": [
                _text(f"Prompt with arguments: arg1='{given.get('arg1')}', arg2='{given.get('arg2')}'")
            ],
            "test_prompt_with_embedded_resource": [
                _embedded(given.get("resourceUri", "test://x"), "text/plain", "Embedded resource content for testing."),
                _text("Please process the embedded resource above."),
            ],
            "test_prompt_with_image": [_image(), _text("Please analyze the image above.")],
            "test_input_required_result_prompt": [_text("A prompt with context")],
        }
        if params.name not in simple:
            return await super().get_prompt(context, params)
        if params.name == "test_input_required_result_prompt" and (question := asked(context, params, [PROMPT])):
            return question
        messages = [t.PromptMessage(role="user", content=content) for content in simple[params.name]]
        return t.GetPromptResult(messages=messages)


def asked(
    context: RequestContext, params: t.CallToolRequestParams | t.GetPromptRequestParams, rounds: list[Requests]
) -> t.InputRequiredResult | None:
    """What is still to be asked of the client, as far as it can be asked; None when all of it was answered."""
    number = int(params.request_state or 0)
    if set(rounds[number]) <= set(params.input_responses or {}):
        number += 1
    if number == len(rounds):
        return None
    able = context.session.client_capabilities or t.ClientCapabilities()
    can = {t.ElicitRequest: able.elicitation, t.CreateMessageRequest: able.sampling, t.ListRootsRequest: able.roots}
    wanted = {name: one for name, one in rounds[number].items() if can[type(one)] is not None}
    return t.InputRequiredResult(input_requests=wanted, request_state=str(number))


def _sampled(context: RequestContext) -> t.CallToolResult:
    able = context.session.client_capabilities
    if able is None or able.sampling is None:
        needed: dict[str, Any] = {"requiredCapabilities": {"sampling": {}}}
        raise MCPError(code=t.MISSING_REQUIRED_CLIENT_CAPABILITY, message="This needs sampling.", data=needed)
    return t.CallToolResult(content=[_text("done")])


def main() -> None:
    """Serve on a free port, and say on which."""
    app = application(Settings(key=NoKey(), sandbox=True), HttpSettings(), Fixtures)
    with listening("127.0.0.1", 0) as listener:
        print(f"{address_of(listener)}/mcp", file=sys.stderr, flush=True)
        uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none")).run([listener])


if __name__ == "__main__":
    main()
