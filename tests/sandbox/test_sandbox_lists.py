"""Envelopes and page dialects, by section 4, and the switches that vary them."""

import pytest


def _ids(rows):
    return [row["id"] for row in rows]


def _rows(body):
    if isinstance(body, list):
        return body
    return body.get("data", body.get("results"))


def test_contacts_come_ten_a_page_whatever_is_asked(vendor):
    seen = []
    for page in range(1, 6):
        body = vendor.get("/contacts", page=page, per_page=50, limit=50, length=50).json()
        assert body["meta"] == {"current_page": page, "last_page": 4, "per_page": 10, "total": 40}
        assert len(body["data"]) == (10 if page < 5 else 0)
        seen += _ids(body["data"])
    assert sorted(seen) == sorted(_ids(vendor.data()["contacts"]))


def test_contact_list_keeps_its_length_and_takes_page_zero(vendor):
    first = vendor.post("/contacts/list", json={"page": 0, "length": 15}).json()
    assert first == vendor.post("/contacts/list", data={"page": 1, "length": 15}).json()
    assert len(first["data"]) == 15 and first["meta"]["last_page"] == 3
    assert vendor.post("/contacts/list", json={"length": 101}).status_code == 422
    short = vendor.post("/contacts/list", json={"useShortResponse": True, "length": 1}).json()["data"][0]
    assert "number" in short and "custom_fields" not in short


@pytest.mark.parametrize("key", ["created_at", "updated_at", "first_name"])
def test_contact_list_sorts(vendor, key):
    query = {"length": 100, "sortBy": key}
    up = vendor.post("/contacts/list", json=query | {"sortOrder": "asc"}).json()["data"]
    down = vendor.post("/contacts/list", json=query | {"sortOrder": "desc"}).json()["data"]
    assert _ids(up) == _ids(down)[::-1]
    values = [(row[key] or "").casefold() for row in up]
    assert values == sorted(values)


def test_contact_search(vendor):
    contact = vendor.any_contact()
    found = vendor.get("/contacts/search", term=contact["number"][2:]).json()
    assert contact["id"] in _ids(found["results"])
    assert vendor.get("/contacts/search").status_code == 422


def test_conversations_demand_filter_and_limit(vendor):
    for query in (
        {},
        {"filter": "open"},
        {"limit": 5},
        {"filter": "all", "limit": 5},
        {"filter": "open", "limit": "x"},
    ):
        answer = vendor.get("/conversations", **query)
        assert answer.status_code == 422 and answer.json()["message"] == "The given data was invalid."
        assert set(answer.json()["errors"]) <= {"filter", "limit"}


def test_open_closed_and_outbound_part_all_conversations(vendor):
    parts = {
        name: vendor.get("/conversations", filter=name, limit=100).json() for name in ("open", "closed", "outbound")
    }
    ids = [row["id"] for rows in parts.values() for row in rows]
    assert len(ids) == len(set(ids)) and set(ids) == {row["id"] for row in vendor.data()["conversations"]}
    assert all(parts.values())
    assert all(row["closed_at"] for row in parts["closed"])
    assert not any(row["closed_at"] for name in ("open", "outbound") for row in parts[name])


def test_conversations_by_offset_newest_first(vendor):
    whole = vendor.get("/conversations", filter="open", limit=500).json()
    times = [row["last_message_at"] for row in whole]
    assert times == sorted(times, reverse=True)
    pieces = []
    for offset in range(0, len(whole) + 4, 4):
        pieces += vendor.get("/conversations", filter="open", limit=4, offset=offset).json()
    assert pieces == whole


def test_other_filters_and_narrowing(vendor):
    def found(**query):
        return vendor.get("/conversations", limit=100, **query).json()

    assert found(filter="unread") and all(row["unread"] for row in found(filter="unread"))
    assert all(row["owner"] for row in found(filter="assigned")) and not any(
        row["owner"] for row in found(filter="unassigned")
    )
    assert all(row["contact"]["opt_out"] for row in found(filter="optout"))
    assert found(filter="nocalls")
    some = found(filter="open")[3]
    assert some["id"] in _ids(found(filter="open", contact_id=some["contact_id"]))
    assert {row["inbox_id"] for row in found(filter="open", inbox_id=some["inbox_id"])} == {some["inbox_id"]}
    assert some["id"] in _ids(found(filter="open", query=some["contact"]["number"]))
    day = some["last_message_at"][:10]
    assert all(row["last_message_at"] < day for row in found(filter="open", before=day))
    assert all(row["last_message_at"] >= day for row in found(filter="open", after=day))
    assert vendor.get("/conversations", filter="open", limit=1, before="soon").status_code == 422


def test_assigned_shows_only_the_callers_inboxes(start):
    vendor = start()
    vendor.use(vendor.pat(user_id=60034))
    teams = {row["inbox_id"] for row in vendor.get("/conversations", filter="assigned", limit=100).json()}
    assert teams <= {239001, 239003}
    assert {row["id"] for row in vendor.get("/teams", has_membership=1).json()} == {239001, 239003}


def test_messages_newest_first_by_cursor_and_by_page(vendor):
    thread = vendor.thread_of(vendor.any_contact())["id"]
    whole = vendor.get(f"/messages/{thread}", limit=300).json()
    assert isinstance(whole, list) and len(whole) == 12
    order = [(row["created_at"], row["id"]) for row in whole]
    assert order == sorted(order, reverse=True)
    for cursor in ("before_id", "before"):
        walked, last = [], None
        while rows := vendor.get(f"/messages/{thread}", limit=5, **({cursor: last} if last else {})).json():
            walked += rows
            last = rows[-1]["id"]
        assert walked == whole
    paged = [row for page in (1, 2, 3, 4) for row in vendor.get(f"/messages/{thread}", limit=5, page=page).json()]
    assert paged == whole


def test_messages_paginated_wants_both(vendor):
    thread = vendor.thread_of(vendor.any_contact())["id"]
    for query in ({}, {"page": 1}, {"per_page": 5}, {"page": 1, "per_page": 101}, {"page": 0, "per_page": 5}):
        assert vendor.get(f"/messages/{thread}/paginated", **query).status_code == 422
    body = vendor.get(f"/messages/{thread}/paginated", page=2, per_page=5).json()
    assert body["meta"] == {"current_page": 2, "last_page": 3, "per_page": 5, "total": 12} and len(body["data"]) == 5


def test_the_rest_of_the_account(vendor):
    assert isinstance(vendor.get("/teams").json(), list)
    assert vendor.get("/teams/all").json() == vendor.get("/teams").json()
    team = vendor.get("/teams").json()[0]
    assert vendor.get(f"/teams/{team['id']}").json() == team
    numbers = vendor.get("/numbers").json()
    assert set(numbers) == {"data"} and numbers["data"][0]["numberable"]["id"] == team["id"]
    assert vendor.get(f"/teams/{team['id']}/numbers").json()["data"] == numbers["data"][:1]
    assert len(vendor.get("/organization/members").json()) == 5
    assert vendor.get("/organization/current").json()["name"]
    assert vendor.get("/user").json() == vendor.call("GET", "/users/me", version="/pub/v2.3").json()
    assert len(vendor.get("/tags", length=5).json()["data"]) == 5
    assert vendor.get("/tags/search", term="vip").json()["results"][0]["tag_id"]
    assert vendor.get("/attachments/recently").json()[0]["processing"] == 0


def test_errors(vendor):
    for path in ("/contacts/1", "/conversations/1", "/messages/1", "/teams/1", "/nowhere", "/messages/abc"):
        assert vendor.get(path).status_code == 404 and vendor.get(path).json()["message"]
    assert vendor.call("PATCH", "/contacts").status_code == 405
    assert vendor.get("/pub/v9/contacts").json() == {"message": "Missing Authentication Token"}
    lonely = next(
        row["id"]
        for row in vendor.data()["contacts"]
        if row["id"] not in {c["contact_id"] for c in vendor.data()["conversations"]}
    )
    empty = vendor.get(f"/contacts/{lonely}/conversations")
    assert empty.status_code == 204 and not empty.content


# -- switches -------------------------------------------------------------------------------------------------


def test_data_envelope(start):
    vendor = start(data_envelope=True)
    assert set(vendor.get("/user").json()) == {"data"}
    assert isinstance(vendor.get("/teams").json(), list)


def test_mixed_envelopes_hold_the_same_rows(start):
    vendor = start(mix_envelopes=True)
    bodies = [vendor.get("/contacts").json() for _ in range(4)]
    assert len({type(body).__name__ + str(sorted(body) if isinstance(body, dict) else "") for body in bodies}) == 4
    assert all(_ids(_rows(body)) == _ids(_rows(bodies[0])) for body in bodies)
    shapes = [vendor.get("/teams").json() for _ in range(3)]
    assert {type(body) for body in shapes} == {list, dict}


def test_iso_times(start):
    contact = start(iso_times=True).data()["contacts"][0]
    assert contact["created_at"].endswith("Z") and "T" in contact["created_at"]


def test_short_pages_lose_nothing(start):
    vendor = start(short_pages=True)
    sizes, seen, page = [], [], 1
    while True:
        body = vendor.get("/contacts", page=page).json()
        sizes.append(len(body["data"]))
        seen += _ids(body["data"])
        if page == body["meta"]["last_page"]:
            break
        page += 1
    assert sizes == [10, 7, 10, 7, 6] and sorted(seen) == sorted(_ids(vendor.data()["contacts"]))
    walked, lengths = [], []
    while rows := vendor.get("/conversations", filter="open", limit=6, offset=len(walked)).json():
        lengths.append(len(rows))
        walked += rows
    assert len(set(_ids(walked))) == len(walked) and 4 in lengths[:-1]
    thread = vendor.thread_of(vendor.any_contact())["id"]
    pages = [vendor.get(f"/messages/{thread}/paginated", page=n, per_page=5).json()["data"] for n in (1, 2, 3, 4)]
    assert [len(rows) for rows in pages] == [5, 4, 3, 0]


def test_endpoints_may_be_missing(start):
    vendor = start(paginated=False, contact_v4=False)
    contact = vendor.any_contact()
    thread = vendor.thread_of(contact)["id"]
    assert vendor.get(f"/messages/{thread}/paginated", page=1, per_page=5).status_code == 404
    assert vendor.put(f"/api/v4/contacts/{contact['id']}", json={"first_name": "A"}).status_code == 404
    assert vendor.put(f"/contacts/{contact['id']}", json={"first_name": "A"}).json()["first_name"] == "A"
    vendor.own("settings", {"contact_v4": True, "contact_pub": False})
    assert vendor.put(f"/contacts/{contact['id']}", json={"first_name": "B"}).status_code == 404
    assert vendor.put(f"/api/v4/contacts/{contact['id']}", json={"first_name": "B"}).json()["first_name"] == "B"


def test_sorting_may_be_ignored(start):
    vendor = start(honour_sort=False)
    query = {"length": 100, "sortBy": "first_name"}
    rows = vendor.post("/contacts/list", json=query | {"sortOrder": "asc"}).json()
    assert rows == vendor.post("/contacts/list", json=query | {"sortOrder": "desc"}).json()
