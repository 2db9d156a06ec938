"""Push notifications: who sends them, whom they reach, and what was sent."""

from capgo_mcp.sandbox.rows import new_campaign
from capgo_mcp.sandbox.seed.calendar import Calendar
from capgo_mcp.sandbox.seed.people import DEMO_APP
from capgo_mcp.sandbox.state import State

_CAMPAIGNS = ("Shared folders are here", "Try the 2.3 beta", "Spring thank-you")
_PROVIDERS = {"fcm": "configured", "apns": "configured"}
_REGISTERED = 3
"""Of so many devices, one has not agreed to be notified."""


def plant(state: State, calendar: Calendar) -> None:
    """Fill in the notifications of the demo app; the others send none."""
    state.notification_settings[DEMO_APP] = {
        "appId": DEMO_APP,
        "pushUpdateEnabled": True,
        "pushUpdateInstallMode": "next",
        "pushUpdateChannel": "production",
    }
    for provider, status in _PROVIDERS.items():
        about = {"app_id": DEMO_APP, "provider": provider, "status": status, "config": {"projectId": "demo"}}
        state.providers.append({**about, "secret_ref": f"secret_{provider}_demo", **calendar.made(200, 40)})
    _register(state)
    _campaigns(state, calendar)


def _register(state: State) -> None:
    for number, (app_id, device) in enumerate(state.devices):
        if app_id == DEMO_APP and number % _REGISTERED:
            person = state.devices[app_id, device]["custom_id"] or None
            keys = {"recipient_key": f"rcp_{person}" if person else None, "device_key": f"dev_{number}"}
            tag = "beta-tester" if number % 10 == 1 else None
            state.recipients.append({"app_id": app_id, "device_id": device, "external_id": person, "tag": tag, **keys})


def _campaigns(state: State, calendar: Calendar) -> None:
    for number, name in enumerate(_CAMPAIGNS, 1):
        row = new_campaign(state, DEMO_APP, name, "alert", status="sent", **calendar.made(number * 10.5))
        state.campaigns[row["id"]] = row
        counts = {"sent": 240 - number * 9, "delivered": 231 - number * 9, "opened": 80 - number * 11, "failed": 9}
        about = {"app_id": DEMO_APP, "campaign_id": row["id"], "date": calendar.day(number * 10)}
        state.notification_days.append({**about, **counts})
