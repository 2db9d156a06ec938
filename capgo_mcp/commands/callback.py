"""The page of this machine at which the browser ends after the consent page."""

import queue
import secrets
import socket
import threading
import webbrowser
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final, Self
from urllib.parse import parse_qsl

from capgo_mcp.config.machine import Machine

HOST: Final = "127.0.0.1"
PATH: Final = "/callback"

_PAGE: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>capgo-mcp</title>
<style>body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 32rem; margin: 4rem auto }}</style>
<h1>{title}</h1>
<p>{text}</p>
</html>
"""
_DONE: Final = _PAGE.format(title="Back to the terminal", text="It tells how this went. You can close this page.")
_STRANGE: Final = _PAGE.format(title="Not this one", text="This is not the answer that capgo-mcp waits for.")


class Callback:
    """Takes the browser back on loopback, for as long as the block lasts.

        with Callback() as callback:
            returned = callback.wait(address, state, seconds)

    Attributes:
        address: Where the browser has to come back.
    """

    def __init__(self) -> None:
        self._found: queue.SimpleQueue[Mapping[str, str] | None] = queue.SimpleQueue()
        self._state = ""
        # Browsers open connections that they do not use yet: each has a thread of its own.
        self._server = ThreadingHTTPServer((HOST, 0), self._visit())
        self.address = f"http://{HOST}:{self._server.server_port}{PATH}"

    def __enter__(self) -> Self:
        # The interval is what leaving the block may take.
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait(self, address: str, state: str, seconds: float) -> Mapping[str, str] | None:
        """Open the browser, and give what it brings back with the right state.

        Returns:
            The parameters of the redirect; None where no browser could be opened.

        Raises:
            TimeoutError: It did not come back.
        """
        self._state = state
        threading.Thread(target=self._open, args=(address,), daemon=True).start()
        try:
            return self._found.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError from None

    def _open(self, address: str) -> None:
        """Open the browser; some programs that do so end only with it."""
        if not webbrowser.open(address):
            self._found.put(None)

    def _take(self, path: str) -> tuple[int, str]:
        """Look at what the browser asks for: any page in it can ask for something here."""
        where, _, query = path.partition("?")
        if where != PATH:
            return 404, _STRANGE
        returned = dict(parse_qsl(query))
        # Before anybody was asked there is no state, and an answer without one would fit.
        if not self._state or not secrets.compare_digest(returned.get("state", "").encode(), self._state.encode()):
            return 400, _STRANGE
        self._found.put(returned)
        return 200, _DONE

    def _visit(self) -> type[BaseHTTPRequestHandler]:
        take = self._take

        class Visit(BaseHTTPRequestHandler):
            """One request of the browser."""

            def do_GET(self) -> None:
                """Answer with a page that says nothing of what was sent."""
                status, page = take(self.path)
                body = page.encode()
                self.send_response(status)
                self.send_header("content-type", "text/html; charset=utf-8")
                self.send_header("content-length", str(len(body)))
                self.send_header("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'")
                self.send_header("referrer-policy", "no-referrer")
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Write nothing: the address holds the code."""

        return Visit


def free_address() -> str:
    """An address on loopback at which nobody listens: the browser ends there and shows it."""
    with socket.create_server((HOST, 0)) as server:
        return f"http://{HOST}:{server.getsockname()[1]}{PATH}"


def has_browser(machine: Machine) -> bool:
    """Whether a browser can be opened where the person sits; over SSH one that `BROWSER` names can."""
    if machine.environment.get("BROWSER"):
        return True
    if any(machine.environment.get(name) for name in ("SSH_CONNECTION", "SSH_TTY")):
        return False
    graphical = any(machine.environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))
    return machine.system != "linux" or graphical
