"""Takes the pictures of docs/screenshots again: `.venv/bin/python -m tests.browser.screenshots [beginning of a name]`.

Each page and state on a desktop, on a phone, and in the dark. With `inbox-`, say, only those whose names begin so.
"""

import sys

from playwright.sync_api import sync_playwright

from tests.harness import chromium

from .shots import Camera, inbox, live


def take(only: str = "") -> None:
    """What rows alone show, then what a Salesmsg beside it shows."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.find(), args=chromium.FLAGS)
        camera = Camera(browser.new_page(), only)
        for room in (inbox, live):
            if any(camera.wants(name) for name in room.NAMES):
                room.take(browser, camera)
        browser.close()


if __name__ == "__main__":
    take(*sys.argv[1:2])
