"""One account in every state that the pages have words for. All data carries a § or a digit."""

from datetime import timedelta

from django.contrib.auth.models import Permission
from django.utils import timezone

from integrations.models import (
    Account,
    Bulk,
    BulkRecipient,
    Change,
    Contact,
    FreshHour,
    Heartbeat,
    Inbox,
    ListSync,
    Member,
    Membership,
    Message,
    Number,
    SavedReply,
    SyncRun,
)
from tests.accounts import build
from tests.outbox.page.conftest import Books


class Rows:
    """What the pages of `pages` show."""

    def __init__(self):
        now = timezone.now()
        self.user = build.person("§boss")
        self.user.user_permissions.set(Permission.objects.filter(content_type__app_label="integrations"))
        self.account = self._account("Harbor§ Dental§", synced_at=now - timedelta(hours=30), last_event_at=now)
        self.account.last_error = "Sync failed: Salesmsg does not know this (404, GET /contacts)."
        self.account.last_error_at, self.account.events_missed = now, 5
        self.account.save()
        self.away = self._account("North§", state=Account.State.ATTENTION)
        self.gone = self._account("South§", state=Account.State.DISCONNECTED)
        Inbox.objects.create(account=self.account, vendor_id=3, name="Front§", phone="+13055550001")
        Number.objects.create(account=self.account, vendor_id=4, phone="+13055550002")
        Member.objects.create(account=self.account, vendor_id=5, full_name="Rosa§", email="r§@ex§.c§")
        Heartbeat.objects.create(name="tick", at=now)
        self._budget()
        self._syncs(now)
        self._texts(now)
        self._bulks(now)
        self._edits(now)
        for state, note in (("new", ""), ("done", ""), ("unknown", "Unknown kind; what it names was read.")):
            build.event(self.account, state, name=f"§{state}", note=note, repeats=2, digest=state.ljust(64, "0"))

    def _account(self, label: str, **fields) -> Account:
        made = build.account(label, organization_name=f"{label}1", **fields)
        build.member(self.user, made, Membership.Role.MANAGER)
        return made

    def _budget(self) -> None:
        books = Books(self.account)
        for lane in ("interactive", "sync", "bulk"):
            books.called(20, lane, 3)
        books.blocked(5)
        Books(self.away)

    def _syncs(self, now) -> None:
        past = {"started_at": now - timedelta(hours=3), "finished_at": now - timedelta(hours=2), "requests": 90}
        build.run(self.account, SyncRun.State.DONE, changed=7, notes=["There is more of this kind."], **past)
        build.run(self.account, SyncRun.State.FAILED, error="The step broke off.", **past)
        build.run(self.account, failures=2, error="Salesmsg could not be reached.", requests=1)
        FreshHour.objects.create(account=self.account, hour=now, arrivals=4, counts=[2, 1, 1], slowest=7.5)
        for name in ("contacts", "open", "outbound"):
            ListSync.objects.create(
                account=self.account, name=name, rows=3, looked_at=now - timedelta(days=3), walked_at=now,
                due_at=now - timedelta(hours=2), repaired=2,
            )  # fmt: skip
        ListSync.objects.create(account=self.account, name="tags", walked_at=now, error="Salesmsg refused the request.")

    def _texts(self, now) -> None:
        self.contacts = [
            build.contact(self.account, number, first_name=f"Ana§{number}", last_name="", full_name=f"Ana§{number}",
                          email=f"a§{number}@ex§.c§", tags=["vip§"])
            for number in range(1, 9)
        ]  # fmt: skip
        Contact.objects.filter(pk=self.contacts[6].pk).update(opted_out=True)
        Contact.objects.filter(pk=self.contacts[7].pk).update(phone="", blocked=True)
        self.thread = build.conversation(self.contacts[0], latest_text="See§")
        ours = {"inbound": False, "vendor_id": None, "sender": self.user, "author_name": "§boss"}
        states = {
            "queued": {"due_at": now + timedelta(minutes=2)},
            "sending": {"claimed_at": now},
            "failed": {"failure": "The recipient has unsubscribed (21610)."},
            "unknown": {"failure": "Salesmsg did not answer in time. It may have been sent: Salesmsg is being asked."},
        }
        self.texts = {}
        for number, (state, fields) in enumerate(states.items()):
            uuid = f"00000000-0000-4000-8000-00000000000{number}"
            self.texts[state] = build.message(
                self.thread, f"Text§{number}", **ours, state=state, client_uuid=uuid, **fields
            )
        build.message(
            self.thread, "Later§", **ours, state="queued", due_at=now + timedelta(days=2), zone="Europe/Berlin",
            send_at=now + timedelta(days=2), client_uuid="00000000-0000-4000-8000-000000000009",
        )  # fmt: skip
        build.message(
            self.thread, "Held§", **ours, state="queued", due_at=None, send_at=now - timedelta(days=1),
            client_uuid="00000000-0000-4000-8000-000000000008",
        )  # fmt: skip
        self.text = build.message(self.thread, "Hello§")

    def _bulks(self, now) -> None:
        self.bulks = {}
        for state in Bulk.State.values:
            made = Bulk.objects.create(
                account=self.account, text="Hi§{first_name}", state=state, created_by=self.user, started_at=now,
                finished_at=now if state == "done" else None,
            )  # fmt: skip
            self.bulks[state] = made
            lost = {"failed": self.texts["failed"], "unknown": self.texts["unknown"]} if state == "running" else {}
            for number, contact in enumerate(self.contacts[:4]):
                message = list(lost.values())[number] if number < len(lost) else None
                BulkRecipient.objects.create(
                    bulk=made, contact=contact, text="Hi§ 😀", message=message,
                    state="handed" if message else "waiting",
                )  # fmt: skip
            BulkRecipient.objects.create(
                bulk=made, contact=self.contacts[6], state="left_out", reason="Opted out of texts after the start"
            )
        self.unwritten = Bulk.objects.create(account=self.account, created_by=self.user)
        BulkRecipient.objects.create(bulk=self.unwritten, contact=self.contacts[1])

    def _edits(self, now) -> None:
        who = {"requested_by": self.user}
        value = {"first_name": "New§"}
        self.conflict = build.edit(self.contacts[1], "conflict", value, theirs={"first_name": "Old§"}, **who)
        Contact.objects.filter(pk=self.contacts[1].pk).update(first_name="Old§")
        self.done = build.edit(self.contacts[2], "done", value, finished_at=now, **who)
        build.edit(self.contacts[3], "refused", value, reason="It gave no reason.", **who)
        build.edit(self.contacts[4], "pending", value, reason="Salesmsg could not be reached. Trying again.", **who)
        self.settled = build.edit(
            self.contacts[5], "superseded", value, reason="Decided by a later edit.", finished_at=now, **who
        )
        kinds = {"tag": {"label": "new§"}, "opt_out": {}, "note": {"text": "Note§"}, "fields": {"x§": "1§"}}
        for kind, values in kinds.items():
            for state, of in (("pending", self.contacts[2]), ("refused", self.contacts[3])):
                Change.objects.create(account=self.account, contact=of, kind=kind, values=values, state=state, **who)
        Message.objects.filter(pk=self.text.pk).update(raw={"id": 1})
        SavedReply.objects.create(account=self.account, name="hours§", text="At§", used=2)
