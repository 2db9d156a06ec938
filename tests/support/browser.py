"""A real Chromium, headless, where there is one."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from tests.support.limits import GENEROUS

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@contextmanager
def page(**options: Any) -> Iterator[Page]:
    """A page of a browser of its own, with options of Playwright's, such as its size.

    The test is skipped where there is none, unless one is required.
    """
    if CHROMIUM is None:
        assert "REQUIRE_CHROMIUM" not in os.environ, "Chromium is required and not here"
        pytest.skip("there is no Chromium here (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        # Without its own sandbox, which needs rights that containers withhold; it opens this test's pages only.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            one = browser.new_page(**options)
            one.set_default_timeout(GENEROUS * 1000)
            expect.set_options(timeout=GENEROUS * 1000)
            yield one
        finally:
            browser.close()
