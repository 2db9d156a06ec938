"""The consent page of signing in, as small as it can be: who asks, for which organizations, yes or no."""

from collections.abc import Iterable
from html import escape

from starlette.responses import HTMLResponse

from capgo_mcp.sandbox.answers import Row

_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Capgo sandbox: sign in</title>
<style>body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 4rem auto }}
label {{ display: block }} button {{ margin: 1rem 1rem 0 0 }}</style>
<h1>{title}</h1>
{content}
</html>
"""
_FORM = """\
<p>It gets an API key for the organizations you pick, with your rights in them, until {until:%d %B %Y}.</p>
{warning}
<form method="post" action="/mcp/oauth/consent">
<input type="hidden" name="request" value="{request}">
{organizations}
<button name="answer" value="allow">Allow</button>
<button name="answer" value="deny">Deny</button>
</form>"""
_ORGANIZATION = '<label><input type="checkbox" name="org" value="{id}"> {name}</label>'


def consent_page(request: Row, organizations: Iterable[Row], *, warning: str = "") -> HTMLResponse:
    """Ask the person whether a client gets a key, and for what."""
    boxes = [_ORGANIZATION.format(id=escape(org["id"]), name=escape(org["name"])) for org in organizations]
    form = _FORM.format(
        until=request["key_until"],
        warning=f"<p><strong>{escape(warning)}</strong></p>" if warning else "",
        request=escape(request["id"]),
        organizations="\n".join(boxes),
    )
    return HTMLResponse(_PAGE.format(title=f"{escape(request['client_name'])} wants to use Capgo", content=form))


def refusal_page(why: str) -> HTMLResponse:
    """Tell the person what is wrong, where the client cannot be told."""
    return HTMLResponse(_PAGE.format(title="This does not work", content=f"<p>{escape(why)}</p>"), 400)
