"""Phone simulator: shows a contact's texts and sends replies."""

import html
import re

from . import pages, phones
from .model import Contact, Message
from .options import Switches
from .pages import Markup
from .records import Records
from .state import Store
from .web import Params, Request, Response, invalid, missing, not_found

SHOWN = 60
LISTED = 200
LINK = re.compile(r"https?://[^\s<]+")


class Phone:
    def __init__(self, store: Store, records: Records, switches: Switches):
        self.store = store
        self.records = records
        self.switches = switches

    def answer(self, request: Request, rest: str) -> Response:
        """Handle a request. ``rest`` is the path after /sandbox/phone/."""
        by_browser = request.by_browser
        params = request.params
        with self.store.lock:
            if request.method == "GET" and not rest:
                return self._list(params) if by_browser else self._listed(params)
            if request.method == "POST" and rest == "new":
                return self._done(self._text_from_new(params), by_browser)
            match = re.fullmatch(r"(\d{1,18})(/thread)?", rest)
            if match is None or request.method not in ("GET", "POST"):
                raise not_found()
            contact = self.store.contact(int(match[1]))
            if request.method == "POST":
                return self._done(self._text_from(contact, params), by_browser)
            if match[2]:
                return Response.html(self._bubbles(contact))
            if by_browser:
                return self._chat(contact)
            messages = [self.records.message(m) for m in self._messages(contact)]
            return Response.json({"contact": self.records.contact(contact), "messages": messages})

    # -- contact actions ------------------------------------------------------------------------------------

    def _text_from(self, contact: Contact, params: Params) -> Message:
        team_id = params.integer("inbox_id") if params.text("inbox_id") else None
        if seconds := params.text("call"):
            voicemail = params.text("voicemail") in {"1", "true", "on"}
            duration = int(seconds) if seconds.isdigit() and int(seconds) > 1 else 42
            return self.store.receive_call(contact, duration, voicemail, team_id)
        photo = params.text("media") in {"1", "true", "on"}
        text = params.raw("text")
        text = text.replace("\r\n", "\n") if isinstance(text, str) else ""
        if not text.strip() and not photo:
            raise missing("text")
        return self.store.receive(contact, text, photo, team_id)

    def _text_from_new(self, params: Params) -> Message:
        number = phones.normalise(params.required("number"))
        if not phones.is_possible(number):
            raise invalid("number", "The number format is invalid.")
        if not params.text("text") and not params.text("media") and not params.text("call"):
            raise missing("text")
        contact = self.store.contact_by_number(number)
        if contact is None:
            first, _, last = (params.text("name") or "").partition(" ")
            contact = self.store.add_contact(number, first_name=first or None, last_name=last or None)
        return self._text_from(contact, params)

    def _done(self, message: Message, by_browser: bool) -> Response:
        if by_browser:
            return Response.redirect(f"/sandbox/phone/{message.contact_id}")
        return Response.json(self.records.message(message), 201)

    # -- pages ----------------------------------------------------------------------------------------------

    def _people(self, params: Params) -> list[Contact]:
        """Sort contacts by their newest conversation; those without one come last."""
        term = (params.text("q") or "").casefold()
        digits = re.sub(r"\D", "", term)
        found = [
            contact
            for contact in self.store.world.contacts.values()
            if term in contact.full_name.casefold() or (digits and digits in contact.number)
        ]

        def newest(contact: Contact) -> float:
            threads = self.store.conversations_of(contact)
            return threads[0].order[0].timestamp() if threads else 0.0

        return sorted(found, key=newest, reverse=True)

    def _listed(self, params: Params) -> Response:
        return Response.json([self.records.short_contact(contact) for contact in self._people(params)])

    def _list(self, params: Params) -> Response:
        people = self._people(params)
        rows = pages.join(self._row(contact) for contact in people[:LISTED])
        more = len(people) - LISTED
        note = f"{more} more. Search to find them." if more > 0 else "" if people else "No matches."
        return pages.page(
            "Phone simulator", "phones.html", layout="wide", rows=rows, note=note, term=params.text("q") or ""
        )

    def _row(self, contact: Contact) -> Markup:
        threads = self.store.conversations_of(contact)
        latest = threads[0].messages[-1] if threads and threads[0].messages else None
        preview = _summary(latest) if latest else "No messages yet"
        if latest and latest.inbound:
            preview = f"You: {preview}"
        return pages.fill(
            "phone_row.html",
            id=contact.id,
            name=_name(contact),
            number=phones.formatted(contact.number),
            initials=_initials(contact),
            color=contact.color or "#607d8b",
            preview=preview[:120],
            when=latest.created_at.strftime("%b %-d") if latest else "",
            badge=_badge(contact),
        )

    def _chat(self, contact: Contact) -> Response:
        return pages.page(
            _name(contact),
            "phone.html",
            layout="phone",
            id=contact.id,
            name=_name(contact),
            number=phones.formatted(contact.number),
            initials=_initials(contact),
            color=contact.color or "#607d8b",
            badge=_badge(contact),
            bubbles=self._bubbles(contact),
        )

    def _messages(self, contact: Contact) -> list[Message]:
        merged = [m for thread in self.store.conversations_of(contact) for m in thread.messages]
        return sorted(merged, key=lambda m: m.order)[-SHOWN:]

    def _bubbles(self, contact: Contact) -> Markup:
        parts: list[str] = []
        day = None
        for message in self._messages(contact):
            if message.created_at.date() != day:
                day = message.created_at.date()
                parts.append(pages.fill("day.html", day=day.strftime("%A, %B %-d")))
            parts.append(self._bubble(message))
        return pages.join(parts) or pages.fill("empty.html", text="No texts yet. Send the first one below.")

    def _bubble(self, message: Message) -> Markup:
        pictures = pages.join(pages.fill("picture.html", source=media.source) for media in message.media)
        if message.mms_status == "busy":
            pictures = pages.fill("empty.html", text="picture on its way…")
        text = _summary(message) if message.type == "call" else message.text
        team = self.store.world.teams[self.store.conversation(message.conversation_id).team_id]
        state = "" if message.inbound else f"{team.name} · {message.status}"
        if message.failed_reason:
            state = f"never arrived: {message.failed_reason}"
        return pages.fill(
            "bubble.html",
            id=message.id,
            side="mine" if message.inbound else "theirs",
            failed="failed" if message.failed_reason else "",
            pictures=pictures,
            text=_linked(text),
            shape="" if text else "bare",
            time=message.created_at.strftime("%H:%M"),
            state=state,
        )


def _name(contact: Contact) -> str:
    return contact.full_name or phones.formatted(contact.number)


def _initials(contact: Contact) -> str:
    letters = [part[0] for part in (contact.first_name, contact.last_name) if part]
    return "".join(letters).upper() or "#"


def _badge(contact: Contact) -> Markup:
    words = "opted out" if contact.opt_out else "blocked" if contact.is_blocked else ""
    return pages.fill("badge.html", text=words) if words else Markup("")


def _summary(message: Message) -> str:
    if message.call:
        kind = "Voicemail" if message.call.is_voicemail else "Call"
        return f"☎ {kind}, {message.call.duration // 60}:{message.call.duration % 60:02d}"
    return message.text or "Picture"


def _linked(text: str) -> Markup:
    """Escape text and turn URLs into links."""
    parts, end = [], 0
    for match in LINK.finditer(text):
        parts.append(html.escape(text[end : match.start()]))
        parts.append(pages.fill("link.html", href=match[0]))
        end = match.end()
    parts.append(html.escape(text[end:]))
    return Markup("".join(parts))
