"""Checks which undocumented facts about Salesmsg hold for an account. Reads only, in at most MOST_CALLS requests.

Each check makes a few requests and returns facts: the question of salesmsg-api.md, the assumption, what was seen, and
whether they agree. Facts hold no personal data: only key names, row counts, orders and formats.
"""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from django.utils import timezone

from ..gateway import Answer, ApiSession, BudgetWait
from ..models import Account, Credential
from ..salesmsg.envelopes import (
    carries,
    ids,
    limit_headers,
    list_envelope,
    order,
    records,
    single_envelope,
    time_formats,
    unknown_states,
)
from ..salesmsg.errors import SalesmsgError
from . import capabilities

MOST_CALLS = 20
AS_ASSUMED, OTHERWISE, NOT_SEEN = "as assumed", "otherwise", "not seen"


@dataclass(frozen=True)
class Fact:
    """One fact. `section`: of salesmsg-api.md; `verdict`: as assumed, otherwise, or not seen."""

    section: str
    question: str
    assumed: str
    seen: str
    verdict: str


@dataclass
class Report:
    facts: list[Fact] = field(default_factory=list)
    calls: int = 0
    stopped: str = ""  # why it ended early, as text

    def as_json(self) -> dict[str, Any]:
        counts = {
            verdict: sum(fact.verdict == verdict for fact in self.facts)
            for verdict in (AS_ASSUMED, OTHERWISE, NOT_SEEN)
        }
        return {
            "calls": self.calls,
            "stopped": self.stopped,
            "counts": counts,
            "facts": [asdict(f) for f in self.facts],
        }


class Probe:
    """One probe of an account. Keeps what an earlier check found (a contact, a conversation) for later ones."""

    def __init__(self, account: Account, session: ApiSession):
        self.account, self.session = account, session
        self.report = Report()
        self.headers: set[str] = set()
        self.answers = 0
        self.times: list[str] = []
        self.learned: dict[str, Any] = {}  # see capabilities
        self.dialect = ""
        self.contact_id: int | None = None
        self.conversation_id: int | None = None

    def run(self) -> Report:
        """Runs the checks that fit in MOST_CALLS. Raises NotConnected, and SalesmsgError if the first check fails."""
        for check in CHECKS:
            if self.session.calls + check.calls > MOST_CALLS:
                self.report.stopped = "The calls were used up before the end."
                break
            try:
                for fact in check.make(self):
                    self.report.facts.append(fact)
            except BudgetWait:
                self.report.stopped = "The rate budget was used up. Try again in a minute."
                break
            except SalesmsgError as error:
                if not self.report.facts:
                    raise
                self.report.facts.append(
                    Fact("9", f"Trouble with {error.endpoint}", "an answer", type(error).__name__, NOT_SEEN)
                )
        self.report.facts += list(self._around())
        self.report.calls = self.session.calls
        return self.report

    def keep(self) -> None:
        """Stores the capabilities for sync and the report for the sync page."""
        self.account.refresh_from_db(fields=["learned"])
        capabilities.store_capability(self.account, **self.learned)
        values = {"probe_report": self.report.as_json(), "probed_at": timezone.now()}
        if self.dialect:
            values["thread_dialect"] = self.dialect
        Account.objects.filter(pk=self.account.pk).update(**values)

    def get(self, path: str, **query: Any) -> Answer:
        return self._noted(self.session.peek("GET", path, query=query))

    def post(self, path: str, body: dict[str, Any]) -> Answer:
        return self._noted(self.session.peek("POST", path, json=body))

    def _noted(self, answer: Answer) -> Answer:
        self.answers += 1
        self.headers |= set(limit_headers(answer.headers))
        self.times += time_formats(records(answer.payload))
        return answer

    def _around(self) -> Iterator[Fact]:
        """Facts from all answers together, and the token's lifetime."""
        if not self.answers:
            return
        yield compare("3", "Headers that tell the limit", "none", ", ".join(sorted(self.headers)) or "none")
        formats = sorted(set(self.times))
        yield compare("8", "Format of times", "YYYY-MM-DD HH:MM:SS", ", ".join(formats))
        credential = Credential.objects.filter(account=self.account).only("kind", "expires_at", "issued_at").first()
        if credential is not None and credential.expires_at is not None:
            hours = (credential.expires_at - credential.issued_at).total_seconds() / 3600
            assumed = "about 1 h" if credential.kind == Credential.Kind.PAT else "about 24 h"
            near = abs(hours - (1 if credential.kind == Credential.Kind.PAT else 24)) < 0.2
            yield compare("2", f"Life of the token ({credential.kind})", assumed, assumed if near else f"{hours:.1f} h")


def compare(section: str, question: str, assumed: str, seen: str) -> Fact:
    """A fact whose verdict compares `seen` with `assumed`."""
    verdict = NOT_SEEN if not seen else AS_ASSUMED if seen == assumed else OTHERWISE
    return Fact(section, question, assumed, seen or "nothing to see here", verdict)


def allowed(section: str, what: str, answer: Answer) -> Fact:
    """Whether the token may read something."""
    seen = "allowed" if answer.good else f"refused ({answer.status})" if answer.status else "not readable"
    return compare(section, f"May read {what}", "allowed", seen)


# --- The checks -----------------------------------------------------------------------------------------------------


def _who(probe: Probe) -> Iterator[Fact]:
    user = probe.get("/user")
    yield allowed("5", "the token's user (GET /user)", user)
    if user.good:
        yield compare("4", "Envelope of one object (GET /user)", "bare object", single_envelope(user.payload))
    yield allowed("5", "the organisation", probe.get("/organization/current"))


def _house(probe: Probe) -> Iterator[Fact]:
    for what, path, assumed, query in (
        ("inboxes (GET /teams)", "/teams", "bare list", {"limit": 100}),
        ("numbers", "/numbers", "{data}", {"page": 1, "limit": 100}),
        ("members", "/organization/members", "bare list", {}),
        ("tags", "/tags", "{data, meta}", {"page": 1, "length": 5}),
    ):
        answer = probe.get(path, **query)
        yield allowed("2.4", what, answer)
        if answer.good:
            yield compare("4", f"Envelope of {what}", assumed, list_envelope(answer.payload))


def _contacts(probe: Probe) -> Iterator[Fact]:
    answer = probe.get("/contacts", page=1)
    yield allowed("2.4", "contacts (GET /contacts)", answer)
    found = records(answer.payload)
    if not answer.good:
        return
    probe.contact_id = next(iter(ids(found)), None)
    yield compare("4", "Envelope of contacts", "{data, meta}", list_envelope(answer.payload))
    total = _total(answer.payload)
    yield compare("4", "Contacts a page", "10", str(len(found)) if len(found) == 10 or total != len(found) else "")
    yield compare("4", "The list of contacts gives a total", "yes", "yes" if total is not None else "no")
    yield compare("6.1", "Opt-out is in", "opt_out", ", ".join(carries(found, "opt_out", "opted_out", "unsubscribed")))
    if len(found) == 10:
        shorter = probe.get("/contacts", page=1, length=5)
        size = len(records(shorter.payload))
        probe.learned[capabilities.CONTACTS_LENGTH] = size == 5
        yield compare(
            "4", "GET /contacts honours length", "no", "yes" if size == 5 else "no" if size == 10 else f"{size} rows"
        )


def _contacts_list(probe: Probe) -> Iterator[Fact]:
    body = {"page": 1, "length": 100, "sortBy": "updated_at", "sortOrder": "desc"}
    answer = probe.post("/contacts/list", body)
    probe.learned[capabilities.CONTACTS_LIST] = answer.good
    yield allowed("2.4", "contacts by POST /contacts/list", answer)
    if not answer.good:
        return
    found, total = records(answer.payload), _total(answer.payload)
    enough = total is None or total > 10
    yield compare(
        "4",
        "POST /contacts/list gives more than 10 a page",
        "yes",
        "yes" if len(found) > 10 else "no" if enough else "",
    )
    seen = order(found, "updated_at")
    # Contacts that were never edited are in this order in a list sorted by creation, too.
    if seen and (seen != "newest first" or order(found, "created_at") not in {"newest first", "equal"}):
        probe.learned[capabilities.CONTACTS_SORTED] = seen == "newest first"
    yield compare("11", "sortBy updated_at is honoured", "newest first", seen.replace("equal", ""))


def _contact(probe: Probe) -> Iterator[Fact]:
    if probe.contact_id is None:
        return
    one = probe.get(f"/contacts/{probe.contact_id}")
    if one.good:
        yield compare("4", "Envelope of one contact", "bare object", single_envelope(one.payload))
    threads = probe.get(f"/contacts/{probe.contact_id}/conversations")
    yield compare(
        "4",
        "Envelope of a contact's conversations",
        "bare list",
        list_envelope(threads.payload) if threads.good else f"refused ({threads.status})",
    )


def _conversations(probe: Probe) -> Iterator[Fact]:
    answer = probe.get("/conversations", filter="open", limit=5)
    yield allowed("2.4", "conversations", answer)
    found = records(answer.payload)
    if not answer.good:
        return
    probe.conversation_id = next(iter(ids(found)), None)
    yield compare("4", "Envelope of conversations", "bare list", list_envelope(answer.payload))
    yield compare("5", "Order of conversations", "newest first", order(found, "last_message_at").replace("equal", ""))
    yield compare("6.2", "Unread is in", "unread", ", ".join(carries(found, "unread", "unread_count", "is_read")))
    yield compare(
        "6.2", "The contact is in", "contact", next(iter(carries(found, "contact", "participants", "contact_id")), "")
    )
    yield compare("6.2", "The inbox is in", "inbox_id", next(iter(carries(found, "inbox_id", "team_id")), ""))
    if len(found) == 5:
        further = ids(records(probe.get("/conversations", filter="open", limit=5, offset=2).payload))
        yield compare(
            "4", "offset of conversations is honoured", "yes", "yes" if further[:3] == ids(found)[2:] else "no"
        )
        paged = ids(records(probe.get("/conversations", filter="open", limit=5, page=2).payload))
        yield compare("4", "page of conversations is read", "no", "no" if paged == ids(found) else "yes")


def _filters(probe: Probe) -> Iterator[Fact]:
    for name in ("closed", "outbound"):
        answer = probe.get("/conversations", filter=name, limit=200)
        yield allowed("5", f"conversations, filter {name}", answer)
        found = records(answer.payload)
        if len(found) >= 100:
            probe.learned[capabilities.CONVERSATIONS_LIMIT] = 100 if len(found) == 100 else 200
            yield compare("4", f"Most conversations at once ({name})", "100", str(len(found)))
        if name == "closed" and found:
            dated = all(item.get("closed_at") for item in found)
            yield compare("6.2", "Closed conversations carry closed_at", "yes", "yes" if dated else "no")


def _thread(probe: Probe) -> Iterator[Fact]:
    if probe.conversation_id is None:
        return
    path = f"/messages/{probe.conversation_id}"
    paginated = probe.get(f"{path}/paginated", page=1, per_page=5)
    if paginated.good or paginated.status == 404:
        probe.dialect = Account.ThreadDialect.PAGINATED if paginated.good else Account.ThreadDialect.BEFORE
    yield compare(
        "11", "/messages/{c}/paginated exists", "yes", "yes" if paginated.good else f"no ({paginated.status})"
    )
    if paginated.good:
        yield compare("4", "Envelope of a paginated thread", "{data, meta}", list_envelope(paginated.payload))
        yield compare(
            "11",
            "Order of a paginated thread",
            "newest first",
            order(records(paginated.payload), "created_at").replace("equal", ""),
        )
    plain = probe.get(path, limit=5)
    found = records(plain.payload)
    yield compare(
        "4",
        "Envelope of a thread",
        "bare list",
        list_envelope(plain.payload) if plain.good else f"refused ({plain.status})",
    )
    yield compare("5", "Order of a thread", "newest first", order(found, "created_at").replace("equal", ""))
    yield compare(
        "6.3",
        "A message tells its direction",
        "no",
        ("yes" if carries(found, "direction", "is_inbound") else "no") if found else "",
    )
    yield compare(
        "6.3", "A message carries body_raw", "yes", ("yes" if carries(found, "body_raw") else "no") if found else ""
    )
    unknown = unknown_states(found)
    yield compare(
        "6.3", "Unknown words for a message's status", "none", (", ".join(unknown) or "none") if found else ""
    )
    if len(found) == 5:
        earlier = ids(records(probe.get(path, limit=5, before_id=min(ids(found))).payload))
        honoured = not set(earlier) & set(ids(found))
        yield compare("4", "before_id of a thread is honoured", "yes", "yes" if honoured else "no")


def _total(payload: Any) -> int | None:
    meta = payload.get("meta") if isinstance(payload, dict) else None
    total = meta.get("total") if isinstance(meta, dict) else None
    return total if isinstance(total, int) else None


@dataclass(frozen=True)
class Check:
    """calls: the most requests it makes."""

    calls: int
    make: Callable[[Probe], Iterator[Fact]]


CHECKS = (
    Check(2, _who),
    Check(2, _contacts),
    Check(3, _conversations),
    Check(3, _thread),
    Check(1, _contacts_list),
    Check(2, _filters),
    Check(2, _contact),
    Check(4, _house),
)
