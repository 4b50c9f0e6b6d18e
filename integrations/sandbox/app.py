"""The sandbox application: connects all parts and handles requests."""

from typing import Any

from . import consent, data, faults, keep, model
from .api import Api
from .consent import Consent
from .faults import Faults
from .journal import Journal
from .life import Life
from .limit import Limit
from .oauth import Credentials
from .options import Options
from .panel import Panel
from .records import Records
from .state import Store
from .web import Request, Response
from .webhooks import Webhooks


class Sandbox:
    """Handles requests. ``options.public_url`` must be set, because media URLs start with it."""

    def __init__(self, options: Options):
        media_url = f"{options.public_url}/sandbox/media"
        self.switches = switches = options.switches
        kept = keep.load(options.keep) if options.keep else None
        world = kept["world"] if kept else self._new_world(options, media_url)
        if not hasattr(world, "files"):  # saved by an older version
            world.files = {}
        signed_in = next(iter(world.users.values()))
        self.store = Store(world, options.seed, media_url)
        self.journal = Journal()
        self.limit = Limit(options.rate, options.period)
        self.faults = Faults(options.seed)
        for text in options.faults:
            self.faults.set(faults.parse(text))
        self.records = Records(world, lambda: switches.iso_times)
        self.credentials = Credentials(options, switches, signed_in.id)
        if kept:
            self.credentials.remember(kept["credentials"])
            switches.webhook = switches.webhook or kept["webhook"]
        self.webhooks = Webhooks(self.records, switches, self.journal)
        self.life = Life(self.store, switches)
        self.store.listener = self._on
        self.consent = Consent(self.credentials, world.organization, signed_in)
        self.api = Api(self.store, self.records, self.credentials, self.limit, self.faults, self.journal, switches)
        self.panel = Panel(options, self.store, self.records, self.credentials, self.limit, self.faults, self.journal)

        self._keeper = keep.Keeper(options.keep, self._state, self.store.lock) if options.keep else None

    def start(self) -> None:
        self.life.start()
        self.webhooks.start()
        if self._keeper:
            self._keeper.start()

    def stop(self) -> None:
        """Save the state before shutdown."""
        if self._keeper:
            self._keeper.stop()

    def _state(self) -> dict[str, Any]:
        """What a restart needs."""
        return {
            "world": self.store.world,
            "credentials": self.credentials.remembered(),
            "webhook": self.switches.webhook,
        }

    @staticmethod
    def _new_world(options: Options, media_url: str) -> model.World:
        return data.build(options.seed, options.contacts, options.messages, model.now(), media_url)

    def answer(self, request: Request) -> Response:
        if request.path == "/" or request.path == "/sandbox" or request.path.startswith("/sandbox/"):
            return self.panel.answer(request)
        if request.path == consent.PATH:
            return self.consent.answer(request)
        return self.api.answer(request)

    def _on(self, event: str, **things) -> None:
        """Pass an event of the store to ``life`` or to the webhooks."""
        match event:
            case "send":
                self.life.sent(**things)
            case "photo":
                self.life.picture(**things)
            case _:
                self.webhooks.tell(event, **things)
