"""Sandbox URLs under /sandbox/: settings, state, data and faults. Not subject to rate limit or journal."""

from dataclasses import asdict, fields

from . import faults as fault_kinds
from . import pages, picture
from .faults import Faults
from .journal import Journal
from .limit import Limit
from .oauth import Credentials
from .options import Options, Switches
from .pages import Markup
from .phone import Phone
from .records import Records
from .state import Store
from .web import Refused, Request, Response, not_found

# Labels of the switches, in the order of the page.
WORDS = {
    "auto_replies": "Contacts reply automatically",
    "failures": "About 3 % of texts fail at the carrier",
    "webhook_shuffle": "Events arrive out of order",
    "delivery_events": "Send events for delivered and failed texts",
    "data_envelope": "Wrap single objects in {data}",
    "mix_envelopes": "Vary list envelopes",
    "iso_times": "Format times as ISO 8601 with Z",
    "short_pages": "Short pages in the middle of lists",
    "paginated": "/messages/{conversation}/paginated exists",
    "contact_v4": "PUT /api/v4/contacts/{contact} exists",
    "contact_pub": "PUT /pub/…/contacts/{contact} exists",
    "honour_sort": "sortBy is honoured",
    "rotate_refresh": "Refresh tokens rotate",
    "revoke_on_refresh": "A refresh revokes the old access token",
}
WEBHOOK_SWITCHES = ("webhook_shuffle", "delivery_events")


class Panel:
    def __init__(
        self,
        options: Options,
        store: Store,
        records: Records,
        credentials: Credentials,
        limit: Limit,
        faults: Faults,
        journal: Journal,
    ):
        self.options = options
        self.switches: Switches = options.switches
        self.store = store
        self.records = records
        self.credentials = credentials
        self.limit = limit
        self.faults = faults
        self.journal = journal
        self.phone = Phone(store, records, self.switches)

    def answer(self, request: Request) -> Response:
        try:
            return self._route(request)
        except Refused as refused:
            if request.by_browser:
                body = refused.body if isinstance(refused.body, dict) else {"message": refused.body}
                problems = [text for texts in body.get("errors", {}).values() for text in texts]
                reason = " ".join(problems) or body["message"]
                return pages.page("Something went wrong", "error.html", refused.status, reason=reason)
            return Response.json(refused.body, refused.status)

    def _route(self, request: Request) -> Response:
        rest = request.path.removeprefix("/sandbox").strip("/")
        if request.path in ("/", "/sandbox") or (rest == "phone" and not request.path.endswith("/")):
            return Response.redirect("/sandbox/phone/" if rest == "phone" else "/sandbox/")
        if rest == "phone" or rest.startswith("phone/"):
            return self.phone.answer(request, rest.removeprefix("phone").strip("/"))
        match request.method, rest:
            case "GET", "":
                return self._page()
            case "GET", "state":
                return Response.json(self.state())
            case "GET", "data":
                return Response.json(self.data())
            case "GET", "settings":
                return Response.json(asdict(self.switches))
            case "GET", "faults":
                return Response.json(self.faults.listed())
            case "POST", "settings":
                return self._set_switches(request)
            case "POST", "faults":
                return self._set_faults(request)
            case "POST", "pat":
                return self._make_pat(request)
            case "POST", "expire":
                return self._done(request, {"expired": self.credentials.expire_all()})
            case "POST", "revoke":
                return self._done(request, {"revoked": self.credentials.revoke_all()})
            case "POST", "reset-counters":
                self.journal.clear()
                self.limit.reset()
                return self._done(request, {"message": "ok"})
        if request.method == "GET":
            if rest.startswith("media/") and (number := rest[6:].partition(".")[0]).isdigit():
                return self._medium(int(number[:18]))
            if found := pages.asset(rest):
                return found
        raise not_found()

    # -- statistics and data --------------------------------------------------------------------------------

    def state(self) -> dict:
        """Return statistics. ``max_in_period`` includes refused calls."""
        with self.store.lock:
            time = self.records.time
            known = [(self.store.find_message(number), came) for number, came in self.journal.sent_messages()]
            messages = [
                {
                    "id": message.id,
                    "conversation_id": message.conversation_id,
                    "contact_id": message.contact_id,
                    "body": message.text,
                    "user_id": message.user_id,
                    "status": message.status,
                    "at": time(message.created_at),
                    "received": came,
                }
                for message, came in known
                if message
            ]
        return self.journal.report() | {
            "max_in_period": self.limit.max_in_period,
            "rate": self.limit.rate,
            "period": self.limit.period,
            "blocked_for": round(self.limit.blocked_for(self.store.world.organization.id), 3),
            "messages": messages,
        }

    def data(self) -> dict:
        """Return all data as API records, for comparison in tests."""
        records, world = self.records, self.store.world
        with self.store.lock:
            teams = list(world.teams.values())
            threads = list(world.conversations.values())
            return {
                "organization": records.organization(),
                "users": [records.user(user) for user in world.users.values()],
                "teams": [records.team(team) for team in teams],
                "numbers": [records.number(team.number) for team in teams],
                "tags": [records.tag(tag) for tag in world.tags.values()],
                "contacts": [records.contact(contact) for contact in world.contacts.values()],
                "conversations": [records.conversation(thread) for thread in threads],
                "messages": [records.message(message) for thread in threads for message in thread.messages],
            }

    # -- changes --------------------------------------------------------------------------------------------

    def _medium(self, number: int) -> Response:
        file = self.store.world.files.get(number)
        headers = {"Cache-Control": "max-age=3600", "X-Content-Type-Options": "nosniff"}
        if file is None:
            return Response(200, picture.png(number), "image/png", headers)
        return Response(200, file.body, file.content_type, headers)

    def _fields(self, request: Request) -> dict:
        """Handle JSON or a form. A form lists its checkboxes, because browsers do not send unchecked ones."""
        if request.is_json:
            return dict(request.json_object)
        sent = dict(request.query_pairs + request.form_pairs)
        boxes = [name for name in sent.pop("boxes", "").split(",") if name]
        return dict.fromkeys(boxes, False) | sent

    def _set_switches(self, request: Request) -> Response:
        if problems := self.switches.change(self._fields(request)):
            raise Refused(422, {"message": "; ".join(problems)})
        return self._done(request, asdict(self.switches))

    def _set_faults(self, request: Request) -> Response:
        wanted = self._fields(request)
        if wanted.get("kind") == "none":
            self.faults.clear()
        else:
            try:
                self.faults.set(fault_kinds.make(wanted))
            except ValueError as problem:
                raise Refused(422, {"message": str(problem)}) from None
        return self._done(request, self.faults.listed())

    def _make_pat(self, request: Request) -> Response:
        """Create a PAT. ``user_id`` and ``scopes`` (list or text) default to the signed-in admin and all scopes."""
        fields_sent = self._fields(request)
        user_id = fields_sent.get("user_id")
        if user_id is not None and (not str(user_id).isdigit() or int(user_id) not in self.store.world.users):
            raise Refused(422, {"message": "There is no such user."})
        scopes = fields_sent.get("scopes")
        if isinstance(scopes, str):
            scopes = scopes.split()
        wanted = frozenset(map(str, scopes)) if isinstance(scopes, list) else None
        token = self.credentials.make_pat(int(user_id) if user_id else None, wanted)
        if request.by_browser:
            return self._page(token)
        return Response.json({"token": token, "expires_in": self.options.pat_ttl}, 201)

    def _done(self, request: Request, answer: object) -> Response:
        return Response.redirect("/sandbox/") if request.by_browser else Response.json(answer)

    # -- the settings page ----------------------------------------------------------------------------------

    def _page(self, token: str = "") -> Response:
        state = self.state()
        known = {f.name for f in fields(Switches)}
        others = [name for name in WORDS if name in known and name not in WEBHOOK_SWITCHES]
        world = self.store.world
        return pages.page(
            "Settings",
            "settings.html",
            layout="wide",
            base=self.options.public_url,
            organization=world.organization.name,
            contacts=len(world.contacts),
            conversations=len(world.conversations),
            requests=state["requests"],
            too_many=state["too_many"],
            max_in_period=state["max_in_period"],
            rate=self.limit.rate,
            period=f"{self.limit.period:g}",
            sends=len(state["messages"]),
            events_sent=state["webhooks"]["sent"],
            events_failed=state["webhooks"]["failed"],
            client_id=self.options.client_id,
            client_secret=self.options.client_secret,
            webhook=self.switches.webhook,
            webhook_repeat=self.switches.webhook_repeat,
            webhook_boxes=self._boxes(WEBHOOK_SWITCHES),
            webhook_names=",".join(WEBHOOK_SWITCHES),
            boxes=self._boxes(others),
            names=",".join(others),
            delivery_delay=f"{self.switches.delivery_delay:g}",
            pat=pages.fill("pat.html", token=token) if token else Markup(""),
            kinds=pages.join(pages.fill("option.html", value=kind) for kind in fault_kinds.KINDS),
            faults=self._faults(),
        )

    def _boxes(self, names) -> Markup:
        return pages.join(
            pages.fill(
                "switch.html", name=name, words=WORDS[name], checked="checked" if getattr(self.switches, name) else ""
            )
            for name in names
        )

    def _faults(self) -> Markup:
        rows = [
            pages.fill(
                "fault.html",
                kind=fault["kind"],
                share=f"{fault['share']:.0%}",
                match=fault["match"] or "every endpoint",
                left="without end" if fault["count"] is None else f"{fault['count']} left",
                hits=fault["hits"],
            )
            for fault in self.faults.listed()
        ]
        return pages.join(rows) or pages.fill("empty.html", text="No active faults.")
