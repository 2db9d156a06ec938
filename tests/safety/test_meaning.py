"""Each area says what its writes mean, and nothing that destroys can be declared without that."""

import subprocess
import sys
from typing import Any, Final

import pytest

from capgo_mcp.api.operation import Effect
from capgo_mcp.operations import every
from capgo_mcp.operations.apps import DeleteApp, UpdateApp
from capgo_mcp.operations.organizations import UpdateOrganization
from capgo_mcp.safety.areas import AREAS, MEANINGS
from capgo_mcp.safety.meaning import Meaning
from capgo_mcp.safety.undo import Facts, Undo
from tests.support.safety import DESTROYERS


def test_every_destroyer_has_a_preview() -> None:
    """Whatever can destroy is read before it is destroyed."""
    assert {kind for kind, meaning in MEANINGS.items() if meaning.preview} >= set(DESTROYERS)


def test_what_is_not_asked_about_is_known() -> None:
    """With `--ask`, every change is put to the person but for what reaches nobody yet."""
    quiet = {kind.spec.name for kind, meaning in MEANINGS.items() if not meaning.consequential}
    assert quiet == {"capgo_create_app", "capgo_create_bundle", "capgo_set_bundle_metadata"}


def test_every_write_has_a_meaning() -> None:
    """Nothing can be sent that writes and of which nobody knows how it is seen."""
    assert MEANINGS.keys() == {operation for operation in every() if operation.spec.effect is not Effect.READ}
    assert all(meaning.operation is kind for kind, meaning in MEANINGS.items())


@pytest.mark.parametrize("area", AREAS, ids=lambda area: area.__name__.rpartition(".")[2])
def test_an_area_speaks_of_its_own_toolset(area: Any) -> None:
    """A write is looked for in the module that is named like its toolset, and is spoken of there once."""
    kinds = [meaning.operation for meaning in area.MEANINGS]
    assert {kind.spec.toolset for kind in kinds} == {area.__name__.rpartition(".")[2]}
    assert len(set(kinds)) == len(kinds)


DESTROYS: Final = {
    "a deletion": ("Effect.DELETE", "app_id: AppId"),
    "a guarded argument": ("Effect.CHANGE", "detach_bundle: DetachBundle = False"),
}


@pytest.mark.parametrize(("effect", "argument"), DESTROYS.values(), ids=DESTROYS.keys())
def test_a_destroyer_without_preview_cannot_be_imported(effect: str, argument: str) -> None:
    """An operation that is declared and can destroy, but has no preview, ends the import of whatever writes."""
    declared = f"""class ResetChannel(Operation[Ok], http="PUT /channel/reset", effect={effect}):
        {argument}"""
    program = f"""from capgo_mcp.operations import channels
exec({declared!r}, vars(channels))
import capgo_mcp.safety.writing"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    sentence = "ResetChannel can destroy, so its Meaning in capgo_mcp/safety/channels.py needs preview:"
    assert f"TypeError: {sentence}" in ended.stderr


async def _look(*_: object) -> None:
    """Reads nothing."""


async def _see(*_: object) -> Facts:
    return {}


def _back(*_: object) -> Undo:
    return Undo([], [])


HALVES: Final[list[tuple[type[Any], dict[str, Any], str]]] = [
    (DeleteApp, {}, "DeleteApp can destroy, so its Meaning in capgo_mcp/safety/apps.py needs preview"),
    (UpdateApp, {"preview": _look, "snapshot": _see}, "UpdateApp is told by half, .* needs a snapshot and"),
    (UpdateOrganization, {"undo": _back}, "UpdateOrganization is told by half, .* needs a snapshot and"),
]


@pytest.mark.parametrize(("operation", "said", "sentence"), HALVES, ids=lambda part: getattr(part, "__name__", ""))
def test_half_a_meaning_is_an_error(operation: type[Any], said: dict[str, Any], sentence: str) -> None:
    """Whoever says less than the declaration asks for is told which operation lacks what, and where to say it."""
    with pytest.raises(TypeError, match=sentence):
        Meaning(operation, **said)
