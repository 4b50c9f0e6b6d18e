"""A picture with the place where it was taken, from the form to the vendor, over HTTP all the way."""

import uuid

import pytest
import requests

from tests.attachments import pictures
from tests.harness.sandbox import PATIENCE, wait_for

from .test_kills import THREADS, signed_in

pytestmark = [pytest.mark.processes]


def test_the_vendor_is_not_told_where_a_picture_was_taken(sandbox, portal):
    vendor = sandbox(contacts=10, messages=1, rate=60, period=1, no_auto_replies=True, no_failures=True)
    ours = portal(vendor, SALESMSG_RATE_PERIOD=1)
    ours.fill(vendor, 1)
    ours.superuser()
    ours.start_web()
    ours.start_worker(2)
    telling = pictures.jpeg_with(exif=pictures.exif(6), after=pictures.ZIP)
    [thread, *_] = ours.query(THREADS)
    with signed_in(ours) as session:
        form = {"client_uuid": str(uuid.uuid4()), "text": "Where I am not"}
        form["csrfmiddlewaretoken"] = session.cookies["csrftoken"]
        files = {"pictures": ("here.jpg", telling, "image/jpeg")}
        address = f"{ours.address}/inbox/{thread}/send/"
        answer = session.post(address, form, files=files, timeout=PATIENCE, allow_redirects=False)
        assert answer.status_code == 302, answer.text[:300]

    def media() -> list[dict]:
        texts = [row for row in vendor.data()["messages"] if row["body"] == "Where I am not"]
        return [one for row in texts for one in row["media"]]

    [one] = wait_for("the vendor has fetched the picture", media)
    with requests.Session() as session:
        session.trust_env = False
        fetched = session.get(one["source"], timeout=PATIENCE).content
    assert pictures.SECRET in telling and pictures.SECRET not in fetched
    assert set(pictures.jpeg_parts(fetched)) <= pictures.ALLOWED["image/jpeg"]
    assert pictures.opened(fetched).size == (64, 96)
