"""Pictures chosen, pasted, shown, sent, and seen on the phone."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.attachments.conftest import png
from tests.harness.sandbox import wait_for

pytestmark = [pytest.mark.browser]

PASTE = """([name, bytes]) => {
  const file = new File([new Uint8Array(bytes)], name, { type: "image/png" });
  const data = new DataTransfer();
  data.items.add(file);
  document.getElementById("composer-text").dispatchEvent(
    new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""


def file(name: str, body: bytes, kind: str = "image/png") -> dict:
    return {"name": name, "mimeType": kind, "buffer": body}


def test_pictures_reach_the_phone(page: Page, vendor, connected, stranger):
    contact = stranger
    connected.visit(page, "/inbox/")
    page.locator(".row-link", has=page.get_by_text(contact["full_name"], exact=True)).click()
    chosen = page.locator(".picture-out")
    choose = page.get_by_label("Add pictures")

    choose.set_input_files([file("note.txt", b"hello", "text/plain")])
    expect(page.get_by_text("“note.txt” cannot be sent")).to_be_visible()
    expect(chosen).to_have_count(0)
    choose.set_input_files([file("cat.png", png(400, 300)), file("dog.png", png(90, 300))])
    expect(chosen).to_have_count(2)
    expect(page.get_by_text("“note.txt”")).to_have_count(0)
    page.evaluate(PASTE, ["pasted.png", list(png(50, 50))])
    expect(chosen).to_have_count(3)
    choose.set_input_files([file("fourth.png", png())])
    expect(page.get_by_text("You can send at most 3 pictures with a text.")).to_be_visible()
    expect(chosen).to_have_count(3)
    page.get_by_role("button", name="Remove dog.png").click()
    expect(chosen).to_have_count(2)

    # A file that lies about itself: the server says so, and neither text nor pictures are lost.
    page.get_by_label("Your text to").fill("Two pictures")
    choose.set_input_files([file("liar.png", b"MZ not a picture")])
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator("#composer-error")).to_contain_text("“liar.png” cannot be sent")
    expect(page.get_by_label("Your text to")).to_have_value("Two pictures")
    page.get_by_role("button", name="Remove liar.png").click()
    page.get_by_role("button", name="Send", exact=True).click()

    bubble = page.locator("#messages li.message", has_text="Two pictures")
    expect(bubble.locator("img")).to_have_count(2)
    expect(chosen).to_have_count(0)
    expect(page.get_by_label("Your text to")).to_have_value("")
    expect(bubble.locator(".state")).to_have_text(re.compile("Sent|Delivered"))
    assert bubble.locator("img").first.evaluate("image => image.naturalWidth") == 400

    # On the phone, fetched by the vendor from our public address.
    phone = page.context.new_page()
    phone.goto(f"{vendor.url}/sandbox/phone/{contact['id']}")

    def sizes() -> list[int]:  # the newest two; the conversation may hold older pictures
        phone.reload()
        return phone.locator("img[alt=Picture]").evaluate_all("all => all.map((one) => one.naturalWidth)")[-2:]

    wait_for("both are there", lambda: sizes() == [400, 50], pause=0.5)
    # A browser reports the one refused send, and the save of a draft that may be on its way when its text is sent.
    answers = [re.search(r"a status of (\d+)", said)[1] for said in page.complaints]
    assert answers in (["422"], ["422", "409"]), page.complaints
