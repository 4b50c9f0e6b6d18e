"""A method per endpoint of the vendor, each returning records (salesmsg-api.md, section 5).

Knows no token and no network: `send` is the door. Where the vendor declares query parameters they are sent so;
JSON only where it is declared or a text is too long for an address.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from urllib.parse import quote_plus

from .errors import NotFound, Refused, SalesmsgError, Unreadable
from .http import Request
from .pages import Page, one_or_many, rows, single
from .records import Contact, Conversation, Message, Number, Organization, Record, Tag, Team, User

R = TypeVar("R", bound=Record)

LONGEST_QUERY = 1500  # characters of an encoded text that still go into an address [assumed]
_WIRE = {"first_name": "first_name", "last_name": "last_name", "email": "email", "phone": "number"}


def custom_fields_body(values: dict[str, str]) -> dict[str, Any]:
    """How custom fields are written. Nobody describes the value's type: an object of key and text is [assumed]."""
    return {"custom_fields": values}


class Client:
    """Every method may raise any error of `errors`; an answer that holds no readable record is `Unreadable`,
    so a write never seems done when nobody can tell."""

    def __init__(
        self,
        send: Callable[[Request], Any],
        *,
        version: str = "v2.2",
        contact_edit_path: str = "/api/v4/contacts/{contact}",
    ) -> None:
        self._send = send
        self._root = f"/pub/{version}"
        self._contact_edit_path = contact_edit_path

    # Account

    def user(self) -> User:
        """The user whose token it is. Also the probe of a credential (section 2.5)."""
        return self._one(User, "GET", "/user")

    def organization(self) -> Organization:
        """The organisation of the token."""
        return self._one(Organization, "GET", "/organization/current")

    def members(self) -> list[User]:
        """All members at once."""
        return self._page(User, "GET", "/organization/members").items

    def teams(self) -> list[Team]:
        """All inboxes; the older address where the first does not exist."""
        try:
            return self._page(Team, "GET", "/teams", query=[("limit", 100)]).items
        except NotFound:
            return self._page(Team, "GET", "/teams/all").items

    def numbers(self, page: int = 1) -> Page[Number]:
        """Our lines, up to 100 a page."""
        return self._page(Number, "GET", "/numbers", query=[("page", page), ("limit", 100)])

    # Tags

    def tags(self, page: int = 1, search: str = "") -> Page[Tag]:
        """Up to 100 a page; `search`: part of a label, which the vendor may ignore."""
        return self._page(Tag, "GET", "/tags", query=[("search", search or None), ("page", page), ("length", 100)])

    def create_tag(self, label: str) -> Tag:
        """Invalid when the label exists already, so repeating it makes no second tag."""
        return self._one(Tag, "POST", "/tags", query=[("label", label)])

    def tag_contact(self, contact: int, tag: int) -> None:
        """The answer is {type, message}, no record."""
        self._told("PUT", "/tags/contact/{contact}/{tag}", contact=contact, tag=tag)

    def untag_contact(self, contact: int, tag: int) -> None:
        """The answer is {type, message}, no record."""
        self._told("DELETE", "/tags/contact/{contact}/{tag}", contact=contact, tag=tag)

    # Contacts

    def contacts(self, page: int = 1, length: int | None = None) -> Page[Contact]:
        """10 a page whatever is asked; `length` only where it is known to be honoured."""
        return self._page(Contact, "GET", "/contacts", query=[("page", page), ("length", length)])

    def contacts_list(
        self, page: int = 1, length: int = 100, sort_by: str = "updated_at", sort_order: str = "desc"
    ) -> Page[Contact]:
        """Up to 100 a page, sorted; reads only, but wants the scope contacts:write."""
        body = {"page": page, "length": length, "sortBy": sort_by, "sortOrder": sort_order}
        return self._page(Contact, "POST", "/contacts/list", json=body, write=False)

    def contact(self, id: int) -> Contact:
        """NotFound: it is gone."""
        return self._one(Contact, "GET", "/contacts/{contact}", contact=id)

    def find_contacts(self, term: str) -> list[Contact]:
        """The first 50 of a search; not paged."""
        return self._page(Contact, "GET", "/contacts/search", query=[("term", term), ("limit", 50)]).items

    def create_contact(self, phone: str, first_name: str = "", last_name: str = "", email: str = "") -> Contact:
        """`phone` is E.164. Invalid with `contact_id` if the number has a contact already."""
        given = [("number", phone), ("first_name", first_name), ("last_name", last_name), ("email", email)]
        return self._one(Contact, "POST", "/contacts", query=[pair for pair in given if pair[1]])

    def update_contact(self, id: int, **fields: str) -> Contact:
        """Changes first_name, last_name, email, phone (E.164), whichever are given; the rest stays.

        The answer may be partial: `present` says what it carries. ValueError for another name or for none."""
        if not fields or fields.keys() - _WIRE.keys():
            raise ValueError(f"Give at least one of {', '.join(_WIRE)} and nothing else.")
        body = {_WIRE[name]: value for name, value in fields.items()}
        try:
            return self._one(Contact, "PUT", self._contact_edit_path, root="", json=body, contact=id)
        except SalesmsgError as error:
            if not isinstance(error, NotFound) and error.status != 405:
                raise
        return self._one(Contact, "PUT", "/contacts/{contact}", json=body, contact=id)  # [assumed] in v2.2

    def delete_contact(self, id: int) -> None:
        """A contact that texts again is added back by the vendor."""
        self._told("DELETE", "/contacts/{contact}", contact=id)

    def opt_out(self, id: int) -> Contact:
        """No more texts to this contact."""
        return self._one(Contact, "PUT", "/contacts/opt-out/{contact}", contact=id)

    def opt_in(self, id: int) -> Contact:
        """Texts allowed again, though the carrier may still refuse them (section 8)."""
        return self._one(Contact, "PUT", "/contacts/opt-in/{contact}", contact=id)

    def contact_conversations(self, id: int) -> list[Conversation]:
        """The vendor answers with a list, one object or nothing."""
        request = self._request("GET", "/contacts/{contact}/conversations", contact=id)
        return _parse_all(Conversation, one_or_many(self._send(request), request.endpoint), request.endpoint)

    def add_note(self, contact: int, text: str) -> None:
        """A note on a contact. **Not repeatable**: look for it first. The form of the answer is not known."""
        short = len(quote_plus(text)) <= LONGEST_QUERY
        how: dict[str, Any] = {"query": [("text", text)]} if short else {"json": {"text": text}}
        self._told("POST", "/contacts/note/{contact}/create", contact=contact, **how)

    def set_custom_fields(self, contact: int, values: dict[str, str]) -> None:
        """`values`: field key -> text, "" empties; fields not named stay. The form of the answer is not known."""
        self._told("PUT", "/contacts/{contact}/custom-fields", json=custom_fields_body(values), contact=contact)

    # Conversations

    def conversations(self, filter: str, limit: int = 100, offset: int = 0, **more: Any) -> Page[Conversation]:
        """`filter`: open, closed, unread, assigned, unassigned, outbound, optout, nocalls; there is no "all".
        `more`: query, before, after (YYYY-MM-DD of the last message), inbox_id, contact_id."""
        query = [("filter", filter), ("limit", limit), ("offset", offset), *more.items()]
        return self._page(Conversation, "GET", "/conversations", query=query)

    def conversation(self, id: int) -> Conversation:
        """With contact, owner, number and last message."""
        return self._one(Conversation, "GET", "/conversations/{conversation}", conversation=id)

    def open_conversation(self, contact_id: int, team_id: int | None = None) -> Conversation:
        """Makes the conversation of a contact in an inbox, or returns the one that exists."""
        query = [("contact_id", contact_id), ("team_id", team_id)]
        return self._one(Conversation, "POST", "/conversations", query=query)

    def close_conversation(self, id: int) -> Conversation:
        """Closes it for everybody in the inbox."""
        return self._one(Conversation, "PUT", "/conversations/{conversation}/close", conversation=id)

    def reopen_conversation(self, id: int) -> Conversation:
        """Takes the closing back."""
        return self._one(Conversation, "PUT", "/conversations/{conversation}/open", conversation=id)

    def reassign(self, id: int, user_id: int | None) -> Conversation:
        """Gives it to a member; None to nobody."""
        query = [("user_id", user_id or "")]
        return self._one(Conversation, "POST", "/conversations/{conversation}/reassign", query=query, conversation=id)

    # Messages

    def messages(self, conversation_id: int, page: int = 1, per_page: int = 100) -> Page[Message]:
        """A thread by pages; never rely on the order."""
        query = [("page", page), ("per_page", per_page)]
        path = "/messages/{conversation}/paginated"
        return self._page(Message, "GET", path, query=query, conversation=conversation_id)

    def messages_before(self, conversation_id: int, limit: int = 100, before_id: int | None = None) -> Page[Message]:
        """A thread by cursor, newest first: the way where `/paginated` does not exist."""
        query = [("limit", limit), ("before_id", before_id)]
        return self._page(Message, "GET", "/messages/{conversation}", query=query, conversation=conversation_id)

    def send_message(self, conversation_id: int, text: str, media_urls: Iterable[str] = ()) -> Message:
        """Sends a text. **Not repeatable**: the vendor has no idempotency key, a second call is a second text.
        media_urls: where the vendor gets the pictures from; only the query form attaches them.

        A 2xx can carry `state` "failed" with `failed_reason` (an opted-out or invalid number): refused, not sent."""
        media = [("media_url[][url]", url) for url in media_urls]
        short = media or len(quote_plus(text)) <= LONGEST_QUERY
        how: dict[str, Any] = {"query": [("message", text), *media]} if short else {"json": {"message": text}}
        return self._one(Message, "POST", "/messages/{conversation}", conversation=conversation_id, **how)

    # The three forms of an answer

    def _one(self, kind: type[R], method: str, path: str, **how: Any) -> R:
        request = self._request(method, path, **how)
        return _parse(kind, single(self._send(request), request.endpoint), request.endpoint)

    def _page(self, kind: type[R], method: str, path: str, **how: Any) -> Page[R]:
        request = self._request(method, path, **how)
        raw, meta = rows(self._send(request), request.endpoint)
        items = _parse_all(kind, raw, request.endpoint)
        return Page(items, total=meta.total, last_page=meta.last_page, page=meta.page, count=len(raw))

    def _told(self, method: str, path: str, **how: Any) -> None:
        """For answers without a record: {type, message}, a list of words, or nothing."""
        request = self._request(method, path, **how)
        answer = self._send(request)
        if isinstance(answer, dict) and answer.get("type") in ("error", "fail", "failed"):  # [assumed]
            raise Refused(endpoint=request.endpoint)

    def _request(
        self,
        method: str,
        path: str,
        *,
        root: str | None = None,
        query: Iterable[tuple[str, Any]] = (),
        json: dict[str, Any] | None = None,
        write: bool | None = None,
        **ids: int,
    ) -> Request:
        return Request(
            method=method,
            path=(self._root if root is None else root) + path.format(**{name: int(id) for name, id in ids.items()}),
            endpoint=f"{method} {path}",
            query=tuple((name, str(value)) for name, value in query if value is not None),
            json=json,
            write=method != "GET" if write is None else write,
        )


def _parse(kind: type[R], raw: dict[str, Any], endpoint: str) -> R:
    try:
        return kind.parse(raw)
    except Unreadable as error:
        error.endpoint = endpoint
        raise


def _parse_all(kind: type[R], raw: list[dict[str, Any]], endpoint: str) -> list[R]:
    return [_parse(kind, item, endpoint) for item in raw]
