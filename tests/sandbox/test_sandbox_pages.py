"""The sandbox's own pages, as a browser gets them."""

import re

import pytest

HTML = {"Accept": "text/html"}


def _page(vendor, path: str, **how):
    return vendor.session.get(f"{vendor.url}{path}", headers=HTML, **how)


def _post(vendor, path: str, **fields):
    return vendor.session.post(f"{vendor.url}{path}", data=fields, headers=HTML, allow_redirects=False)


def test_settings_show_and_take_the_webhook_address(start):
    vendor = start(contacts=5)
    assert "Webhook" in _page(vendor, "/").text
    answer = _post(vendor, "/sandbox/settings", webhook='http://x/?a="b', boxes="webhook_shuffle", webhook_shuffle="1")
    assert answer.status_code == 303
    text = _page(vendor, "/sandbox/").text
    assert 'value="http://x/?a=&quot;b"' in text
    assert vendor.own("settings")["webhook_shuffle"] is True
    _post(vendor, "/sandbox/settings", webhook="", boxes="webhook_shuffle")
    assert vendor.own("settings")["webhook_shuffle"] is False and vendor.own("settings")["webhook"] == ""
    refused = _post(vendor, "/sandbox/settings", webhook="javascript:alert(1)")
    assert refused.status_code == 422 and "http://" in refused.text


def test_a_person_gets_a_pat_that_works(vendor):
    text = _post(vendor, "/sandbox/pat").text
    token = re.search(r"<textarea[^>]*>([^<]+)</textarea>", text)[1]
    headers = {"Authorization": f"Bearer {token}"}
    assert vendor.session.get(f"{vendor.url}/pub/v2.2/user", headers=headers).status_code == 200


def test_the_phone_lists_searches_and_chats(start):
    vendor = start()
    contact = vendor.any_contact(country="US")
    assert contact["first_name"] in _page(vendor, "/sandbox/phone/", params={"q": contact["full_name"]}).text
    assert "No matches" in _page(vendor, "/sandbox/phone/", params={"q": "zzzz"}).text
    address = f"/sandbox/phone/{contact['id']}"
    assert "Text the company" in _page(vendor, address).text
    answer = _post(vendor, address, text="<script>alert(1)</script> https://x.example/?a=1&b=2")
    assert answer.status_code == 303 and answer.headers["Location"] == address
    thread = _page(vendor, address + "/thread").text
    assert "<script>" not in thread and "&lt;script&gt;" in thread
    assert '<a href="https://x.example/?a=1&amp;b=2"' in thread
    assert _post(vendor, address, text="  ").status_code == 422
    assert _page(vendor, "/sandbox/phone/1").status_code == 404


def test_a_text_from_a_new_number(vendor):
    answer = _post(vendor, "/sandbox/phone/new", number="(786) 555-0199", name="Robin Vale", text="Hi!")
    contact = vendor.get("/contacts/" + answer.headers["Location"].rpartition("/")[2]).json()
    assert contact["full_name"] == "Robin Vale" and contact["number"] == "+17865550199"
    assert _post(vendor, "/sandbox/phone/new", number="12", text="Hi!").status_code == 422


@pytest.mark.parametrize("path", ["/sandbox/sandbox.css", "/sandbox/sandbox.js", "/sandbox/media/7.png"])
def test_what_pages_need_is_there(vendor, path):
    answer = _page(vendor, path)
    assert answer.status_code == 200 and len(answer.content) > 500


@pytest.mark.parametrize(
    "path", ["/sandbox/..%2fcli.py", "/sandbox/base.html", "/sandbox/nothing", "/sandbox/media/x.png"]
)
def test_nothing_else_is_there(vendor, path):
    assert _page(vendor, path).status_code == 404


def test_own_addresses_are_not_counted(start):
    vendor = start(contacts=2, rate=1, period=30)
    for _ in range(5):
        _page(vendor, "/sandbox/")
        vendor.state()
    assert vendor.get("/user").status_code == 200 and vendor.state()["requests"] == 1
