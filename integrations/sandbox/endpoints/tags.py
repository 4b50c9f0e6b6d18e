"""Tags (section 5, Tags)."""

from ..model import Tag
from ..routing import Call, route
from ..web import Response, invalid, not_found

SORTS = {"label": lambda t: (t.label.casefold(), t.id), "created_at": lambda t: (t.created_at, t.id)}


def _found(call: Call, term: str) -> list[Tag]:
    return [tag for tag in call.world.tags.values() if term.casefold() in tag.label.casefold()]


def _tag(call: Call, tag_id: int) -> Tag:
    if tag_id not in call.world.tags:
        raise not_found("Tag")
    return call.world.tags[tag_id]


@route("GET", "/tags", "tags:read")
def list_tags(call: Call) -> Response:
    page = call.params.integer("page", default=1, low=0) or 1
    length = call.params.integer("length", default=15, low=1, high=100)
    key = SORTS.get(call.params.text("sortBy") or "", SORTS["label"])
    descending = (call.params.text("sortOrder") or "").lower() == "desc"
    found = sorted(_found(call, call.params.text("search") or ""), key=key, reverse=descending)
    return call.envelopes.page(found, page, length, call.records.tag)


@route("GET", "/tags/search", "tags:read")
def search_tags(call: Call) -> Response:
    """v2.1. The ID is named ``tag_id``."""
    found = _found(call, call.params.required("term"))
    return call.envelopes.results([{"tag_id": tag.id} | call.records.tag(tag) for tag in found])


def _label(call: Call, own: Tag | None = None) -> str:
    label = call.params.required("label")
    if len(label) > 50:
        raise invalid("label", "The label may not be greater than 50 characters.")
    if any(tag.label.casefold() == label.casefold() and tag is not own for tag in call.world.tags.values()):
        raise invalid("label", "The label has already been taken.")
    return label


@route("POST", "/tags", "tags:write")
def create_tag(call: Call) -> Response:
    return call.envelopes.one(call.records.tag(call.store.add_tag(_label(call))), 201)


@route("PUT", "/tags/{tag}", "tags:write")
def edit_tag(call: Call, tag: int) -> Response:
    found = _tag(call, tag)
    found.label = _label(call, found)
    found.name = found.label.lower().replace(" ", "-")
    return call.envelopes.one(call.records.tag(found))


@route("PUT", "/tags/contact/{contact}/{tag}", "tags:write")
def tag_contact(call: Call, contact: int, tag: int) -> Response:
    person, found = call.store.contact(contact), _tag(call, tag)
    if found not in person.tags:
        person.tags.append(found)
        call.store.touch(person)
    return Response.json({"type": "success", "message": "Tag added"})


@route("DELETE", "/tags/contact/{contact}/{tag}", "tags:write")
def untag_contact(call: Call, contact: int, tag: int) -> Response:
    person, found = call.store.contact(contact), _tag(call, tag)
    if found in person.tags:
        person.tags.remove(found)
        call.store.touch(person)
    return Response.json({"type": "success", "message": "Tag removed"})
