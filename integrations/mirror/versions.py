"""The version counters that pages poll: one per account for the list, one per conversation for the thread."""

from collections.abc import Iterable

from django.db.models import F

from ..models import Account, Conversation


def lock_thread(conversation_id: int) -> None:
    """Lock a thread. Call it inside a transaction.

    The lock order is: conversation, its messages being sent and its ThreadSync, account. Every process follows it,
    which prevents deadlocks.
    """
    rows = Conversation.objects.select_for_update(no_key=True, of=("self",)).filter(pk=conversation_id)
    rows.values_list("pk", flat=True).first()


def touch(account_id: int, conversation_ids: Iterable[int] = ()) -> None:
    """Raise the versions of the inbox list and of these threads after a visible change."""
    ids = sorted(set(conversation_ids))
    if ids:
        Conversation.objects.filter(pk__in=ids).update(version=F("version") + 1)
    Account.objects.filter(pk=account_id).update(inbox_version=F("inbox_version") + 1)


def end_snooze(conversation_id: int) -> None:
    """End the snooze of a conversation because its contact texted. Call it in the transaction that stores the text."""
    Conversation.objects.filter(pk=conversation_id).update(snoozed_until=None, snoozed_by=None)
