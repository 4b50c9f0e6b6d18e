"""Valid tokens for an account: encrypted, renewed before they expire by one process at a time, never lost.

A renewal has three steps, because no call may happen inside a transaction: `begin` locks the row, reads it again and
takes a lease; the gateway calls Salesmsg; `finish` commits the new pair before it is used. Writes with an older
generation are ignored. A PAT becomes invalid when it is renewed (salesmsg-api.md, section 2.3), so other processes
wait.
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

PAT_LIFE = timedelta(hours=1)  # used if neither `expires_in` nor the token itself gives an expiry (section 2.3)
LEASE_MARGIN = timedelta(seconds=5)
ASK_AGAIN = timedelta(seconds=0.4)  # the typical duration of a renewal
DATABASE_TRIES = (0.2, 1.0, 3.0)  # seconds to wait if the database becomes unavailable during a renewal


class NotConnected(Exception):
    """The account has no working credential and must be connected again. `reason` says why."""

    def __init__(self, reason: Reason = Reason(Code.NOT_CONNECTED)):  # noqa: B008 - frozen
        super().__init__(reason.code)
        self.reason = reason


class BeingRenewed(Exception):
    """Another process is renewing the token; ask again at `until`."""

    def __init__(self, until: datetime):
        super().__init__("being_renewed")
        self.until = until


@dataclass(frozen=True)
class CurrentToken:
    """The current token. `due`: renew it before the next call. `dead`: it has expired."""

    access_token: str = field(repr=False)
    generation: int
    kind: str
    due: bool
    dead: bool


@dataclass(frozen=True)
class Renewal:
    """The lease of one renewal with its data; its repr hides the secrets."""

    account_id: int
    generation: int
    kind: str
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)


def current_token(account_id: int) -> CurrentToken:
    """Return the account's current token. Raises NotConnected, BeingRenewed, crypto.Unsealable."""
    credential = Credential.objects.select_related("account").filter(account_id=account_id).first()
    if credential is None or credential.account.state != Account.State.CONNECTED:
        raise NotConnected
    now = timezone.now()
    dead = credential.expires_at is not None and credential.expires_at <= now
    if credential.renewing_until and credential.renewing_until > now and (dead or credential.kind == "pat"):
        raise BeingRenewed(min(credential.renewing_until, now + ASK_AGAIN))
    due = dead or (credential.renew_at is not None and credential.renew_at <= now)
    return CurrentToken(unseal(credential.access_token), credential.generation, credential.kind, due, dead)


def begin(account_id: int, generation: int) -> Renewal | None:
    """Take the lease to renew that generation. Returns None if another process has renewed it: read the token again.

    Raises NotConnected, BeingRenewed, crypto.Unsealable.
    """
    lease = timedelta(seconds=sum(settings.SALESMSG_TIMEOUT)) + LEASE_MARGIN
    with transaction.atomic():
        credential = Credential.objects.select_for_update().filter(account_id=account_id).first()
        # Checked after the lock, because another process's renewal may have been refused.
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
    """Commit the new pair; a write with an old generation changes nothing.

    Retries if the database is unavailable, because the old pair is already invalid.
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
    """Release the lease after a failed call that may be retried. pause: seconds until the next try."""
    Credential.objects.filter(account_id=renewal.account_id, generation=renewal.generation).update(
        renewing_until=None, renew_at=timezone.now() + timedelta(seconds=pause)
    )


def store(account: Account, kind: str, tokens: Tokens) -> None:
    """Replace the account's credential with a new grant, in the caller's transaction or its own.

    The new generation was never used by an earlier credential of the account, including deleted ones.
    """
    fields = {"kind": kind, "generation": time.time_ns() // 1000, "renewing_until": None, **_fields(kind, tokens)}
    Credential.objects.update_or_create(account=account, defaults=fields)


def forget(account: Account) -> None:
    """Delete the tokens."""
    Credential.objects.filter(account=account).delete()


def mark_broken(account_id: int, generation: int, why: Reason) -> bool:
    """Mark the account as needing attention unless its token was replaced. Returns whether it was marked."""
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
    """Return (account id, generation) of tokens to renew now, so that tokens stay valid when nobody uses the portal."""
    now = timezone.now()
    return list(
        Credential.objects.filter(account__state=Account.State.CONNECTED, renew_at__lte=now)
        .filter(Q(renewing_until=None) | Q(renewing_until__lte=now))
        .order_by("renew_at")
        .values_list("account_id", "generation")[:limit]
    )


def rotate_keys() -> tuple[int, list[str]]:
    """Encrypt every stored secret again with the first key.

    Returns the number of rows, and a description of each secret that no key can decrypt.
    """
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
        # An expired PAT cannot be renewed, so leave a third of its lifetime for outages.
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
