"""The inbox in every state that its pages have words for: more rows beside `Rows`, and their addresses."""

import uuid
from datetime import timedelta

from django.contrib.auth import get_user_model
from django.urls import reverse
from django.utils import timezone

from integrations import cursors
from integrations.inbox.conversation_list import queries
from integrations.models import (
    Account,
    Attachment,
    Attempt,
    Change,
    ConsentEntry,
    Contact,
    Conversation,
    Draft,
    Inbox,
    InternalNote,
    Member,
    Membership,
    Mention,
    Message,
    Presence,
    SavedReply,
    Tag,
    ThreadSync,
)
from tests import factories

from .rows import Rows

PLAIN = ("draft", "me", "new", "replies-choose", "reply", "reply-delete", "reply-new")  # answered with a page
STOPPED = "They answered first, so this was not sent."


class Threads:
    """Conversations of the person of `rows`; the one that shows all kinds of messages is `busy`."""

    def __init__(self, rows: Rows):
        self.rows, self.account, self.user = rows, rows.account, rows.user
        now = timezone.now()
        self.colleague = get_user_model().objects.create_user("§rosa", "§r@ex§.c§", "password", is_staff=True)
        self.inbox = Inbox.objects.get()
        Inbox.objects.create(account=self.account, vendor_id=8, name="Back§")
        self.member = Member.objects.get()
        Tag.objects.create(account=self.account, vendor_id=1, label="late§")
        self._contacts(now)
        self.of = {place: self._thread(contact) for place, contact in enumerate(rows.contacts[1:], 1)}
        self.busy = self._thread(self._contact(11), owner=self.member, line_phone="+13055550002", inbox=self.inbox)
        self.empty = self._thread(self._contact(12), latest_text="")
        ThreadSync.objects.create(conversation=self.empty, complete=True)
        self._thread(self.empty.contact, vendor_id=7, closed_at=now)
        self.first = self._thread(self._contact(10), vendor_id=None, inbox=self.inbox)
        self.snoozed = self._thread(self._contact(13), snoozed_until=now + timedelta(days=2), snoozed_by=self.user)
        self.closed = self._thread(self._contact(14), closed_at=now, inbox=self.inbox, owner=self.member)
        self.away = self._thread(self._contact(15, rows.away))
        self.gone = self._thread(self._contact(16, rows.gone))
        self._messages(now)
        self._notes()
        for place, state in enumerate(Message.State.values, 20):
            self._thread(self._contact(place), latest_inbound=False, latest_state=state, trouble=state)
        self._thread(self._contact(19), latest_inbound=False, latest_state="held", trouble="held")
        for thread in (self.busy, self.snoozed):
            Draft.objects.create(user=self.user, conversation=thread, text="Half§")
        ahead = now + timedelta(hours=1)  # they stay, however long the pages take
        Presence.objects.create(user=self.colleague, conversation=self.busy, seen_at=ahead, typing_at=ahead)
        Presence.objects.create(user=self.colleague, conversation=self.closed, seen_at=ahead)
        for kind, values in (("assign", {"member": 5}), ("assign", {"member": None}), ("close", {}), ("reopen", {})):
            Change.objects.create(
                account=self.account, conversation=self.closed, kind=kind, values=values, state="done"
            )
        stop = factories.message(self.of[6], "STOP", at=now)
        Contact.objects.filter(pk=self.rows.contacts[6].pk).update(opted_out_at=stop.at)
        self._consent(now)
        self.reply = SavedReply.objects.get()
        self.own_reply = SavedReply.objects.create(account=self.account, owner=self.user, name="own§", text="Own§")

    def _contact(self, number: int, account: Account | None = None) -> Contact:
        name = f"Ana§{number}"
        values = {"first_name": name, "last_name": "", "full_name": name, "email": f"a§{number}@ex§.c§", "tags": []}
        return factories.customer(account or self.account, number, **values)

    def _thread(self, contact: Contact, **fields) -> Conversation:
        return factories.customer_thread(contact, **({"latest_text": "See§"} | fields))

    def _contacts(self, now) -> None:
        """Those of `Rows`, with more to show on their cards."""
        contacts, who = self.rows.contacts, {"account": self.account, "requested_by": self.user}
        told = [{"text": f"Told§{number}", "created_at": "2025-05-03T14:05:00Z"} for number in range(5)]
        fields = [{"field_key": "size§", "value": "1§"}]
        Contact.objects.filter(pk=contacts[2].pk).update(notes=told, custom_fields=fields, opted_in_at=now)
        Contact.objects.filter(pk=contacts[4].pk).update(first_name="Moved§", notes=told)
        Contact.objects.filter(pk=contacts[6].pk).update(opted_out_at=now)
        Contact.objects.filter(pk__in=[contacts[4].pk, contacts[5].pk]).update(opted_out=True)
        for of, kind, values, state, why in (
            (3, "untag", {"label": "vip§"}, "refused", "contact_gone"),
            (3, "opt_in", {}, "refused", ""),
            (4, "untag", {"label": "vip§"}, "pushing", ""),
            (4, "opt_in", {}, "pushing", ""),
            (4, "note", {"text": "Note§"}, "pushing", "unreachable"),
            (5, "opt_in", {}, "pending", ""),
            (7, "opt_out", {}, "pushing", ""),
            (5, "fields", {"size§": ""}, "refused", ""),
        ):
            Change.objects.create(contact=contacts[of], kind=kind, values=values, state=state, reason_code=why, **who)

    def _consent(self, now) -> None:
        """The ledger in every kind and source, at most five entries a number, and six of one."""
        Kind, Source = ConsentEntry.Kind, ConsentEntry.Source
        said, staff = {"text": "Stop9§"}, {"user": self.user, "user_name": "§boss"}
        noted = {"note": "Asked§", "contact_name": "Other§"}
        entries = (
            (4, Kind.DOUBT, Source.KEYWORD, said),
            (4, Kind.CLEARED, Source.STAFF, staff),
            (4, Kind.DOUBT, Source.KEYWORD, said),
            (4, Kind.CLEARED, Source.STAFF, {}),
            (4, Kind.OPT_IN, Source.STAFF, staff | noted),
            (1, Kind.DOUBT, Source.KEYWORD, said),
            (2, Kind.OPT_OUT, Source.IMPORT, noted),
            (2, Kind.OPT_IN, Source.IMPORT, noted),
            (2, Kind.OPT_OUT, Source.STAFF, {}),
            (2, Kind.OPT_IN, Source.STAFF, {}),
            (5, Kind.OPT_OUT, Source.STAFF, staff | noted),
            *[(6, Kind.OPT_OUT, Source.SALESMSG, noted), (6, Kind.OPT_IN, Source.KEYWORD, said)] * 3,
            (6, Kind.OPT_OUT, Source.SALESMSG, noted),
            (6, Kind.OPT_IN, Source.SALESMSG, noted),
            (6, Kind.OPT_OUT, Source.KEYWORD, said),
        )
        for place, (of, kind, source, values) in enumerate(entries):
            at = now - timedelta(minutes=len(entries) - place)
            factories.consent(self.rows.contacts[of], kind, source, at=at, **values)

    def _messages(self, now) -> None:
        ours = {"inbound": False, "vendor_id": None, "sender": self.user, "author_name": "§boss"}
        made = []

        def said(text: str, state: str, **fields) -> Message:
            fields = {"client_uuid": uuid.uuid4(), "at": now - timedelta(hours=5 - len(made) / 10)} | ours | fields
            made.append(factories.message(self.busy, text, state=state, **fields))
            return made[-1]

        said("Old§", "sent", at=now - timedelta(days=400))
        said("Yes§", "sent")
        said("There§", "delivered", sender=None, author_name="", automated=True)
        said("Stopped§", "cancelled", reason_code="answered_first")
        said("Wait§", "queued", due_at=None)
        said("Missed§", "queued", due_at=None, send_at=now - timedelta(days=1), zone="Europe/Berlin")
        said("Look§", "unknown", reason_code="ambiguous_copy")
        self.unknown = said("Broke§", "unknown")
        self.failed = said("Failed§", "failed")
        for outcome in ("not_done", "refused"):
            Attempt.objects.create(message=self.failed, outcome=outcome, reason_code="unreachable")
        once = said("Once§", "failed", reason_code="carrier_30004")
        Attempt.objects.create(message=once, outcome="refused")
        self.planned = said(
            "Plan§", "queued", due_at=now + timedelta(days=3), send_at=now + timedelta(days=3),
            zone="America/New_York", stop_on_reply=True,
        )  # fmt: skip
        for inbound, call in ((True, {}), (False, {"duration": 65}), (True, {"voicemail": True, "url": "https://x§"})):
            said("", "received", inbound=inbound, kind="call", call=call)
        said("", "received", inbound=True)
        said("", "received", inbound=True, media_pending=True)
        self._pictures(said)
        for text in ("Liked “Yes§”", "Loved “Gone§”", "Removed a heart from “Gone§”", "Liked an image"):
            said(text, "received", inbound=True, machine="reaction")
        said("Back§", "received", inbound=True, machine="auto_reply")
        self.news = factories.message(self.busy, "Hello9 world§", is_news=True)
        Conversation.objects.filter(pk=self.busy.pk).update(news_pk=self.news.pk, version=3)

    def _pictures(self, said) -> None:
        names = ("a§.jpg", "b§.pdf")
        for state, reason in (
            ("waiting", ""),
            ("lost", "file_gone"),
            ("refused", "file_unsafe_address"),
            ("stored", ""),
        ):
            media = [{"id": 1, "url": f"https://x§/{name}", "content_type": ""} for name in names]
            message = said("", "received", inbound=state != "stored", media=[*media, {"id": 2, "url": "ftp://x§"}])
            for place, kind in enumerate(("image/jpeg", "application/pdf")):
                size = {"width": 30, "height": 20} if place == 0 and state == "stored" else {}
                Attachment.objects.create(
                    message=message, position=place, url=media[place]["url"], state=state, reason_code=reason,
                    content_type=kind, size=2048, file=f"x-{place}.bin" if state == "stored" else "", **size,
                )  # fmt: skip

    def _notes(self) -> None:
        for author in (self.user, self.colleague, None):
            note = InternalNote.objects.create(
                account=self.account, conversation=self.busy, client_uuid=uuid.uuid4(), author=author,
                author_name=author.username if author else "", text="Look§ @§boss",
            )  # fmt: skip
        Mention.objects.create(note=note, user=self.user)

    def link(self) -> None:
        """From now on the portal knows who the person is at Salesmsg."""
        Membership.objects.filter(user=self.user, account=self.account).update(member=self.member)

    def addresses(self) -> list[str]:
        listed = reverse("inbox:list")
        found = [f"{listed}?show={show}" for show in queries.FILTERS] + [f"{listed}?q=See§", f"{listed}?q=nothing§"]
        found += [
            f"{listed}?q=hello9",
            f"{listed}?box=a{self.rows.gone.pk}",
            f"{listed}?before=1-1",
            f"{listed}?q=13055",
        ]
        found += [f"{listed}?box=a{self.rows.gone.pk}&show={show}" for show in ("unread", "closed", "failed")]
        found += [reverse(f"inbox:{name}") for name in ("new", "rows", "list-poll", "first-steps", "replies")]
        found += [reverse("inbox:reply-new")]
        for reply in (self.reply, self.own_reply):
            found += [reverse(f"inbox:{name}", args=[reply.pk]) for name in ("reply", "reply-delete")]
        for thread in (
            self.busy,
            self.rows.thread,
            self.empty,
            self.first,
            self.snoozed,
            self.closed,
            self.away,
            self.gone,
        ):
            found.append(reverse("inbox:thread", args=[thread.pk]))
        for thread in self.of.values():
            found += [reverse(f"inbox:{name}", args=[thread.pk]) for name in ("thread", "timeline")]
        busy = reverse("inbox:thread", args=[self.busy.pk])
        found += [f"{busy}?q=hello9&at={self.news.pk}&end={end}" for end in ("older", "newer")]
        found += [
            f"{busy}?until={cursors.format_cursor(self.news.at, self.news.rank)}",
            f"{busy}poll/?version=0",
            f"{busy}older/",
        ]
        found += [f"{busy}poll/?version=3", reverse("inbox:thread-poll", args=[self.closed.pk])]
        found.append(reverse("inbox:timeline", args=[self.closed.pk]))
        return [*found, reverse("inbox:edit", args=[self.planned.pk])]

    def answers(self) -> list[tuple[str, list, dict]]:
        """Forms that are refused, and what they say then: (name of the address, its arguments, what is given)."""
        busy, empty, key = [self.busy.pk], [self.empty.pk], str(uuid.uuid4())
        text = {"client_uuid": key, "text": "Hi§"}
        later = {**text, "when": f"{timezone.now() + timedelta(days=9):%Y-%m-%dT09:00}", "zone": "Europe/Berlin"}
        gone = {"when": "2020-01-01T09:00", "zone": "Europe/Berlin"}
        return [
            ("send", empty, {}),
            ("send", empty, {"client_uuid": key, "text": ""}),
            ("send", empty, {"client_uuid": key, "text": "§" * 2000}),
            ("send", empty, {"client_uuid": key, "text": "Hi§ {last_name}"}),
            ("send", busy, text | {"seen": "0"}),
            ("send", [self.of[6].pk], text),
            ("send", [self.of[7].pk], text),
            ("send", [self.away.pk], text),
            ("send", [self.gone.pk], text),
            ("send", empty, {**text, "client_uuid": str(self.planned.client_uuid)}),
            ("later", empty, {}),
            ("later", empty, {**later, "when": ""}),
            ("later", empty, {**later, "zone": "Nowhere§"}),
            ("later", empty, {**later, "zone": ""}),
            ("later", empty, later | gone),
            ("later", empty, {**later, "when": "2031-03-30T02:30"}),
            ("edit", [self.planned.pk], {"text": ""}),
            ("edit", [self.failed.pk], later),
            ("send-now", [self.failed.pk], {}),
            ("cancel", [self.failed.pk], {}),
            ("settle", [self.failed.pk], {}),
            ("again", [self.planned.pk], {}),
            ("draft", empty, {"text": "§" * 10_001}),
            ("draft", busy, {"text": "Other§", "draft": "9"}),
            ("draft", empty, {"text": "Kept§", "draft": "0"}),
            ("note", empty, {}),
            ("note", empty, {"client_uuid": key, "text": ""}),
            ("note", empty, {"client_uuid": key, "text": "§" * 5001}),
            ("assign", empty, {"owner": "99999"}),
            ("claim", empty, {}),
            ("me", [], {"member": ""}),
            ("me-here", empty, {"member": "99999"}),
            ("snooze", empty, {"for": ""}),
            ("snooze", empty, {"for": "time", "until": "x"}),
            ("snooze", empty, {"for": "time", "until": "2020-01-01T09:00"}),
            ("snooze", empty, {"for": "time", "until": "2090-01-01T09:00"}),
            ("snooze", busy, {"for": "hour", "seen": "0"}),
            ("unread", empty, {}),
            ("quick", [self.of[2].pk], {"email": "no§", "phone": "12", "first_name": "§" * 500}),
            ("quick", [self.of[2].pk], {"first_name": "New§", "was-first_name": "Past§"}),
            ("quick", [self.of[2].pk], {"phone": ""}),
            ("contact", [self.of[2].pk, "tag"], {"label": ""}),
            ("contact", [self.of[2].pk, "tag"], {"label": "§" * 60}),
            ("contact", [self.of[6].pk, "opt-in"], {}),
            ("contact", [self.of[2].pk, "note"], {"text": ""}),
            ("contact", [self.of[2].pk, "note"], {"text": "§" * 2001}),
            ("new", [], {}),
            ("new", [], {**text, "phone": "12§", "line": f"{self.account.pk}-{self.inbox.pk}"}),
            ("new", [], {**text, "phone": "+13055550007", "line": f"{self.account.pk}-{self.inbox.pk}"}),
            ("reply-new", [], {}),
            ("reply-new", [], {"name": "n§", "text": "Hi§ {nick}", "whose": "everybody"}),
            ("reply", [self.own_reply.pk], {"name": "n§", "text": "Hi§ }"}),
            ("reply", [self.own_reply.pk], {"name": "n§", "text": "§" * 2000}),
            ("reply", [self.own_reply.pk], {"name": "n§", "text": "Hi§"}),
            ("reply-delete", [self.own_reply.pk], {}),
            ("replies-choose", empty, {"text": "Hi§"}),
            ("replies-choose", empty, {"text": "Hi§", "reply": "99999"}),
            ("replies-choose", empty, {"text": "Hi§ {last_name}", "reply": str(self.reply.pk)}),
        ]
