"""Who is who: users, organizations, members and keys."""

from capgo_mcp.sandbox.answers import Row
from capgo_mcp.sandbox.rights import binding
from capgo_mcp.sandbox.rows import new_key, new_member, new_org
from capgo_mcp.sandbox.seed.calendar import Calendar
from capgo_mcp.sandbox.state import State

# The keys open nothing but a sandbox: their first digits spell it.
ADMIN_KEY = "5a4db0cc-0000-4000-8000-000000000001"
DEVELOPER_KEY = "5a4db0cc-0000-4000-8000-000000000002"
UPLOADER_KEY = "5a4db0cc-0000-4000-8000-000000000003"
READER_KEY = "5a4db0cc-0000-4000-8000-000000000004"
EXPIRED_KEY = "5a4db0cc-0000-4000-8000-000000000005"

LIGHTHOUSE = "11111111-0000-4000-8000-000000000001"
HARBOR = "22222222-0000-4000-8000-000000000002"

DEMO_APP = "com.demo.app"
NOTES_APP = "com.lighthouse.notes"
RIDER_APP = "com.harborbikes.rider"

MIRA = "aaaaaaaa-0000-4000-8000-000000000001"
JONAS = "aaaaaaaa-0000-4000-8000-000000000002"
PRIYA = "aaaaaaaa-0000-4000-8000-000000000003"
TOVE = "aaaaaaaa-0000-4000-8000-000000000004"
EMEKA = "aaaaaaaa-0000-4000-8000-000000000005"
ROBIN = "aaaaaaaa-0000-4000-8000-000000000006"

_USERS = {
    MIRA: "mira@example.com",
    JONAS: "jonas@example.com",
    PRIYA: "priya@example.com",
    TOVE: "tove@example.com",
    EMEKA: "emeka@example.com",
    ROBIN: "robin@example.com",
}
_ORGS = (
    {"id": LIGHTHOUSE, "name": "Lighthouse Labs", "website": "https://lighthouse.example.com"},
    {"id": HARBOR, "name": "Harbor Bikes", "website": "https://harborbikes.example.com"},
)
_MEMBERS = (
    (LIGHTHOUSE, MIRA, "org_super_admin"),
    (LIGHTHOUSE, JONAS, "org_admin"),
    (LIGHTHOUSE, PRIYA, "org_member"),
    (LIGHTHOUSE, TOVE, "org_billing_admin"),
    (HARBOR, MIRA, "org_super_admin"),
    (HARBOR, PRIYA, "org_member"),
)


def plant(state: State, calendar: Calendar) -> None:
    """Fill in the people and what opens doors to them."""
    for user_id, email in _USERS.items():
        state.users[user_id] = {"id": user_id, "email": email, "image_url": ""}
    for age, org in zip((540, 320), _ORGS, strict=True):
        row = new_org(state, user_id=MIRA, **org, **calendar.made(age, 12), logo="", customer_id=f"cus_{org['id'][:8]}")
        state.orgs[row["id"]] = row
    for age, (org_id, user_id, role) in enumerate(_MEMBERS, 300):
        _add_member(state, new_member(state, org_id, user_id, role) | calendar.made(age))
    _add_member(state, new_member(state, LIGHTHOUSE, EMEKA, "org_member", is_invite=True) | calendar.made(2.25))
    for key in _keys(state, calendar):
        state.keys[key["id"]] = key


def _add_member(state: State, row: Row) -> None:
    state.members[row["id"]] = row


def _keys(state: State, calendar: Calendar) -> list[Row]:
    reads_org = binding("org_member", LIGHTHOUSE)
    admin = [binding("org_super_admin", LIGHTHOUSE), binding("org_super_admin", HARBOR)]
    developer = [binding("app_developer", LIGHTHOUSE, DEMO_APP), binding("org_member", LIGHTHOUSE)]
    uploader = [binding("app_uploader", LIGHTHOUSE, DEMO_APP)]
    reader = [binding("app_reader", LIGHTHOUSE, DEMO_APP), reads_org]
    return [
        new_key(
            state, "Release desk", ADMIN_KEY, MIRA, admin, global_permissions=["org.create"], **calendar.made(300, 30)
        ),
        new_key(state, "Jonas laptop", DEVELOPER_KEY, MIRA, developer, **calendar.made(210, 21)),
        new_key(state, "CI uploads", UPLOADER_KEY, MIRA, uploader, **calendar.made(180)),
        new_key(state, "Status board", READER_KEY, MIRA, reader, **calendar.made(90)),
        new_key(
            state,
            "Old contractor",
            EXPIRED_KEY,
            MIRA,
            [reads_org],
            expires_at=calendar.ago(14),
            owner_org_id=LIGHTHOUSE,  # Capgo keeps keys that an organization shares hashed
            is_hashed_key=True,
            **calendar.made(104),
        ),
    ]
