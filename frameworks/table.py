"""The frameworks that are tried, and what is right for each."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scripts.markdown import table

HERE: Final = Path(__file__).parent
RESULTS: Final = HERE / "results.json"
"""What the last run saw; the page follows it."""


@dataclass(frozen=True)
class Framework:
    """An agent framework.

    Attributes:
        title: What its makers call it.
        program: What it is tried with, in `programs/`.
        packages: What is installed, in an environment of its own.
        note: What its users should know.
    """

    title: str
    program: str
    packages: tuple[str, ...]
    note: str = ""

    @property
    def name(self) -> str:
        """Its name on the command line."""
        return self.program.removeprefix("with_").replace("_", "-").replace(".mjs", "-js").removesuffix(".py")


_UNMARKED: Final = "tells the model an error's text without MCP's mark that it is one"

FRAMEWORKS: Final = (
    Framework("FastMCP", "with_fastmcp.py", ("fastmcp",)),
    Framework("LangChain", "with_langchain.py", ("langchain-mcp-adapters",)),
    Framework("OpenAI Agents, Python", "with_openai_agents.py", ("openai-agents",), "in strict mode"),
    Framework("OpenAI Agents, TypeScript", "with_openai_agents.mjs", ("@openai/agents", "zod"), "in strict mode"),
    Framework("Pydantic AI", "with_pydantic_ai.py", ("pydantic-ai-slim[mcp,fastmcp]",)),
    Framework("Google ADK", "with_google_adk.py", ("google-adk[mcp]",)),
    Framework("LlamaIndex", "with_llama_index.py", ("llama-index-tools-mcp",)),
    Framework(
        "Mastra",
        "with_mastra.mjs",
        ("@mastra/mcp@2", "@mastra/core", "zod"),
        "puts `capgo_` before each name once more",
    ),
    Framework("Vercel AI SDK", "with_ai_sdk.mjs", ("@ai-sdk/mcp", "ai", "zod")),
    Framework("Strands", "with_strands.py", ("strands-agents",)),
    Framework("Semantic Kernel", "with_semantic_kernel.py", ("semantic-kernel[mcp]",), _UNMARKED),
    Framework("Haystack", "with_haystack.py", ("mcp-haystack",)),
    Framework("Agno", "with_agno.py", ("agno", "fastmcp>=4,<5")),
    Framework("smolagents", "with_smolagents.py", ("smolagents[mcp]", "mcp<2"), _UNMARKED),
    Framework("CrewAI", "with_crewai.py", ("crewai-tools[mcp]",), _UNMARKED),
    Framework("AutoGen", "with_autogen.py", ("autogen-ext[mcp]", "mcp<2")),
    Framework("DSPy", "with_dspy.py", ("dspy[mcp]",)),
    Framework("mcp-use", "with_mcp_use.py", ("mcp-use",)),
    Framework("Microsoft Agent Framework", "with_agent_framework.py", ("agent-framework-core", "mcp", "tenacity")),
)


FACTS: Final = {
    "lists": "lists all tools",
    "schemas": "converts all schemas",
    "calls": "calls",
    "preview": "sees the preview",
    "error": "reads error and hint",
    "error_as_such": "takes it for an error",
}
"""What is tried, and how the page calls it."""


def judged(seen: dict[str, Any], tools: int) -> dict[str, Any]:
    """What a run says about a framework, in yes and no.

    Args:
        seen: What its program printed.
        tools: How many tools the server has.
    """
    call, preview, error = seen["call"], seen["preview"], seen["error"]
    return {
        "version": seen["version"],
        "sdk": seen.get("sdk", "its own"),
        "lists": seen["tools"] == tools,
        "schemas": seen["schemas"] == tools,
        "calls": "device_id" in call["text"] and not call["failed"],
        "preview": "after_consent" in preview["text"] and not preview["failed"],
        "error": "[cannot_find_version]" in error["text"] and "Hint: " in error["text"],
        "error_as_such": error["failed"],
    }


def section() -> str:
    """The table of the page, from the last run."""
    kept = results()
    rows = [
        (one.title, seen["version"], seen["sdk"], *("yes" if seen[fact] else "no" for fact in FACTS), one.note)
        for one in FRAMEWORKS
        if (seen := kept.get(one.name))
    ]
    return table(("framework", "version", "MCP SDK beside it", *FACTS.values(), ""), rows)


def results() -> dict[str, dict[str, Any]]:
    """What the last run saw of each framework, by its name."""
    found: dict[str, dict[str, Any]] = json.loads(RESULTS.read_text(encoding="utf-8"))
    return found
