"""The vendor's endpoints, one method each, returning records (salesmsg-api.md, section 5).

The client holds no token and makes no network calls: it passes each request to `send`. Parameters go into the query
where the vendor declares them there; JSON is used only where declared, or if a text is too long for a URL.
"""

from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from urllib.parse import quote_plus

from .errors import NotFound, Refused, SalesmsgError, Unreadable
from .http import Request
from .pages import Page, one_or_many, rows, single
from .records import Contact, Conversation, Message, Number, Organization, Record, Tag, Team, User

R = TypeVar("R", bound=Record)

LONGEST_QUERY = 1500  # maximum characters of an encoded text in a URL [assumed]
_WIRE = {"first_name": "first_name", "last_name": "last_name", "email": "email", "phone": "number"}


def custom_fields_body(values: dict[str, str]) -> dict[str, Any]:
    """Return the body that writes custom fields. The value's type is not documented: an object of key and text is
    [assumed].
    """
    return {"custom_fields": values}


class Client:
    """The API client. Every method may raise any error of `errors`.

    An answer without a readable record raises `Unreadable`, so that a write never seems done if its result is unknown.
    """

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
        """Return the user who owns the token. Also used to check a credential (section 2.5)."""
        return self._one(User, "GET", "/user")

    def organization(self) -> Organization:
        """Return the organisation of the token."""
        return self._one(Organization, "GET", "/organization/current")

    def members(self) -> list[User]:
        """Return all members; the endpoint is not paginated."""
        return self._page(User, "GET", "/organization/members").items

    def teams(self) -> list[Team]:
        """Return all inboxes, from the older endpoint if the new one does not exist."""
        try:
            return self._page(Team, "GET", "/teams", query=[("limit", 100)]).items
        except NotFound:
            return self._page(Team, "GET", "/teams/all").items

    def numbers(self, page: int = 1) -> Page[Number]:
        """Return the organisation's phone numbers, up to 100 per page."""
        return self._page(Number, "GET", "/numbers", query=[("page", page), ("limit", 100)])

    # Tags

    def tags(self, page: int = 1, search: str = "") -> Page[Tag]:
        """Return tags, up to 100 per page. search: part of a label; the vendor may ignore it."""
        return self._page(Tag, "GET", "/tags", query=[("search", search or None), ("page", page), ("length", 100)])

    def create_tag(self, label: str) -> Tag:
        """Create a tag. Raises Invalid if the label exists, so a repeated call creates no second tag."""
        return self._one(Tag, "POST", "/tags", query=[("label", label)])

    def tag_contact(self, contact: int, tag: int) -> None:
        """Add a tag to a contact. The answer is {type, message}, not a record."""
        self._acknowledged("PUT", "/tags/contact/{contact}/{tag}", contact=contact, tag=tag)

    def untag_contact(self, contact: int, tag: int) -> None:
        """Remove a tag from a contact. The answer is {type, message}, not a record."""
        self._acknowledged("DELETE", "/tags/contact/{contact}/{tag}", contact=contact, tag=tag)

    # Contacts

    def contacts(self, page: int = 1, length: int | None = None) -> Page[Contact]:
        """Return contacts, 10 per page. Pass `length` only if the account is known to honour it."""
        return self._page(Contact, "GET", "/contacts", query=[("page", page), ("length", length)])

    def contacts_list(
        self, page: int = 1, length: int = 100, sort_by: str = "updated_at", sort_order: str = "desc"
    ) -> Page[Contact]:
        """Return contacts sorted, up to 100 per page. Read-only, but requires the scope contacts:write."""
        body = {"page": page, "length": length, "sortBy": sort_by, "sortOrder": sort_order}
        return self._page(Contact, "POST", "/contacts/list", json=body, write=False)

    def contact(self, id: int) -> Contact:
        """Return a contact. Raises NotFound if it has been deleted."""
        return self._one(Contact, "GET", "/contacts/{contact}", contact=id)

    def find_contacts(self, term: str) -> list[Contact]:
        """Return the first 50 results of a search; not paginated."""
        return self._page(Contact, "GET", "/contacts/search", query=[("term", term), ("limit", 50)]).items

    def create_contact(self, phone: str, first_name: str = "", last_name: str = "", email: str = "") -> Contact:
        """Create a contact. `phone` is E.164. Raises Invalid with `contact_id` if a contact has this number."""
        given = [("number", phone), ("first_name", first_name), ("last_name", last_name), ("email", email)]
        return self._one(Contact, "POST", "/contacts", query=[pair for pair in given if pair[1]])

    def update_contact(self, id: int, **fields: str) -> Contact:
        """Update first_name, last_name, email or phone (E.164); fields that are not given keep their values.

        The answer may be partial: `present` names the fields it contains. Raises ValueError for unknown names or no
        fields.
        """
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
        """Delete a contact. The vendor adds it again when the contact texts."""
        self._acknowledged("DELETE", "/contacts/{contact}", contact=id)

    def opt_out(self, id: int) -> Contact:
        """Opt a contact out, so that it receives no more texts."""
        return self._one(Contact, "PUT", "/contacts/opt-out/{contact}", contact=id)

    def opt_in(self, id: int) -> Contact:
        """Opt a contact in. The carrier may still refuse texts to it (section 8)."""
        return self._one(Contact, "PUT", "/contacts/opt-in/{contact}", contact=id)

    def contact_conversations(self, id: int) -> list[Conversation]:
        """Return a contact's conversations. The vendor answers with a list, one object or nothing."""
        request = self._request("GET", "/contacts/{contact}/conversations", contact=id)
        return _parse_all(Conversation, one_or_many(self._send(request), request.endpoint), request.endpoint)

    def add_note(self, contact: int, text: str) -> None:
        """Add a note to a contact. **Not repeatable**: check for the note first. The answer is undocumented."""
        short = len(quote_plus(text)) <= LONGEST_QUERY
        options: dict[str, Any] = {"query": [("text", text)]} if short else {"json": {"text": text}}
        self._acknowledged("POST", "/contacts/note/{contact}/create", contact=contact, **options)

    def set_custom_fields(self, contact: int, values: dict[str, str]) -> None:
        """Set custom fields. values: field key -> text, "" clears a field; other fields keep their values.

        The answer's form is not documented.
        """
        self._acknowledged("PUT", "/contacts/{contact}/custom-fields", json=custom_fields_body(values), contact=contact)

    # Conversations

    def conversations(self, filter: str, limit: int = 100, offset: int = 0, **more: Any) -> Page[Conversation]:
        """Return a page of conversations.

        filter: open, closed, unread, assigned, unassigned, outbound, optout, nocalls; there is no "all". more: query,
        before, after (YYYY-MM-DD of the last message), inbox_id, contact_id.
        """
        query = [("filter", filter), ("limit", limit), ("offset", offset), *more.items()]
        return self._page(Conversation, "GET", "/conversations", query=query)

    def conversation(self, id: int) -> Conversation:
        """Return a conversation with its contact, owner, number and last message."""
        return self._one(Conversation, "GET", "/conversations/{conversation}", conversation=id)

    def open_conversation(self, contact_id: int, team_id: int | None = None) -> Conversation:
        """Create the conversation of a contact in an inbox, or return the existing one."""
        query = [("contact_id", contact_id), ("team_id", team_id)]
        return self._one(Conversation, "POST", "/conversations", query=query)

    def close_conversation(self, id: int) -> Conversation:
        """Close a conversation for all users of the inbox."""
        return self._one(Conversation, "PUT", "/conversations/{conversation}/close", conversation=id)

    def reopen_conversation(self, id: int) -> Conversation:
        """Reopen a closed conversation."""
        return self._one(Conversation, "PUT", "/conversations/{conversation}/open", conversation=id)

    def reassign(self, id: int, user_id: int | None) -> Conversation:
        """Assign a conversation to a member; None removes the assignment."""
        query = [("user_id", user_id or "")]
        return self._one(Conversation, "POST", "/conversations/{conversation}/reassign", query=query, conversation=id)

    # Messages

    def messages(self, conversation_id: int, page: int = 1, per_page: int = 100) -> Page[Message]:
        """Return a page of a thread. The order is not guaranteed."""
        query = [("page", page), ("per_page", per_page)]
        path = "/messages/{conversation}/paginated"
        return self._page(Message, "GET", path, query=query, conversation=conversation_id)

    def messages_before(self, conversation_id: int, limit: int = 100, before_id: int | None = None) -> Page[Message]:
        """Return messages before a cursor, newest first: used if `/paginated` does not exist."""
        query = [("limit", limit), ("before_id", before_id)]
        return self._page(Message, "GET", "/messages/{conversation}", query=query, conversation=conversation_id)

    def send_message(self, conversation_id: int, text: str, media_urls: Iterable[str] = ()) -> Message:
        """Send a text. **Not repeatable**: the vendor has no idempotency key, so a second call sends a second text.

        media_urls: where the vendor fetches the pictures; only the query form attaches them. A 2xx can carry `state`
        "failed" with `failed_reason` (an opted-out or invalid number): then the text was refused, not sent.
        """
        media = [("media_url[][url]", url) for url in media_urls]
        short = media or len(quote_plus(text)) <= LONGEST_QUERY
        options: dict[str, Any] = {"query": [("message", text), *media]} if short else {"json": {"message": text}}
        return self._one(Message, "POST", "/messages/{conversation}", conversation=conversation_id, **options)

    # The three forms of an answer

    def _one(self, kind: type[R], method: str, path: str, **options: Any) -> R:
        request = self._request(method, path, **options)
        return _parse(kind, single(self._send(request), request.endpoint), request.endpoint)

    def _page(self, kind: type[R], method: str, path: str, **options: Any) -> Page[R]:
        request = self._request(method, path, **options)
        raw, meta = rows(self._send(request), request.endpoint)
        items = _parse_all(kind, raw, request.endpoint)
        return Page(items, total=meta.total, last_page=meta.last_page, page=meta.page, count=len(raw))

    def _acknowledged(self, method: str, path: str, **options: Any) -> None:
        """Send a request whose answer is not a record: {type, message}, a list of strings, or nothing."""
        request = self._request(method, path, **options)
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
