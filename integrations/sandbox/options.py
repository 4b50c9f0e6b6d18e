"""Startup options, and switches that can be changed at run time.

Each switch selects one answer to an open question of salesmsg-api.md, section 11.
"""

from dataclasses import dataclass, field, fields
from pathlib import Path

# All scopes known from section 2.4. The registered app has all of them by default.
ALL_SCOPES = (
    "contacts:read contacts:write conversations:read conversations:write messages:read messages:write "
    "tags:read tags:write custom-fields:read custom-fields:write attachments:read attachments:write "
    "broadcasts:read broadcasts:write teams:read numbers:read users:read organizations:read"
)


@dataclass(slots=True)
class Switches:
    """Behaviour that can be changed at run time (``POST /sandbox/settings``)."""

    webhook: str = ""
    auto_replies: bool = True
    webhook_repeat: int = 0
    webhook_shuffle: bool = False
    delivery_events: bool = False
    delivery_delay: float = 1.0
    failures: bool = True
    data_envelope: bool = False
    mix_envelopes: bool = False
    iso_times: bool = False
    short_pages: bool = False
    paginated: bool = True
    contact_v4: bool = True
    contact_pub: bool = True
    honour_sort: bool = True
    rotate_refresh: bool = True
    revoke_on_refresh: bool = False

    def change(self, wanted: dict) -> list[str]:
        """Set the known keys, converted to their type. Return an error message for each invalid key."""
        problems = []
        kinds = {f.name: type(getattr(self, f.name)) for f in fields(self)}
        for key, value in wanted.items():
            kind = kinds.get(key)
            if kind is None:
                problems.append(f"unknown setting: {key}")
                continue
            try:
                converted = _as_bool(value) if kind is bool else kind(value if value is not None else "")
            except (TypeError, ValueError):
                problems.append(f"{key} wants {kind.__name__}")
                continue
            if key == "webhook" and converted and not converted.startswith(("http://", "https://")):
                problems.append("webhook wants an http:// or https:// address")
            elif kind in (int, float) and not 0 <= converted <= 1000:
                problems.append(f"{key} wants a number from 0 to 1000")
            else:
                setattr(self, key, converted)
        return problems


@dataclass(slots=True)
class Options:
    """Parsed command line options."""

    host: str = "127.0.0.1"
    port: int = 8900
    public_url: str = ""
    contacts: int = 200
    messages: int = 20
    seed: int = 1
    rate: int = 60
    period: float = 60.0
    token_ttl: float = 86340
    pat_ttl: float = 3600
    client_id: str = "1001"
    client_secret: str = "sandbox-secret-0123456789abcdefghijklmnop"
    scopes: str = ALL_SCOPES
    redirect_uris: tuple[str, ...] = ()
    pats: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    log: bool = False
    keep: Path | None = None
    switches: Switches = field(default_factory=Switches)


def _as_bool(value: object) -> bool:
    if isinstance(value, str):
        text = value.strip().lower()
        if text in {"1", "true", "on", "yes"}:
            return True
        if text in {"", "0", "false", "off", "no"}:
            return False
        raise ValueError(value)
    return bool(value)
