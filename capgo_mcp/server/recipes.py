"""Recipes for the jobs people do, which name the tools in order and where to stop and ask.

Each is written once, and told twice: as a prompt, which a person fills in, and as a skill, which an agent picks up.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import mcp_types as t

_APP_ID: Final = t.PromptArgument(name="app_id", description="App id, e.g. com.demo.app.", required=True)


@dataclass(frozen=True)
class Recipe:
    """What it is for, what has to be known for it, and the steps.

    Attributes:
        when: When to take it up, for an agent that chooses by itself.
        files: What to read for some of the steps, by the name in the folder `references`.
    """

    name: str
    title: str
    description: str
    when: str
    arguments: tuple[t.PromptArgument, ...]
    steps: str
    files: tuple[str, ...] = ()

    @property
    def tools(self) -> frozenset[str]:
        """The tools it names."""
        return frozenset(re.findall(r"capgo_\w+", self.steps))

    def asks(self, app: str | None) -> tuple[t.PromptArgument, ...]:
        """What has to be known; an app that is fixed by the settings is known already."""
        return self.arguments if app else (_APP_ID, *self.arguments)


def _optional(name: str, description: str) -> t.PromptArgument:
    return t.PromptArgument(name=name, description=description, required=False)


def _required(name: str, description: str) -> t.PromptArgument:
    return t.PromptArgument(name=name, description=description, required=True)


RECIPES: Final = (
    Recipe(
        "ship_update",
        "Ship an update",
        "From a built web app to a watched release: upload, plan, staged rollout, health, and the way back.",
        "Use when the web code of a Capacitor app has changed and shall reach the devices with Capgo.",
        (
            _required("version", "Version of the new bundle, e.g. 2.4.0."),
            _optional("path", "Folder of the built web app; the webDir of the Capacitor configuration if left out."),
            _optional("channel", "Channel to release on; the default channel if left out."),
            _optional("percentage", "Share of devices to start with, in percent; 10 if left out."),
        ),
        """\
Upload the built web app in `path` as the bundle `version`, and release it on the channel `channel` (the default one if
none is given), to `percentage` percent of its devices first (10 if none is given).

1. capgo_list_bundles: `version` must not be there, since a name stays taken, even after a deletion. The web app must be
   built: `path` holds an index.html that is newer than the sources. If not, ask how it is built.
2. capgo_list_channels: choose a channel for the upload that only testers follow, so that nobody else gets it yet. If
   there is none, ask which to take.
3. STOP. Show the upload with its values, and ask whether to run it. Do nothing until they say yes:
   `npx @capgo/cli@latest bundle upload APP_ID --path PATH --bundle VERSION --channel TESTERS --fail-on-incompatible`
   Never leave --channel out: the bundle would be on the app's upload channel, or on production, at once. No key stands
   in the command: `npx @capgo/cli@latest login` has saved it. If you cannot run commands, the user runs it.
4. capgo_plan_release with `version`, `channel` and `percentage`.
5. Tell the user the verdict, each reason that says no or wait, and when the rollout would pause by itself.
6. STOP. Ask whether to start. Do nothing until they say yes.
7. Make the calls of the plan in their order, exactly as they stand there: capgo_set_rollout, or capgo_set_channel. Keep
   the undo call that the answer names: it is the way back.
8. When devices have had time to look for updates: capgo_get_update_health and capgo_get_release_status with `version`.
9. If it is failing, say so at once with the causes, and propose the way back: the undo call of step 7, or
   capgo_set_rollout with `action` drop. If it is well, propose `action` widen, and `action` promote when it has reached
   enough devices. STOP and ask before each of these calls.""",
        files=("upload.md",),
    ),
    Recipe(
        "promote_bundle",
        "Promote a bundle",
        "Put a bundle on a channel for all its devices, after checking what it replaces.",
        "Use when an uploaded bundle shall be released, deployed or promoted for everyone.",
        (
            _required("version", "Bundle version to promote, e.g. 2.3.0."),
            _optional("channel", "Channel to promote it on; the default channel if left out."),
        ),
        """\
Promote the bundle `version` on the channel `channel` (the default one if none is given).

1. capgo_plan_release with `version` and `channel`.
2. Tell the user the verdict, each reason that says no or wait, and what the calls do.
3. STOP. Ask whether to go on. Do nothing until they say yes.
4. Make the calls of the plan in their order, exactly as they stand there: capgo_set_channel, or capgo_set_rollout.
5. Report what changed, and the undo call that the answer names.""",
    ),
    Recipe(
        "start_rollout",
        "Start a staged rollout",
        "Give a bundle to a share of a channel's devices first, with automatic pause.",
        "Use when a bundle shall go out gradually, as a canary or to a percentage of the users.",
        (
            _required("version", "Bundle version to roll out, e.g. 2.3.0."),
            _optional("channel", "Channel to roll out on; the default channel if left out."),
            _optional("percentage", "Share of devices to start with, in percent; 10 if left out."),
        ),
        """\
Start a staged rollout of the bundle `version` on the channel `channel` (default channel if none is given), to
`percentage` percent of its devices (10 if none is given).

1. capgo_plan_release with `version`, `channel` and `percentage`.
2. Tell the user the verdict, each reason that says no or wait, and when the rollout would pause by itself.
3. STOP. Ask whether to start, and what shall become of a rollout that it ends. Do nothing until they say yes.
4. capgo_set_rollout, exactly as in the calls of the plan.
5. Tell how to go on later: capgo_set_rollout with `action` widen, then
   `action` promote; `action` pause to wait, `action` drop to end it.""",
    ),
    Recipe(
        "roll_back",
        "Roll back",
        "Take a bad release back: end its rollout, or return a channel to an earlier bundle.",
        "Use when a release is broken, failing, or shall be undone.",
        (
            _optional("channel", "Channel to roll back; the default channel if left out."),
            _optional("version", "Version to return to; the previous one if left out."),
        ),
        """\
Roll the channel `channel` back (the default one if none is given), to the bundle `version` if one is given.

1. capgo_list_channels or capgo_get_channel: the stable bundle and the rollout. The bundle to return to is `version`;
   if none is given, the stable one while a rollout is there, or else the one before it in capgo_list_bundles.
2. capgo_plan_release with that bundle and the channel. That it goes back is no reason against it here.
3. Tell the user from which bundle to which, each other reason that says no or wait, and who does not go back.
4. STOP. Ask whether to roll back. Do nothing until they say yes.
5. Make the calls of the plan in their order, exactly as they stand there: capgo_set_rollout, or capgo_set_channel.
6. Read back with capgo_get_release_status, and say when devices will follow: at their next update check.""",
    ),
    Recipe(
        "investigate_device",
        "Investigate one device",
        "Find out why a device does not run the bundle it should.",
        "Use when one device or one user does not get an update, or has the wrong version.",
        (_required("device_id", "Device id, or a part of its custom id."), _optional("symptom", "What is wrong.")),
        """\
Find out why the device `device_id` does not run the bundle it should. `symptom` says what was noticed.

1. capgo_get_device with it. If there is none, capgo_find_devices with it as `custom_id`; if several match,
   STOP and ask which one is meant.
2. Note its bundle, platform, native build, plugin version, when it was last seen, and the channel it is pinned to.
3. capgo_list_channels: it follows the channel it is pinned to, or else the default one. Then capgo_get_channel with
   that channel for the update rules.
4. Compare: not seen lately, an emulator or development build the channel does not serve, a native build that the rule
   `disable_auto_update` keeps from the bundle, a rollout it is not part of, a rollout that is paused.
5. Explain the likeliest cause first, with the facts that show it, and propose one fix.
6. STOP. Change nothing: ask whether to carry the fix out.""",
    ),
    Recipe(
        "clean_up_bundles",
        "Clean up old bundles",
        "Delete old bundles that no channel serves and no device runs, all with one consent.",
        "Use when storage shall be freed, or old versions shall go.",
        (_optional("keep", "How many of the newest to keep in any case; 20 if left out."),),
        """\
Clean up old bundles, keeping the newest `keep` (20 if none is given).

1. Call capgo_clean_up_bundles with `keep` and without `confirm`: it deletes nothing, and shows what would go and stay.
2. Tell the user which bundles would go, which stay and why, and what is unknown.
3. STOP. Ask whether to go on. A bundle cannot be brought back, and its version name stays taken. If some of them shall
   stay, ask again with a larger `keep` or with `older_than`.
4. Make the call in `after_consent`. If it stops before the end, its note says why; go on with the call it proposes.
5. Report what was deleted, what was refused and what is left.""",
    ),
    Recipe(
        "release_report",
        "Release report",
        "A short report on a release: who gets it, who runs it, and what stands in its way.",
        "Use when somebody asks how a release or its adoption is doing.",
        (_optional("version", "Bundle version; what the default channel rolls out or serves if left out."),),
        """\
Write a short report on the release `version` (the current one if none is given). Only read.

1. capgo_get_release_status with the version, if one is given.
2. capgo_summarize_devices with `group_by` ["version", "platform", "version_build"].
3. capgo_get_app_statistics for the last 14 days, `daily` true: active devices.
4. Write at most 15 lines: where it is served and to what share, adoption by day and its trend, how many devices are on
   older versions, what keeps them there, and what to do next. Say which figures are incomplete.
5. STOP there. Change nothing unless the user asks.""",
    ),
)
"""Every recipe, in the order in which they are listed."""


def offered(tools: Collection[str]) -> list[Recipe]:
    """The recipes that can be followed with these tools."""
    return [recipe for recipe in RECIPES if recipe.tools <= frozenset(tools)]
