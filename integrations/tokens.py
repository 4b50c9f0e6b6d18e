"""A valid token for an account: kept sealed, renewed ahead of time by one process at a time, never lost.

Renewing is three steps, because no call may happen inside a transaction: `begin` takes a lease under the row's lock
after reading it again; the gateway calls; `finish` commits the new pair before anybody uses it. Who holds an older
generation loses. A PAT dies the moment it is renewed (salesmsg-api.md, section 2.3), so meanwhile others wait.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from .crypto import reseal, seal, unseal
from .models import Account, Credential
from .salesmsg.oauth import Tokens

PAT_LIFE = timedelta(hours=1)  # when neither `expires_in` nor the token's own date says (section 2.3)
LEASE_MARGIN = timedelta(seconds=5)


class NotConnected(Exception):
    """The account has no credential that works; a person must connect it again."""

    def __init__(self, text: str = "This account is not connected to Salesmsg. Connect it again on its page."):
        super().__init__(text)


class BeingRenewed(Exception):
    """Another process renews the token right now; ask again at `until`."""

    def __init__(self, until: datetime):
        super().__init__("The token is being renewed.")
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
        raise BeingRenewed(min(credential.renewing_until, now + timedelta(seconds=1)))
    due = dead or (credential.renew_at is not None and credential.renew_at <= now)
    return Held(unseal(credential.access_token), credential.generation, credential.kind, due, dead)


def begin(account_id: int, generation: int) -> Renewal | None:
    """Takes the lease to renew that generation. None: somebody else already did, read again.

    Raises NotConnected, BeingRenewed.
    """
    lease = timedelta(seconds=sum(settings.SALESMSG_TIMEOUT)) + LEASE_MARGIN
    with transaction.atomic():
        credential = Credential.objects.select_for_update().filter(account_id=account_id).first()
        if credential is None:
            raise NotConnected
        if credential.generation != generation:
            return None
        now = timezone.now()
        if credential.renewing_until and credential.renewing_until > now:
            raise BeingRenewed(min(credential.renewing_until, now + timedelta(seconds=1)))
        credential.renewing_until = now + lease
        credential.save(update_fields=["renewing_until"])
    return Renewal(
        account_id, generation, credential.kind, unseal(credential.access_token), unseal(credential.refresh_token)
    )


def finish(renewal: Renewal, tokens: Tokens) -> None:
    """Commits the new pair; a writer with an old generation changes nothing."""
    Credential.objects.filter(account_id=renewal.account_id, generation=renewal.generation).update(
        generation=renewal.generation + 1, renewing_until=None, **_fields(renewal.kind, tokens)
    )


def abandon(renewal: Renewal, pause: float = 0.0) -> None:
    """Gives the lease back: the call did not succeed, but may later. pause: seconds until the next try."""
    Credential.objects.filter(account_id=renewal.account_id, generation=renewal.generation).update(
        renewing_until=None, renew_at=timezone.now() + timedelta(seconds=pause)
    )


def store(account: Account, kind: str, tokens: Tokens) -> None:
    """A fresh grant replaces whatever the account held, in the caller's transaction or its own."""
    with transaction.atomic():
        old = Credential.objects.select_for_update().filter(account=account).first()
        Credential.objects.update_or_create(
            account=account,
            defaults={
                "kind": kind,
                "generation": old.generation + 1 if old else 1,
                "renewing_until": None,
                **_fields(kind, tokens),
            },
        )


def forget(account: Account) -> None:
    """Deletes the tokens."""
    Credential.objects.filter(account=account).delete()


def broken(account_id: int, generation: int, why: str) -> bool:
    """Marks the account as needing a person, unless its token was replaced meanwhile. True if it was marked."""
    with transaction.atomic():
        credential = Credential.objects.select_for_update().filter(account_id=account_id).first()
        if credential is None or credential.generation != generation:
            return False
        credential.renewing_until = None
        credential.save(update_fields=["renewing_until"])
        Account.objects.filter(pk=account_id, state=Account.State.CONNECTED).update(
            state=Account.State.ATTENTION, last_error=why, last_error_at=timezone.now()
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


def rotate_keys() -> int:
    """Seals every stored secret again under the first key. Returns how many rows."""
    rows = 0
    for pk in Credential.objects.values_list("pk", flat=True):
        with transaction.atomic():
            credential = Credential.objects.select_for_update().get(pk=pk)
            credential.access_token = reseal(credential.access_token)
            credential.refresh_token = reseal(credential.refresh_token)
            credential.save(update_fields=["access_token", "refresh_token"])
            rows += 1
    for account in Account.objects.only("pk", "webhook_secret"):
        Account.objects.filter(pk=account.pk).update(webhook_secret=reseal(account.webhook_secret))
        rows += 1
    return rows


def _fields(kind: str, tokens: Tokens) -> dict:
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
    fields = {
        "access_token": seal(tokens.access_token),
        "expires_at": expires_at,
        "renew_at": renew_at,
        "issued_at": now,
    }
    if tokens.refresh_token or kind == Credential.Kind.PAT:
        fields["refresh_token"] = seal(tokens.refresh_token or "")
    if tokens.scopes:
        fields["scopes"] = list(tokens.scopes)
    return fields
