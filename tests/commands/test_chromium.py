"""What people do in a browser: the program itself, a real Chromium, a click."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, expect

from capgo_mcp.sandbox import State, create_app
from capgo_mcp.sandbox.seed.people import HARBOR
from tests.support import browser
from tests.support.limits import GENEROUS
from tests.support.serving import served, wait_until
from tests.support.tools import child


def test_person_signs_in_through_a_browser(tmp_path: Path, state: State) -> None:
    """`login` opens the consent page; after a tick and a click there the key is saved, and logout revokes it."""
    opened = tmp_path / "opened"
    opener = tmp_path / "browser"
    opener.write_text(f'#!/bin/sh\nprintf %s "$1" > "{opened}.part" && mv "{opened}.part" "{opened}"\n')
    opener.chmod(0o700)
    with served(create_app(state)) as capgo, browser.page() as page:
        clean = {name: text for name, text in os.environ.items() if not name.startswith(("CAPGO_", "XDG_"))}
        here = clean | {"HOME": str(tmp_path), "CAPGO_API_URL": capgo, "BROWSER": str(opener)}
        command = [sys.executable, "-m", "capgo_mcp"]
        with child(
            [*command, "login", "--file"], env=here, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        ) as login:
            wait_until(lambda: opened.exists() or login.poll() is not None)
            page.goto(opened.read_text(encoding="utf-8"))
            assert page.locator("h1").inner_text() == "capgo-mcp wants to use Capgo"
            page.get_by_label("Harbor Bikes").check()
            page.get_by_role("button", name="Allow").click()
            page.get_by_text("Back to the terminal").wait_for()
            told, _ = login.communicate(timeout=GENEROUS)
            assert login.returncode == 0
        (key,) = [key for key in state.keys.values() if key.get("oauth_client")]
        assert [binding["org_id"] for binding in key["bindings"]] == [HARBOR]
        assert 'Signed in for "Harbor Bikes", until' in told
        assert (tmp_path / ".config" / "capgo-mcp" / "key").read_text(encoding="utf-8").strip() == key["key"]
        subprocess.run([*command, "logout"], env=here, check=True, capture_output=True, timeout=GENEROUS)
        assert not [key for key in state.keys.values() if key.get("oauth_client")]


def choose(page: Page, name: str) -> None:
    """Choose what to look at, and wait until it is what stands there."""
    link = page.get_by_role("link", name=name, exact=True)
    link.click()
    frame = page.locator("#frame").element_handle().content_frame()
    assert frame is not None
    frame.wait_for_url(re.compile(re.escape(f"?{link.get_attribute('href')}".replace("#", "")) + "$"))


def test_person_looks_at_the_pages_for_the_chat(tmp_path: Path) -> None:
    """`apps` tells an address, at which each page is drawn on sample data and its buttons say what they would ask."""
    clean = {name: text for name, text in os.environ.items() if not name.startswith("CAPGO_")}
    command = [sys.executable, "-m", "capgo_mcp", "apps"]
    here = clean | {"HOME": str(tmp_path), "BROWSER": "true"}
    with browser.page() as page, child(command, env=here, stderr=subprocess.PIPE, text=True) as gallery:
        assert gallery.stderr is not None
        (address,) = re.findall(r"http://\S+", gallery.stderr.readline())
        page.goto(address)
        shown = page.frame_locator("#frame")
        links = page.get_by_role("navigation").get_by_role("link")
        links.first.wait_for()
        for name in links.all_inner_texts():
            choose(page, name)
            expect(page.locator("a[aria-current=page]")).to_have_text(name)
            shown.locator("main[aria-busy=false] h1").wait_for()
            assert shown.get_by_text("cannot be drawn").count() == 0
        choose(page, "Deletion of a channel")
        shown.get_by_role("button", name="Leave it").click()
        expect(page.locator("#chat li")).to_contain_text("capgo_delete_channel")
        page.locator("#theme").select_option("dark")
        expect(shown.locator("html")).to_have_attribute("data-theme", "dark")
        gallery.send_signal(signal.SIGINT)
        _, told = gallery.communicate(timeout=GENEROUS)
    assert told.splitlines()[-1] == "capgo-mcp: stopped."
    assert gallery.returncode == 0
