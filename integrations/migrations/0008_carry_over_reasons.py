"""Rows that hold a sentence of ours get its code; what is not ours becomes a quotation.

The table below is the last copy of the sentences that workers stored until then. Everything here is frozen: it does not
follow later changes of `failures`. Apart from 0007 and 0009, because PostgreSQL alters no table whose rows the same
transaction has changed.
"""

import re

from django.db import migrations
from django.db.models import Case, OuterRef, Q, Subquery, Value, When

# The columns that held a sentence.
OLD = {
    "account": "last_error",
    "attempt": "detail",
    "bulkrecipient": "reason",
    "change": "reason",
    "listsync": "error",
    "message": "failure",
    "picture": "reason",
    "syncrun": "error",
    "webhookevent": "note",
}
NUMBERS = {"count", "most", "seen", "total", "restarts", "id"}
CONTACT_FIELDS = {"first name": "first_name", "last name": "last_name", "email": "email", "phone": "phone"}

# Sentence -> code; a group of the pattern becomes the parameter of its name.
SENTENCES = [
    # Calls
    ("Something went wrong with Salesmsg.", "salesmsg_error"),
    ("Salesmsg could not be reached.", "unreachable"),
    ("No secure connection to Salesmsg could be made.", "tls_failed"),
    ("The address of Salesmsg is not valid.", "bad_address"),
    ("Salesmsg's limit of requests is reached.", "rate_limited"),
    ("Salesmsg does not accept the credential.", "credential_refused"),
    ("Salesmsg does not allow this to the connected user.", "not_allowed"),
    ("Salesmsg does not allow this to the connected user or application.", "not_allowed"),
    ("Salesmsg does not know this record.", "not_found"),
    ("Salesmsg does not know this.", "not_found"),
    ("Salesmsg did not accept what was sent.", "invalid"),
    ("The text holds characters that cannot be sent.", "unsendable_characters"),
    ("Salesmsg refused the request.", "refused"),
    ("Salesmsg answered with a redirect, which is not followed.", "redirected"),
    ("Salesmsg did not answer in time.", "timed_out"),
    ("Salesmsg has trouble of its own.", "server_error"),
    ("The connection to Salesmsg was lost.", "connection_lost"),
    ("Salesmsg's answer could not be read.", "unreadable"),
    ("Salesmsg's answer is too large.", "answer_too_large"),
    ("Salesmsg answered with a web page instead of data.", "answer_is_html"),
    ("Salesmsg's answer is not whole.", "answer_incomplete"),
    ("Salesmsg's answer holds no token.", "answer_without_token"),
    ("Salesmsg's answer to (?P<endpoint>.+) has an unknown form.", "answer_form_unknown"),
    ("Salesmsg sent an? \\w+ without an id.", "answer_without_id"),
    ("The token is empty or holds characters that no token has.", "token_malformed"),
    # Tokens and the budget
    ("Salesmsg refuses the token. Connect the account again.", "token_refused"),
    ("There is no refresh token.", "no_refresh_token"),
    ("Salesmsg refused to renew the token: (?P<quote>.+). Connect the account again.", "token_renewal_refused"),
    ("The token could not be checked: (?P<why>.+)", "token_check_failed"),
    ("The token could not be renewed: (?P<why>.+)", "token_renewal_failed"),
    ("This account is not connected to Salesmsg. Connect it again on its page.", "not_connected"),
    ("This account is not connected to Salesmsg. Connect it again, then send again.", "not_connected"),
    ("The rate budget is used up for the moment.", "no_budget"),
    ("Salesmsg's limit left no room: nothing was sent.", "no_budget"),
    ("Waits for a free call.", "no_budget"),
    ("A stored secret cannot be decrypted: FIELD_ENCRYPTION_KEYS .+", "undecryptable"),
    ("FIELD_ENCRYPTION_KEYS must hold at least one Fernet key.+", "no_encryption_key"),
    # Texts
    ("This contact has opted out. They can opt in again by texting START.", "opted_out"),
    ("This contact is being opted out, so no text may be sent to them.", "opt_out_pending"),
    ("This contact is blocked in Salesmsg.", "blocked"),
    ("This contact was deleted in Salesmsg.", "deleted"),
    ("The worker stopped before an answer came.", "worker_stopped"),
    ("The portal was interrupted before Salesmsg's answer came.", "worker_stopped"),
    ("Salesmsg's message (?P<id>\\d+), (?P<vendor_status>.+).", "accepted"),
    ("Salesmsg does not have this text, so it was not sent.", "not_at_vendor"),
    ("Salesmsg has a text with these words from about that time, but it cannot be told whether .+", "ambiguous_copy"),
    ("They answered first, so this was not sent.", "answered_first"),
    ("It should have left on .+, but the portal could not send it then. It was not sent. .+", "missed_its_time"),
    ("Salesmsg gave no reason.", "vendor_failed"),
    # Carriers; the code stands in brackets behind the words
    ("The recipient's number is invalid.", "carrier_21211"),
    ("The recipient's number is the same as the sender's.", "carrier_21266"),
    ("Texts to this region are not enabled.", "carrier_21408"),
    ("The sender's number cannot send texts.", "carrier_21606"),
    ("The recipient has unsubscribed.", "carrier_21610"),
    ("This sender cannot text this recipient.", "carrier_21612"),
    ("The recipient's phone cannot be reached.", "carrier_30003"),
    ("The message was blocked.", "carrier_30004"),
    ("The recipient's phone is unknown.", "carrier_30005"),
    ("The recipient has a landline or an unreachable carrier.", "carrier_30006"),
    ("The carrier filtered the message.", "carrier_30007"),
    ("The message expired before it was delivered.", "carrier_30008"),
    ("The carrier rejected the message.", "carrier_30009"),
    # Bulk texts
    ("Opted out of texts", "skip_opted_out"),
    ("Blocked in Salesmsg", "skip_blocked"),
    ("Deleted in Salesmsg", "skip_deleted"),
    ("No phone number", "skip_no_phone"),
    ("Same phone as another recipient", "skip_same_phone"),
    ("A contact with this phone has opted out or is blocked", "skip_twin_refuses"),
    ("Nothing would be left of the text", "skip_empty_text"),
    ("Longer than (?P<most>\\d+) characters with their details filled in", "skip_too_long"),
    ("No (?P<merge_field>[a-z ]+), and the text has nothing to put in its place", "skip_empty_field"),
    # Changes
    ("Decided by a later edit.", "decided_by_later_edit"),
    ("A later edit of this contact met a change in Salesmsg, too: both wait together.", "joined_later_conflict"),
    ("Decided, and told to Salesmsg anew.", "decided_ours"),
    ("Decided: what Salesmsg has stays.", "decided_theirs"),
    ("Salesmsg does not know this conversation yet.", "conversation_not_at_vendor"),
    ("Salesmsg does not know this contact yet. Send a text first, then (?:save|try) again.", "contact_not_at_vendor"),
    ("Salesmsg accepted the edit but did not take over: (?P<fields>.+).", "fields_ignored"),
    ("Salesmsg does not have this contact any more.", "contact_gone"),
    ("Salesmsg accepted this but does not show it. Look at the contact there before you try again.", "not_shown"),
    ("The connection was lost while the note was being saved, .+", "note_uncertain"),
    # Pictures
    ("Fetching it broke off again and again.", "file_interrupted"),
    ("It is larger than (?P<bytes>.+). Salesmsg still has it.", "file_too_large"),
    ("It lies at an address that is not safe to ask.", "file_unsafe_address"),
    ("It could not be written to the portal's disk.", "file_not_written"),
    ("It is no longer where Salesmsg said it is.", "file_gone"),
    ("The server that keeps it refused to give it.", "file_server_refused"),
    ("The server that keeps it did not answer as it should.", "file_server_failed"),
    ("It is of no kind that is kept here .+", "file_kind_not_kept"),
    # Syncs
    ("The list of (?P<list>\\w+) does not end.", "list_endless"),
    ("Salesmsg gave the same page of (?P<list>\\w+)(?: conversations)? twice.", "list_repeats_page"),
    ("The list of (?P<list>\\w+) brings the same rows over and over.", "list_circles"),
    ("Even after (?P<restarts>\\d+) new beginnings, (?P<seen>\\d+) of (?P<total>\\d+) contacts .+", "list_incomplete"),
    ("Even after (?P<restarts>\\d+) new beginnings, the list of (?P<list>\\w+) .+", "list_shrank"),
    ("There is more of this kind.", "more_notes"),
    ("Salesmsg counts (?P<total>\\d+) contacts and lists (?P<seen>\\d+), twice the same.", "count_differs"),
    ("Conversation (?P<id>\\d+) names no contact; it was left out.", "conversation_without_contact"),
    ("Conversation (?P<id>\\d+) does not exist at Salesmsg any more.", "conversation_gone"),
    ("Conversation (?P<id>\\d+) may not be read by the connected user.", "conversation_not_allowed"),
    ("(?P<count>\\d+) contacts were not listed any more: .+", "many_contacts_missing"),
    ("(?P<count>\\d+) conversations were not listed any more: .+", "many_conversations_missing"),
    ("(?P<list>[A-Z]\\w+) could not be read: (?P<why>.+)", "list_skipped"),
    ("The thread does not end.", "thread_endless"),
    ("The step broke off.", "step_interrupted"),
    ("The same step was begun again and again and never ended. Look at the worker's log.", "step_never_ended"),
    # Events
    ("It was begun again and again and never ended. Look at the worker's log.", "event_never_ended"),
    ("It names no contact and no conversation.", "event_names_nothing"),
    ("Unknown kind; what it names was read.", "event_kind_unknown"),
]
_PLAIN = {text: code for text, code in SENTENCES if "(?" not in text and ".+" not in text and "\\" not in text}
_PATTERNS = [
    # A full stop of the table is a full stop, but for ".+".
    (re.compile(re.sub(r"\.(?!\+)", r"\\.", text), re.DOTALL), code)
    for text, code in SENTENCES
    if text not in _PLAIN
]
# "Salesmsg does not know this (404, GET /contacts/{contact}): no such contact"
_CALL = re.compile(
    r"(?P<what>[^()]+) \((?:(?P<status>\d{3}), )?(?P<endpoint>[A-Z]+ [^\s()]+)\)(?:\.|: (?P<quote>.*))?", re.DOTALL
)
_CARRIER = re.compile(r"(?P<what>[^()]+) \(\d{5}\)\.", re.DOTALL)
_ENDINGS = (
    (" It may have been sent: Salesmsg is being asked.", {}),
    (" Trying again.", {}),
    (" Nothing was sent.", {"gave_up": True}),
    (" after the start", {"after_start": True}),
)
_SCOPE_HINT = " Custom fields need the scope custom-fields:write when the account is connected."
_LIST_BEHIND = re.compile(r"(.+) \((\w+)\)", re.DOTALL)


def reason_of(text: str) -> tuple[str, dict, str]:
    """(code, parameters, the vendor's words) of an old sentence; one that is not ours is a quotation."""
    extra: dict = {}
    rest = text.removeprefix("Sync failed: ")
    for ending, params in _ENDINGS:
        if rest.endswith(ending):
            rest, extra = rest.removesuffix(ending), extra | params
    hinted = rest.endswith(_SCOPE_HINT)
    rest = rest.removesuffix(_SCOPE_HINT)
    found = _known(rest)
    if found is None and (behind := _LIST_BEHIND.fullmatch(rest)) and (found := _known(behind[1])):
        extra["list"] = behind[2]
    if found is None:
        return "", {}, text
    code, params, quote = found
    if hinted:
        code = "custom_fields_scope"
    return code, params | extra, quote


def _known(text: str) -> tuple[str, dict, str] | None:
    if text in _PLAIN:
        return _PLAIN[text], {}, ""
    for pattern, code in _PATTERNS:
        if match := pattern.fullmatch(text):
            return _filled(code, match.groupdict())
    if (match := _CALL.fullmatch(text)) and (code := _PLAIN.get(f"{match['what']}.")):
        params = {"endpoint": match["endpoint"]}
        if match["status"]:
            params["status"] = int(match["status"])
        return code, params, match["quote"] or ""
    if (match := _CARRIER.fullmatch(text)) and (code := _PLAIN.get(f"{match['what']}.")):
        return code, {}, ""
    return None


def _filled(code: str, found: dict) -> tuple[str, dict, str]:
    params = {name: int(value) if name in NUMBERS else value for name, value in found.items()}
    quote = params.pop("quote", "")
    if "why" in params:
        inner = _known(params["why"])
        params["why"], quote = (inner[0], inner[2]) if inner else ("", params["why"])
    if "fields" in params:
        names = params.pop("fields").split(", ")
        if all(name in CONTACT_FIELDS for name in names):
            params["fields"] = [CONTACT_FIELDS[name] for name in names]
        else:
            code, params["custom_fields"] = "custom_fields_ignored", names
    if "merge_field" in params:
        params["merge_field"] = params["merge_field"].replace(" ", "_")
    if "list" in params:
        params["list"] = params["list"].lower()
    if "bytes" in params:
        params["bytes"] = _bytes(params["bytes"])
    return code, params, quote


def _bytes(text: str) -> int:
    number, _blank, unit = text.replace("\u00a0", " ").partition(" ")
    scale = {"KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30}.get(unit, 1)
    return int(float(number.replace(",", "")) * scale)


def carry_over(apps, schema_editor):
    for name, column in OLD.items():
        model = apps.get_model("integrations", name)
        filled = model.objects.exclude(**{column: ""}).order_by()
        for text in list(filled.values_list(column, flat=True).distinct()):
            code, params, quote = reason_of(text)
            rows = model.objects.filter(**{column: text})
            columns = {"reason_code": code, "reason_params": params, "vendor_reason": quote}
            if code != "missed_its_time":
                rows.update(**columns)
                continue
            for row in rows.exclude(send_at=None).only("send_at", "zone"):
                columns["reason_params"] = {"at": row.send_at.isoformat(), "zone": row.zone}
                model.objects.filter(pk=row.pk).update(**columns)
    _notes(apps)
    _audit(apps)
    _latest(apps)


def _notes(apps):
    for run in apps.get_model("integrations", "SyncRun").objects.exclude(notes=[]).only("notes").iterator():
        run.notes = [dict(zip(("code", "params", "quote"), reason_of(str(note)), strict=True)) for note in run.notes]
        run.save(update_fields=["notes"])
    # What a stream skipped is its reason as JSON, too.
    streams = apps.get_model("integrations", "SyncStream").objects.filter(cursor__has_key="skipped")
    for stream in streams.only("cursor").iterator():
        if isinstance(said := stream.cursor["skipped"], str):
            stream.cursor["skipped"] = dict(zip(("code", "params", "quote"), reason_of(said), strict=True))
            stream.save(update_fields=["cursor"])


ACTIONS = {
    "account connected": "account_connected",
    "account disconnected": "account_disconnected",
    "webhook address renewed": "webhook_renewed",
    "membership.added": "membership_added",
    "membership.changed": "membership_changed",
    "membership.removed": "membership_removed",
    "linked to a Salesmsg user": "member_linked",
    "sync.full asked for": "sync_full",
    "sync.changes asked for": "sync_changes",
    "sync.stopped": "sync_stopped",
    "sync.paused": "sync_paused",
    "sync.resumed": "sync_resumed",
    "contact.read again": "contact_refreshed",
    "conversation.read again": "conversation_refreshed",
    "contact edited": "contact_edited",
    "custom fields edited": "fields_edited",
    "tag added": "tag_added",
    "tag removed": "tag_removed",
    "contact opted out": "opted_out",
    "contact opted in": "opted_in",
    "note added": "note_added",
    "conflict decided": "conflict_decided",
    "refused change dropped": "change_dropped",
    "conversation closed": "conversation_closed",
    "conversation reopened": "conversation_reopened",
    "conversation assigned": "conversation_assigned",
    "conversation snoozed": "conversation_snoozed",
    "conversation woken": "conversation_woken",
    "internal note added": "internal_note_added",
    "internal note deleted": "internal_note_deleted",
    "bulk text drafted": "bulk_drafted",
    "bulk text started": "bulk_started",
    "bulk text paused": "bulk_paused",
    "bulk text resumed": "bulk_resumed",
    "bulk text cancelled": "bulk_cancelled",
}
_CONTACT = re.compile(r"\bcontact (\d+)\b")


def _audit(apps):
    entries = apps.get_model("integrations", "AuditEntry").objects
    contacts = apps.get_model("integrations", "Contact").objects
    for old, new in ACTIONS.items():
        entries.filter(action=old).update(action=new)
    for entry in entries.exclude(detail="").only("detail").iterator():
        entry.params = {"detail": entry.detail}
        if (named := _CONTACT.search(entry.detail)) and contacts.filter(pk=named[1]).exists():
            entry.contact_id = int(named[1])
        entry.save(update_fields=["params", "contact"])


def _latest(apps):
    """The last line of the list: "Call" and "Picture" stood there for messages without a text."""
    message = apps.get_model("integrations", "Message").objects
    conversations = apps.get_model("integrations", "Conversation").objects
    unsaid = Q(send_at__isnull=False) & (Q(state="queued", due_at__isnull=False) | Q(state="cancelled"))
    newest = message.filter(conversation=OuterRef("pk")).exclude(unsaid).order_by("-at", "-rank")
    kinds = Case(When(kind="mms", then=Value("picture")), When(kind="call", then=Value("call")), default=Value("text"))
    bare = conversations.filter(latest_text__in=["Call", "Picture"])
    bare = bare.annotate(said=Subquery(newest.values("text")[:1]), kind=Subquery(newest.values(k=kinds)[:1]))
    for row in bare.filter(said="").values("pk", "kind").iterator():
        conversations.filter(pk=row["pk"]).update(latest_text="", latest_kind=row["kind"])


class Migration(migrations.Migration):
    dependencies = [("integrations", "0007_reasons")]

    operations = [migrations.RunPython(carry_over, migrations.RunPython.noop)]
