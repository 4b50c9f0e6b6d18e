"""A sandbox started with --keep continues where it was stopped."""

from tests.harness.sandbox import Sandbox, fetch


def test_people_texts_grants_and_the_webhook_outlive_a_restart(tmp_path):
    file = tmp_path / "state"
    first = Sandbox(tmp_path / "first.log", contacts=4, messages=2, keep=file, no_auto_replies=True, delivery_delay=0)
    try:
        token = first.post("/sandbox/pat", {})["token"]
        contact = first.data()["contacts"][0]
        first.post(f"/sandbox/phone/{contact['id']}", {"text": "Still there?"})
        first.post("/sandbox/settings", {"webhook": "http://127.0.0.1:9/hook"})
        before = first.data()
    finally:
        first.stop()
    assert file.stat().st_mode & 0o077 == 0
    second = Sandbox(tmp_path / "second.log", contacts=9, keep=file, no_auto_replies=True)
    try:
        assert second.data() == before
        me = fetch(f"{second.url}/pub/v2.2/user", headers={"Authorization": f"Bearer {token}"})
        assert me["id"] == before["users"][0]["id"]
        newer = second.post(f"/sandbox/phone/{contact['id']}", {"text": "And now?"})
        assert newer["id"] > max(message["id"] for message in before["messages"])
    finally:
        second.stop()


def test_a_file_that_is_none_is_said_so(tmp_path):
    file = tmp_path / "state"
    file.write_text("not a state")
    try:
        Sandbox(tmp_path / "log", keep=file)
    except AssertionError as problem:
        assert "delete it to start over" in str(problem)
    else:
        raise AssertionError("It started on a broken file.")
