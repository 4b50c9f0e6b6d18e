"""A valid token for an account: kept sealed, renewed ahead of time by one process at a time, never lost.

Renewing is three steps, because no call may happen inside a transaction: `begin` takes a lease under the row's lock
after reading it again; the gateway calls; `finish` commits the new pair before anybody uses it. Who holds an older
generation loses. A PAT dies the moment it is renewed (salesmsg-api.md, section 2.3), so meanwhile others wait.
"""

import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Q
from django.utils import timezone

from .crypto import Unsealable, reseal, seal, unseal
from .failures import Code, Reason
from .models import Account, Credential
from .salesmsg.oauth import Tokens

PAT_LIFE = timedelta(hours=1)  # when neither `expires_in` nor the token's own date says (section 2.3)
LEASE_MARGIN = timedelta(seconds=5)
ASK_AGAIN = timedelta(seconds=0.4)  # a renewal takes that long
DATABASE_TRIES = (0.2, 1.0, 3.0)  # seconds to wait for a database that went away while the vendor was asked


class NotConnected(Exception):
    """The account has no credential that works; a person must connect it again. `reason` says why."""

    def __init__(self, reason: Reason = Reason(Code.NOT_CONNECTED)):  # noqa: B008 - frozen
        super().__init__(reason.code)
        self.reason = reason


class BeingRenewed(Exception):
    """Another process renews the token right now; ask again at `until`."""

    def __init__(self, until: datetime):
        super().__init__("being_renewed")
        self.until = until


@dataclass(frozen=True)
class Held:
    """A token to call with. `due`: it should be renewed before the next call. `dead`: it cannot be used any more."""

    access_token: str = field(repr=False)
    generation: int
    kind: str
    due: bool
    dead: bool


@dataclass(frozen=True)
class Renewal:
    """The lease of one renewal, with what it needs; its repr hides the secrets."""

    account_id: int
    generation: int
    kind: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


def held(account_id: int) -> Held:
    """The account's present token. Raises NotConnected, BeingRenewed, crypto.Unsealable."""
    credential = Credential.objects.select_related("account").filter(account_id=account_id).first()
    if credential is None or credential.account.state != Account.State.CONNECTED:
        raise NotConnected
    now = timezone.now()
    dead = credential.expires_at is not None and credential.expires_at <= now
    if credential.renewing_until and credential.renewing_until > now and (dead or credential.kind == "pat"):
        raise BeingRenewed(min(credential.renewing_until, now + ASK_AGAIN))
    due = dead or (credential.renew_at is not None and credential.renew_at <= now)
    return Held(unseal(credential.access_token), credential.generation, credential.kind, due, dead)


def begin(account_id: int, generation: int) -> Renewal | None:
    """Takes the lease to renew that generation. None: somebody else already did, read again.

    Raises NotConnected, BeingRenewed, crypto.Unsealable.
    """
    lease = timedelta(seconds=sum(settings.SALESMSG_TIMEOUT)) + LEASE_MARGIN
    with transaction.atomic():
        credential = Credential.objects.select_for_update().filter(account_id=account_id).first()
        # Asked after the lock: whoever renewed before us may have been refused.
        if credential is None or not Account.objects.reachable().filter(pk=account_id).exists():
            raise NotConnected
        if credential.generation != generation:
            return None
        now = timezone.now()
        if credential.renewing_until and credential.renewing_until > now:
            raise BeingRenewed(min(credential.renewing_until, now + ASK_AGAIN))
        credential.renewing_until = now + lease
        credential.save(update_fields=["renewing_until"])
        return Renewal(
            account_id, generation, credential.kind, unseal(credential.access_token), unseal(credential.refresh_token)
        )


def finish(renewal: Renewal, tokens: Tokens) -> None:
    """Commits the new pair; a writer with an old generation changes nothing.

    The old pair is dead already, so a database that went away meanwhile is waited for.
    """
    fields = _fields(renewal.kind, tokens)
    for pause in (*DATABASE_TRIES, None):
        try:
            Credential.objects.filter(account_id=renewal.account_id, generation=renewal.generation).update(
                generation=renewal.generation + 1, renewing_until=None, **fields
            )
            return
        except (InterfaceError, OperationalError):
            if pause is None:
                raise
            connection.close()
            time.sleep(pause)


def abandon(renewal: Renewal, pause: float = 0.0) -> None:
    """Gives the lease back: the call did not succeed, but may later. pause: seconds until the next try."""
    Credential.objects.filter(account_id=renewal.account_id, generation=renewal.generation).update(
        renewing_until=None, renew_at=timezone.now() + timedelta(seconds=pause)
    )


def store(account: Account, kind: str, tokens: Tokens) -> None:
    """A fresh grant replaces whatever the account held, in the caller's transaction or its own.

    Its generation is one that no earlier credential of the account had, not even a forgotten one.
    """
    fields = {"kind": kind, "generation": time.time_ns() // 1000, "renewing_until": None, **_fields(kind, tokens)}
    Credential.objects.update_or_create(account=account, defaults=fields)


def forget(account: Account) -> None:
    """Deletes the tokens."""
    Credential.objects.filter(account=account).delete()


def broken(account_id: int, generation: int, why: Reason) -> bool:
    """Marks the account as needing a person, unless its token was replaced meanwhile. True if it was marked."""
    with transaction.atomic():
        credential = Credential.objects.select_for_update().filter(account_id=account_id).first()
        if credential is None or credential.generation != generation:
            return False
        credential.renewing_until = None
        credential.save(update_fields=["renewing_until"])
        Account.objects.filter(pk=account_id, state=Account.State.CONNECTED).update(
            state=Account.State.ATTENTION, last_error_at=timezone.now(), **why.columns()
        )
    return True


def due(limit: int = 50) -> list[tuple[int, int]]:
    """(account id, generation) of tokens to renew now, so that they live on also when nobody works."""
    now = timezone.now()
    return list(
        Credential.objects.filter(account__state=Account.State.CONNECTED, renew_at__lte=now)
        .filter(Q(renewing_until=None) | Q(renewing_until__lte=now))
        .order_by("renew_at")
        .values_list("account_id", "generation")[:limit]
    )


def rotate_keys() -> tuple[int, list[str]]:
    """Seals every stored secret again under the first key. Returns how many rows, and what no key opens any more."""
    rows, lost = 0, []
    for manager, names, what in (
        (Credential.objects, ("access_token", "refresh_token"), "the tokens of account"),
        (Account.objects, ("webhook_secret",), "the webhook address of account"),
    ):
        for pk in list(manager.values_list("pk", flat=True)):
            with transaction.atomic():
                row = manager.select_for_update().filter(pk=pk).first()
                if row is None:
                    continue
                try:
                    for name in names:
                        setattr(row, name, reseal(getattr(row, name)))
                except Unsealable:
                    lost.append(f"{what} {getattr(row, 'account_id', row.pk)}")
                    continue
                row.save(update_fields=names)
                rows += 1
    return rows, lost


def _fields(kind: str, tokens: Tokens) -> dict[str, Any]:
    now = timezone.now()
    expires_at = tokens.expires_at
    if expires_at is None and kind == Credential.Kind.PAT:
        expires_at = now + PAT_LIFE
    renew_at = None
    if expires_at is not None:
        life = expires_at - now
        # A PAT cannot be renewed once it has died: leave a third of its life for outages.
        spare = life / 3 if kind == Credential.Kind.PAT else min(life / 10, timedelta(minutes=10))
        renew_at = expires_at - spare
    fields: dict[str, Any] = {
        "access_token": seal(tokens.access_token),
        "refresh_token": seal(tokens.refresh_token or ""),
        "expires_at": expires_at,
        "renew_at": renew_at,
        "issued_at": now,
    }
    if tokens.scopes:
        fields["scopes"] = list(tokens.scopes)
    return fields
