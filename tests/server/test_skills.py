"""Skills: what is listed is what is read, byte for byte, and all that they name exists."""

import hashlib
import json
import re
from typing import Any, Final, Literal, TypeVar

import mcp_types as t
import pytest
from mcp import Client, MCPError

from capgo_mcp.agent.definitions import stored
from capgo_mcp.catalog import every_tool
from capgo_mcp.client.capgo import Capgo
from capgo_mcp.sandbox.seed.people import DEMO_APP
from capgo_mcp.server import prompts
from capgo_mcp.server.recipes import RECIPES, Recipe
from capgo_mcp.server.skills import EXTENSION, GetSkillRequestParams, GetSkillResult, ListSkillsResult, files, name_of
from tests.support.connected import Mode, connected, each_mode

R = TypeVar("R", bound=t.Result)

TOOLS: Final = {kind.spec.name: stored(kind.spec.name).input_schema["properties"] for kind in every_tool()}
ANSWERS: Final = {"after_consent", "disable_auto_update"}
"""What answers call something, which is no argument of the tools in the same recipe."""

each = pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)


async def asked(client: Client, method: str, params: t.RequestParams, result: type[R]) -> R:
    """The answer to a method of the extension."""
    request = t.Request[Any, str](method=method, params=params)
    return await client.session.send_request(request, result)


async def listed(client: Client) -> ListSkillsResult:
    """Every skill of a server."""
    return await asked(client, "skills/list", t.PaginatedRequestParams(), ListSkillsResult)


async def read(client: Client, uri: str) -> str:
    """One file of a skill."""
    (block,) = (await client.read_resource(uri)).contents
    assert isinstance(block, t.TextResourceContents)
    assert (block.uri, block.mime_type) == (uri, "text/markdown")
    return block.text


@each_mode
async def test_what_is_listed_is_what_is_read(capgo: Capgo, mode: Mode) -> None:
    """Each file has the size and the digest that the list tells, and a list of one skill tells the same."""
    async with connected(capgo, mode) as client:
        skills = (await listed(client)).skills
        assert [skill.frontmatter["name"] for skill in skills] == [name_of(recipe) for recipe in RECIPES]
        for skill in skills:
            for file in skill.resources:
                content = (await read(client, file.uri)).encode()
                assert file.size == len(content)
                assert file.digest == f"sha256:{hashlib.sha256(content).hexdigest()}"
            params = GetSkillRequestParams(uri=skill.uri)
            assert (await asked(client, "skills/get", params, GetSkillResult)).skill == skill


async def test_every_skill_is_in_the_form_that_hosts_demand(capgo: Capgo) -> None:
    """The folder is called as the skill, the list repeats the front matter, and the first file is in the list."""
    async with connected(capgo) as client:
        for skill in (await listed(client)).skills:
            lines = (await read(client, skill.uri)).split("---\n")[1].splitlines()
            front = dict(line.split(": ", 1) for line in lines)
            name, description = front["name"], json.loads(front["description"])
            assert skill.frontmatter == {"name": name, "description": description}
            assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
            assert len(description) <= 1024
            assert skill.uri == f"skill://capgo/{name}/SKILL.md"
            uris = [file.uri for file in skill.resources]
            assert len(set(uris)) == len(uris)
            assert skill.uri in uris
            assert all(uri.startswith(f"skill://capgo/{name}/") for uri in uris)


async def test_clients_that_do_not_ask_see_nothing_of_them(capgo: Capgo) -> None:
    """They stand in no other list and not in the instructions: until they are asked for they cost no token."""
    async with connected(capgo) as client:
        assert (client.server_capabilities.extensions or {})[EXTENSION] == {}
        told = [
            client.instructions or "",
            (await client.list_resources()).model_dump_json(),
            (await client.list_resource_templates()).model_dump_json(),
            (await client.list_tools()).model_dump_json(),
        ]
    assert not [text for text in told if re.search("skill", text, re.IGNORECASE)]


async def test_the_list_says_how_long_it_holds(capgo: Capgo) -> None:
    """Lists, entries and files may be kept for an hour, and by anybody: they tell nothing about an account."""
    uri = "skill://capgo/roll-back/SKILL.md"
    async with connected(capgo) as client:
        answers = [
            await listed(client),
            await asked(client, "skills/get", GetSkillRequestParams(uri=uri), GetSkillResult),
            await client.read_resource(uri),
        ]
    assert [(answer.ttl_ms, answer.cache_scope) for answer in answers] == [(3_600_000, "public")] * 3


@pytest.mark.parametrize("method", ["skills/get", "resources/read"])
@pytest.mark.parametrize(
    "uri",
    [
        "skill://capgo/no-such/SKILL.md",
        "skill://capgo/roll-back",
        "skill://capgo/roll-back/references/upload.md",
        "skill://capgo/roll-back/../../recipes.py",
        "skill://",
    ],
)
async def test_what_is_not_there_is_a_wrong_parameter(
    uri: str, method: Literal["skills/get", "resources/read"], capgo: Capgo
) -> None:
    """An address of no skill, or of no file of one, is -32602 with a sentence; no address leads to another file."""
    async with connected(capgo) as client:
        with pytest.raises(MCPError) as caught:
            await asked(client, method, GetSkillRequestParams(uri=uri), t.Result)
    assert caught.value.code == t.INVALID_PARAMS
    assert "There is no" in caught.value.message


async def test_settings_choose_the_skills(capgo: Capgo) -> None:
    """Read-only leaves those that only read, and an app that is fixed is not asked for."""
    async with connected(capgo, read_only=True, app=DEMO_APP) as client:
        skills = (await listed(client)).skills
        texts = [await read(client, skill.uri) for skill in skills]
        with pytest.raises(MCPError):
            await read(client, "skill://capgo/roll-back/SKILL.md")
    assert [skill.frontmatter["name"] for skill in skills] == ["investigate-device", "release-report"]
    assert not [text for text in texts if "app_id" in text]


@each
def test_skills_and_prompts_tell_the_same(recipe: Recipe) -> None:
    """The steps of a skill are those of the prompt, and what it asks for is what the prompt takes."""
    given = {argument.name: "2.3.0" for argument in recipe.asks(None)}
    (message,) = prompts.written(recipe.name, given, TOOLS, None).messages
    assert isinstance(message.content, t.TextContent)
    skill = files(recipe)["SKILL.md"]
    steps = skill.partition("## Steps\n\n")[2].partition("\n\nMore on")[0].strip()
    assert message.content.text.startswith(steps)
    assert re.findall(r"^- `(\w+)`", skill, re.MULTILINE) == list(given)


@each
def test_all_that_a_skill_names_exists(recipe: Recipe) -> None:
    """Tools, their arguments and the values of `action` are those of the server, in every file of the skill."""
    text = "\n".join(files(recipe).values())
    tools = set(re.findall(r"capgo_\w+[a-z]", text))
    assert tools <= TOOLS.keys()
    arguments: dict[str, Any] = {name: schema for tool in tools for name, schema in TOOLS[tool].items()}
    own = {argument.name for argument in recipe.asks(None)}
    named = set(re.findall(r"`([a-z_]+)`", text)) - TOOLS.keys() - {"capgo_"}
    assert named <= arguments.keys() | own | ANSWERS
    assert set(re.findall(r"`action` (\w+)", text)) <= set(arguments.get("action", {}).get("enum", ()))


@each
def test_files_that_a_skill_mentions_are_its_files(recipe: Recipe) -> None:
    """What a skill says to read is in its folder, and what is in its folder is mentioned."""
    told = files(recipe)
    assert set(re.findall(r"`(references/[^`]+)`", told["SKILL.md"])) == told.keys() - {"SKILL.md"}
