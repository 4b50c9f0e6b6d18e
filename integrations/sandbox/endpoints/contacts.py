"""Contacts (section 5, Contacts)."""

import re

from .. import phones
from ..model import Contact
from ..routing import Call, route
from ..web import Refused, Response, invalid, missing

PAGE = 10  # fixed page size, regardless of the request
EMAIL = re.compile(r"[^@\s]+@[^@\s.]+(\.[^@\s.]+)+")
SORTS = {
    "created_at": lambda c: (c.created_at, c.id),
    "updated_at": lambda c: (c.updated_at, c.id),
    "first_name": lambda c: ((c.first_name or "").casefold(), c.id),
}


def matching(call: Call, term: str | None) -> list[Contact]:
    """Find contacts by name, email or number. Without a term, return all."""
    everybody = call.world.contacts.values()
    if not term:
        return list(everybody)
    needle = term.casefold()
    digits = re.sub(r"\D", "", term)
    return [
        contact
        for contact in everybody
        if needle in contact.full_name.casefold()
        or needle in (contact.email or "").casefold()
        or (len(digits) > 2 and digits in contact.number)
    ]


def _ordered(call: Call, contacts: list[Contact]) -> list[Contact]:
    """Sort newest first, or by sortBy (section 11, incremental sync)."""
    key, descending = SORTS["created_at"], True
    if call.switches.honour_sort and (sort_by := call.params.text("sortBy")) in SORTS:
        key = SORTS[sort_by]
        descending = (call.params.text("sortOrder") or "asc").lower() == "desc"
    return sorted(contacts, key=key, reverse=descending)


@route("GET", "/contacts", "contacts:read")
def list_contacts(call: Call) -> Response:
    page = call.params.integer("page", default=1, low=0) or 1
    found = _ordered(call, matching(call, call.params.text("search")))
    if number := call.params.text("number"):
        found = [contact for contact in found if contact.number == phones.normalise(number)]
    return call.envelopes.page(found, page, PAGE, call.records.contact)


@route("POST", "/contacts/list", "contacts:write")
def contact_list(call: Call) -> Response:
    """Read-only, but requires the write scope (section 2.4). Page 0 equals page 1 (section 4)."""
    page = call.params.integer("page", default=1, low=0) or 1
    length = call.params.integer("length", default=15, low=1, high=100)
    found = _ordered(call, matching(call, call.params.text("search")))
    short = call.params.text("useShortResponse") in {"1", "true"}
    return call.envelopes.page(found, page, length, call.records.short_contact if short else call.records.contact)


@route("GET", "/contacts/search", "contacts:read")
def search_contacts(call: Call) -> Response:
    term = call.params.required("term")
    limit = call.params.integer("limit", default=50, low=1, high=100)
    return call.envelopes.results([call.records.contact(contact) for contact in matching(call, term)[:limit]])


@route("GET", "/contacts/tags/{tag}", "contacts:read")
def tagged_contacts(call: Call, tag: int) -> Response:
    page = call.params.integer("page", default=1, low=0) or 1
    limit = call.params.integer("limit", default=15, low=1, high=100)
    found = [c for c in matching(call, call.params.text("search")) if any(t.id == tag for t in c.tags)]
    return call.envelopes.page(_ordered(call, found), page, limit, call.records.contact)


@route("GET", "/contacts/{contact}", "contacts:read")
def get_contact(call: Call, contact: int) -> Response:
    return call.envelopes.one(call.records.contact(call.store.contact(contact)))


@route("POST", "/contacts", "contacts:write")
def create_contact(call: Call) -> Response:
    number = _number(call, call.params.required("number"))
    _refuse_taken(call, number, None)
    fields = {name: call.params.text(name) for name in ("first_name", "last_name")}
    contact = call.store.add_contact(number, email=_email(call), **fields)
    return call.envelopes.one(call.records.contact(contact), 201)


@route("PUT", "/api/v4/contacts/{contact}", "contacts:write")
@route("PUT", "/contacts/{contact}", "contacts:write")
def edit_contact(call: Call, contact: int) -> Response:
    """Partial update: missing fields are kept, empty fields are cleared."""
    person = call.store.contact(contact)
    changes: dict[str, str | None] = {}
    for name in ("first_name", "last_name"):
        if name in call.params:
            changes[name] = call.params.text(name)
            if len(changes[name] or "") > 255:
                raise invalid(name, f"The {name.replace('_', ' ')} may not be greater than 255 characters.")
    if "email" in call.params:
        changes["email"] = _email(call)
    if "number" in call.params:
        number = _number(call, call.params.required("number"))
        _refuse_taken(call, number, person)
        changes["number"] = number
    if changes:
        call.store.edit_contact(person, changes)
        call.journal.edited(
            {"id": person.id, "changes": changes, "path": call.path, "at": call.records.time(person.updated_at)}
        )
    return call.envelopes.one(call.records.contact(person))


def _email(call: Call) -> str | None:
    email = call.params.text("email")
    if email is not None and not EMAIL.fullmatch(email):
        raise invalid("email", "The email must be a valid email address.")
    return email


def _number(call: Call, text: str) -> str:
    number = phones.normalise(text)
    if not phones.is_possible(number) or re.search(r"[^\d\s().+-]", text):
        raise invalid("number", "The number format is invalid.")
    return number


def _refuse_taken(call: Call, number: str, owner: Contact | None) -> None:
    """Error for an existing contact. The body contains its ID as a number or a one-item list (section 5)."""
    other = call.store.contact_by_number(number)
    if other is None or other is owner:
        return
    found = other.id if other.id % 2 else [other.id]
    raise Refused(422, {"message": "A contact with this number already exists.", "contact_id": found})


@route("DELETE", "/contacts/{contact}", "contacts:write")
def delete_contact(call: Call, contact: int) -> Response:
    call.store.remove_contact(call.store.contact(contact))
    return Response.json(["Contact deleted"])


@route("PUT", "/contacts/opt-out/{contact}", "contacts:write")
def opt_out(call: Call, contact: int) -> Response:
    return _set_opt_out(call, contact, True)


@route("PUT", "/contacts/opt-in/{contact}", "contacts:write")
def opt_in(call: Call, contact: int) -> Response:
    """Always accepted. After a STOP text, the carrier still refuses texts (section 8)."""
    return _set_opt_out(call, contact, False)


def _set_opt_out(call: Call, contact: int, out: bool) -> Response:
    person = call.store.contact(contact)
    call.store.set_opt_out(person, out)
    return call.envelopes.one(call.records.contact(person))


@route("GET", "/contacts/{contact}/conversations", "conversations:read")
def conversations_of(call: Call, contact: int) -> Response:
    found = call.store.conversations_of(call.store.contact(contact))
    if not found:
        return Response(204)
    return call.envelopes.bare([call.records.conversation(conversation) for conversation in found])


@route("POST", "/contacts/note/{contact}/create", "contacts:write")
def create_note(call: Call, contact: int) -> Response:
    person = call.store.contact(contact)
    return call.envelopes.one(call.records.note(call.store.add_note(person, call.params.required("text"))), 201)


@route("PUT", "/contacts/{contact}/custom-fields", "custom-fields:write")
def custom_fields(call: Call, contact: int) -> Response:
    """The type is undocumented. Here, ``custom_fields`` is an object of keys and values."""
    person = call.store.contact(contact)
    values = call.params.raw("custom_fields")
    if not isinstance(values, dict) or not values:
        raise missing("custom_fields")
    for key, value in values.items():
        call.store.set_custom_field(person, str(key), "" if value is None else str(value))
    call.store.touch(person)
    return call.envelopes.one(call.records.contact(person))
