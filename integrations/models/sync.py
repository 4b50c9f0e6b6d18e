"""The progress of each sync."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from ..failures import Reason
from .account import Account, OwnedQuerySet
from .budget import BudgetCall
from .conversation import Conversation
from .reason import ReasonFields


class SyncRun(ReasonFields):
    """One sync of an account. `step` is its fencing token: a task only works on the step it was given."""

    class Kind(models.TextChoices):
        FULL = "full", _("Full sync")
        CHANGES = "changes", _("Changes")
        CHECK = "check", _("Comparison")

    class State(models.TextChoices):
        RUNNING = "running", _("Running")
        DONE = "done", _("Complete")
        FAILED = "failed", _("Failed")
        STOPPED = "stopped", _("Stopped")

    account = models.ForeignKey(Account, models.CASCADE, related_name="sync_runs", verbose_name=_("account"))
    kind = models.CharField(_("kind"), max_length=8, choices=Kind)
    state = models.CharField(_("state"), max_length=8, choices=State, default=State.RUNNING)
    step = models.PositiveIntegerField(_("step"), default=0)
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)
    due_at = models.DateTimeField(_("due at"), default=timezone.now)
    failures = models.PositiveIntegerField(
        _("failures"), default=0, help_text=_("Failed attempts of the current step.")
    )
    requests = models.PositiveIntegerField(_("requests"), default=0)
    contacts = models.PositiveIntegerField(_("contacts"), default=0)
    conversations = models.PositiveIntegerField(_("conversations"), default=0)
    messages = models.PositiveIntegerField(_("messages"), default=0)
    changed = models.PositiveIntegerField(_("changed"), default=0)
    notes = models.JSONField(default=list, blank=True, help_text=_("Reasons for what could not be read."))
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("requested by"),
    )
    started_at = models.DateTimeField(_("started at"), default=timezone.now)
    finished_at = models.DateTimeField(_("finished at"), null=True, blank=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        verbose_name = _("sync run")
        verbose_name_plural = _("sync runs")
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["account", "kind"], condition=models.Q(state="running"), name="sync_one_running_per_kind"
            )
        ]

    @property
    def note_reasons(self) -> list[Reason]:
        return [Reason.from_json(note) for note in self.notes]

    def __str__(self) -> str:
        return _("Sync %(id)s (%(state)s)") % {"id": self.pk, "state": self.get_state_display()}

    @property
    def lane(self) -> str:
        """The lane of the run's calls in the rate budget: a comparison uses only what is idle."""
        return BudgetCall.Lane.IDLE if self.kind == self.Kind.CHECK else BudgetCall.Lane.SYNC


class SyncStream(models.Model):
    """One list of a run, read page by page. The streams of a run are processed in order of `position`."""

    run = models.ForeignKey(SyncRun, models.CASCADE, related_name="streams")
    name = models.CharField(_("name"), max_length=32)
    position = models.PositiveSmallIntegerField()
    cursor = models.JSONField(default=dict)
    total = models.PositiveIntegerField(
        _("total"), null=True, blank=True, help_text=_("As reported by Salesmsg, if available.")
    )
    seen = models.PositiveIntegerField(_("seen"), default=0)
    pages = models.PositiveIntegerField(default=0)
    calls = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(_("changed"), default=0)
    began_at = models.DateTimeField(null=True, blank=True, help_text="When its first page was requested.")
    restarts = models.PositiveSmallIntegerField(_("restarts"), default=0)
    done = models.BooleanField(default=False)

    class Meta:
        verbose_name = _("sync stream")
        verbose_name_plural = _("sync streams")
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["run", "name"], name="sync_stream_once")]

    def __str__(self) -> str:
        return _("List %(position)s of sync %(run)s") % {"position": self.position + 1, "run": self.run_id}


class SyncSeen(models.Model):
    """A row seen in a sync, used to find new rows on a page and rows missing from the sync. Deleted when it ends."""

    stream = models.ForeignKey(SyncStream, models.CASCADE, related_name="met")
    vendor_id = models.BigIntegerField(_("vendor id"))

    class Meta:
        constraints = [models.UniqueConstraint(fields=["stream", "vendor_id"], name="sync_seen_once")]

    def __str__(self) -> str:
        return f"{self.vendor_id} in stream {self.stream_id}"


class ListSync(ReasonFields):
    """The sync state of one list of an account, and when it is next due."""

    class Name(models.TextChoices):
        """The lists of an account, as runs process them (`sync.plan`), with their display names."""

        ORGANIZATION = "organization", _("Organisation")
        MEMBERS = "members", _("Members")
        INBOXES = "inboxes", _("Inboxes")
        NUMBERS = "numbers", _("Numbers")
        TAGS = "tags", _("Tags")
        CONTACTS = "contacts", _("Contacts")
        DELETED = "deleted", _("Deleted contacts")
        OPEN = "open", _("Open conversations")
        CLOSED = "closed", _("Closed conversations")
        OUTBOUND = "outbound", _("Unanswered conversations")
        LOST = "lost", _("Conversations missing from every list")
        MESSAGES = "messages", _("Conversations read")
        CHECK = "check", _("Comparison")

    account = models.ForeignKey(Account, models.CASCADE, related_name="lists", verbose_name=_("account"))
    name = models.CharField(_("name"), max_length=32)
    rows = models.PositiveIntegerField(null=True, blank=True, help_text="Last known number of rows in Salesmsg.")
    calls = models.PositiveBigIntegerField(default=0, help_text="Total calls for this list.")
    looked_at = models.DateTimeField(null=True, blank=True, help_text="All visible changes up to this time are known.")
    walked_at = models.DateTimeField(null=True, blank=True, help_text="When it was last read completely.")
    read_to = models.DateTimeField(
        null=True, blank=True, help_text="Salesmsg's time: all earlier changes are known, if the list is sorted."
    )
    found_at = models.DateTimeField(null=True, blank=True, help_text="When a change was last found in it.")
    repaired = models.PositiveIntegerField(default=0, help_text="Rows that the last comparison corrected.")
    due_at = models.DateTimeField(_("due at"), default=timezone.now)
    pause = models.FloatField(default=60.0, help_text="Current seconds between two checks.")
    error_at = models.DateTimeField(null=True, blank=True)

    objects = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ["account", "pk"]
        constraints = [models.UniqueConstraint(fields=["account", "name"], name="list_sync_once")]

    def __str__(self) -> str:
        return f"{self.name} of account {self.account_id}"


class FreshHour(models.Model):
    """Measured delays of new inbound messages of one hour, from Salesmsg's time to the cache.

    `counts` matches the bounds in `sync.latency.BOUNDS`, plus a last entry for slower ones.
    """

    account = models.ForeignKey(Account, models.CASCADE, related_name="fresh_hours", verbose_name=_("account"))
    hour = models.DateTimeField(help_text="Start of the hour.")
    arrivals = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=list)
    slowest = models.FloatField(default=0.0, help_text="Seconds.")

    class Meta:
        ordering = ["account", "hour"]
        constraints = [models.UniqueConstraint(fields=["account", "hour"], name="fresh_hour_once")]

    def __str__(self) -> str:
        return f"{self.arrivals} arrivals of account {self.account_id} at {self.hour:%Y-%m-%d %H}"


class ThreadSync(models.Model):
    """The sync state of one conversation's messages, and when it is next due."""

    conversation = models.OneToOneField(
        Conversation, models.CASCADE, related_name="thread_sync", verbose_name=_("conversation")
    )
    run = models.ForeignKey(SyncRun, models.SET_NULL, null=True, blank=True, related_name="threads")
    pending = models.BooleanField(default=False, help_text="Not yet read in `run`.")
    cursor = models.JSONField(default=dict, help_text="Position in a read over several pages; {} if none is running.")
    read_to = models.JSONField(default=list, help_text="[time, Salesmsg id]: complete up to this message.")
    complete = models.BooleanField(default=False, help_text="The whole history is cached.")
    wanted_at = models.DateTimeField(null=True, blank=True, help_text="When a refresh was last requested.")
    due_at = models.DateTimeField(_("due at"), null=True, blank=True, db_index=True)
    following = models.BooleanField(default=False, help_text="Due only to check the delivery of outbound texts.")
    read_at = models.DateTimeField(null=True, blank=True, help_text="When its newest page was last read.")
    lease_until = models.DateTimeField(_("lease until"), null=True, blank=True)
    failures = models.PositiveIntegerField(_("failures"), default=0)

    class Meta:
        indexes = [
            models.Index(fields=["run", "pending"], name="thread_pending"),
            models.Index(fields=["conversation"], condition=models.Q(complete=False), name="thread_gap"),
        ]

    def __str__(self) -> str:
        return f"Thread {self.conversation_id}"


class Heartbeat(models.Model):
    """The heartbeat of background work: one row. `sequence` rises with each tick, so that only one chain runs."""

    TIMEOUT = timedelta(seconds=60)  # the worker writes a heartbeat every few seconds

    name = models.CharField(_("name"), max_length=32, unique=True)
    sequence = models.PositiveBigIntegerField(default=0)
    at = models.DateTimeField(_("at"), default=timezone.now)

    def __str__(self) -> str:
        return f"{self.name} {self.sequence}"
