"""The counters that the pages poll: one per account for the list, one per conversation for the thread."""

from collections.abc import Iterable

from django.db.models import F

from ..models import Account, Conversation


def lock_thread(conversation_id: int) -> None:
    """Locks a thread before its messages under way and its ThreadSync; the account comes last. Everybody takes them in
    this order, so that nobody waits for somebody who waits for them. Inside a transaction."""
    rows = Conversation.objects.select_for_update(no_key=True, of=("self",)).filter(pk=conversation_id)
    rows.values_list("pk", flat=True).first()


def touch(account_id: int, conversation_ids: Iterable[int] = ()) -> None:
    """Says that something shown in the inbox list, and in these threads, has changed."""
    ids = sorted(set(conversation_ids))
    if ids:
        Conversation.objects.filter(pk__in=ids).update(version=F("version") + 1)
    Account.objects.filter(pk=account_id).update(inbox_version=F("inbox_version") + 1)


def end_snooze(conversation_id: int) -> None:
    """A snoozed conversation comes back, because its contact texted. Inside the transaction that stores the text."""
    Conversation.objects.filter(pk=conversation_id).update(snoozed_until=None, snoozed_by=None)
