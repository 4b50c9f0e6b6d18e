"""A connected Salesmsg organisation with its credential, members, inboxes, numbers and tags."""

from typing import TYPE_CHECKING, Self, TypeVar

from django.conf import settings
from django.db import models
from django.db.models import Count, OuterRef, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..salesmsg.phones import is_region, region_of, region_of_zone
from ..salesmsg.text import visible_text
from .reason import ReasonFields

if TYPE_CHECKING:
    from django.contrib.auth.models import AnonymousUser, User


class AccountQuerySet(models.QuerySet["Account"]):
    def for_user(self, user: "User | AnonymousUser") -> "AccountQuerySet":
        """Accounts the user can see: all for a superuser, else those of their memberships."""
        if not (user.is_active and user.is_staff):
            return self.none()
        return self if user.is_superuser else self.filter(memberships__user=user)

    def reachable(self) -> "AccountQuerySet":
        """Accounts whose credential is expected to work."""
        return self.filter(state=Account.State.CONNECTED)


class Account(ReasonFields):
    """A Salesmsg organisation. Disconnecting keeps the row and all cached data."""

    class State(models.TextChoices):
        CONNECTED = "connected", _("Connected")
        ATTENTION = "attention", _("Needs to be connected again")
        DISCONNECTED = "disconnected", _("Disconnected")

    class ThreadDialect(models.TextChoices):
        PAGINATED = "paginated", "/messages/{c}/paginated"
        BEFORE = "before", "/messages/{c}?before_id"

    label = models.CharField(_("label"), max_length=120, help_text=_("The name your team uses for this account."))
    state = models.CharField(_("state"), max_length=16, choices=State, default=State.DISCONNECTED)
    organization_id = models.BigIntegerField(_("organization id"), null=True, blank=True, unique=True)
    organization_name = models.CharField(_("organization name"), max_length=255, blank=True)
    organization_timezone = models.CharField(_("organization timezone"), max_length=64, blank=True)
    vendor_user_id = models.BigIntegerField(
        _("vendor user id"), null=True, blank=True, help_text=_("The Salesmsg user that owns the token.")
    )
    thread_dialect = models.CharField(
        _("thread dialect"), max_length=16, choices=ThreadDialect, default=ThreadDialect.PAGINATED
    )
    webhook_secret = models.TextField(help_text="Encrypted.")
    webhook_digest = models.CharField(max_length=64, unique=True)
    last_event_at = models.DateTimeField(_("last event at"), null=True, blank=True)
    events_missed = models.PositiveIntegerField(
        default=0, help_text="Consecutive new texts that no webhook event announced."
    )
    events_missed_at = models.DateTimeField(null=True, blank=True)
    last_error_at = models.DateTimeField(
        _("last error at"), null=True, blank=True, help_text=_("When the error occurred.")
    )
    inbox_version = models.BigIntegerField(default=0, help_text="Increases with every change shown in the inbox list.")
    sync_paused_at = models.DateTimeField(null=True, blank=True, help_text="When automatic sync was paused.")
    sync_paused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    learned = models.JSONField(
        default=dict, blank=True, help_text="What the API supports for this account: sync.capabilities."
    )
    probe_report = models.JSONField(default=dict, blank=True, help_text="Result of the last probe.")
    probed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    connected_at = models.DateTimeField(_("connected at"), null=True, blank=True)
    synced_at = models.DateTimeField(
        _("synced at"), null=True, blank=True, help_text=_("When the last complete sync finished.")
    )

    objects = AccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        ordering = ["label", "pk"]

    def __str__(self) -> str:
        return self.label

    def regions(self, inbox: "Inbox | None" = None) -> list[str]:
        """Countries of a phone number without a country code, likeliest first, such as ["US", "GB"].

        The API names no country of an organisation, so its numbers decide, the inbox's own first. Without any:
        DEFAULT_COUNTRY, else the country of the organisation's time zone, else the United States.
        """
        own = inbox.pk if inbox else 0
        numbers = sorted(self.numbers.values_list("inbox", "country", "phone"), key=lambda row: row[0] != own)
        known = [region_of(inbox.phone)] if inbox else []
        known += [country.upper() if is_region(country.upper()) else region_of(phone) for _, country, phone in numbers]
        last = settings.DEFAULT_COUNTRY or region_of_zone(self.organization_timezone)
        return list(dict.fromkeys(filter(None, known))) or [last if is_region(last) else "US"]


class Credential(models.Model):
    """The tokens of an account, encrypted. `generation` rises with every renewal, so that a late write is ignored."""

    class Kind(models.TextChoices):
        OAUTH = "oauth", "OAuth2"
        PAT = "pat", _("Personal access token")

    account = models.OneToOneField(Account, models.CASCADE, related_name="credential", verbose_name=_("account"))
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    access_token = models.TextField()
    refresh_token = models.TextField(blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    renew_at = models.DateTimeField(null=True, blank=True, db_index=True)
    scopes = models.JSONField(default=list, blank=True)
    generation = models.PositiveBigIntegerField(default=1)
    renewing_until = models.DateTimeField(null=True, blank=True)
    issued_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return _("%(kind)s of account %(account)s") % {"kind": self.get_kind_display(), "account": self.account_id}


class Membership(models.Model):
    """A user's permission to read and answer the conversations of an account."""

    class Role(models.TextChoices):
        AGENT = "agent", _("Agent: reads and answers")
        MANAGER = "manager", _("Manager: also connects and disconnects")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="salesmsg_memberships", verbose_name=_("user")
    )
    account = models.ForeignKey(Account, models.CASCADE, related_name="memberships", verbose_name=_("account"))
    role = models.CharField(_("role"), max_length=8, choices=Role, default=Role.AGENT)
    member = models.ForeignKey(
        "Member",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("The user's Salesmsg account; used by the “Mine” filter."),
        verbose_name=_("member"),
    )

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints = [models.UniqueConstraint(fields=["user", "account"], name="membership_once")]

    def __str__(self) -> str:
        return _("%(user)s in %(account)s") % {"user": self.user, "account": self.account}


class AuthorizationState(models.Model):
    """A pending authorization: valid once, for ten minutes, for one user and one browser session."""

    digest = models.CharField(max_length=64, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("user"))
    session_digest = models.CharField(max_length=64)
    code_verifier = models.TextField(help_text="Encrypted.")
    account = models.ForeignKey(
        Account, models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("account")
    )
    label = models.CharField(_("label"), max_length=120, blank=True)
    created_at = models.DateTimeField(_("created at"), default=timezone.now)
    used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"Authorization by {self.user} at {self.created_at:%Y-%m-%d %H:%M}"


Row = TypeVar("Row", bound=models.Model)


class OwnedQuerySet(models.QuerySet[Row]):
    def for_user(self, user: "User | AnonymousUser") -> Self:
        """Rows of the accounts the user can see."""
        if user.is_active and user.is_superuser:
            return self
        return self.filter(account__in=Account.objects.for_user(user))

    def count_by_account(self) -> Coalesce:
        """The number of rows of each account, as an annotation for a query of accounts."""
        rows = self.filter(account=OuterRef("pk")).order_by().values("account")
        return Coalesce(Subquery(rows.annotate(n=Count("pk")).values("n")), 0)


class Inbox(models.Model):
    """A shared inbox; the vendor's API calls it a team."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="inboxes", verbose_name=_("account"))
    vendor_id = models.BigIntegerField(_("vendor id"))
    name = models.CharField(_("name"), max_length=255, blank=True)
    phone = models.CharField(_("phone"), max_length=32, blank=True)
    raw = models.JSONField(default=dict, blank=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("inbox")
        verbose_name_plural = _("inboxes")
        ordering = ["name", "pk"]
        constraints = [models.UniqueConstraint(fields=["account", "vendor_id"], name="inbox_once")]

    def __str__(self) -> str:
        return self.name or _("Inbox %(id)s") % {"id": self.vendor_id}


class Number(models.Model):
    """A phone number of the organisation. `inbox` is the inbox that uses it, if the vendor says."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="numbers", verbose_name=_("account"))
    vendor_id = models.BigIntegerField(_("vendor id"))
    phone = models.CharField(_("phone"), max_length=32, blank=True)
    country = models.CharField(_("country"), max_length=8, blank=True)
    inbox = models.ForeignKey(
        Inbox, models.SET_NULL, null=True, blank=True, related_name="numbers", verbose_name=_("inbox")
    )
    raw = models.JSONField(default=dict, blank=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("number")
        verbose_name_plural = _("numbers")
        ordering = ["phone", "pk"]
        constraints = [models.UniqueConstraint(fields=["account", "vendor_id"], name="number_once")]

    def __str__(self) -> str:
        return self.phone or _("Number %(id)s") % {"id": self.vendor_id}


class Tag(models.Model):
    """A label for contacts; contacts store their labels as text."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="tags", verbose_name=_("account"))
    vendor_id = models.BigIntegerField(_("vendor id"))
    label = models.CharField(_("label"), max_length=120, blank=True)
    raw = models.JSONField(default=dict, blank=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["label", "pk"]
        constraints = [models.UniqueConstraint(fields=["account", "vendor_id"], name="tag_once")]

    def __str__(self) -> str:
        return self.label or _("Tag %(id)s") % {"id": self.vendor_id}


class Member(models.Model):
    """A Salesmsg user of the organisation."""

    account = models.ForeignKey(Account, models.CASCADE, related_name="members", verbose_name=_("account"))
    vendor_id = models.BigIntegerField(_("vendor id"))
    full_name = models.CharField(_("full name"), max_length=255, blank=True)
    email = models.CharField(_("email"), max_length=255, blank=True)
    role = models.CharField(_("role"), max_length=64, blank=True)
    raw = models.JSONField(default=dict, blank=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("member")
        verbose_name_plural = _("members")
        ordering = ["full_name", "pk"]
        constraints = [models.UniqueConstraint(fields=["account", "vendor_id"], name="member_once")]

    def __str__(self) -> str:
        return visible_text(self.full_name) or self.email or _("Member %(id)s") % {"id": self.vendor_id}
