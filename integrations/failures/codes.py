"""All stored reasons: codes and their messages, without Django's models."""

from django.db.models import TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Code(TextChoices):
    """Every stored reason: value, words. What stands in the words as %(name)s is a parameter of that name."""

    # Calls to Salesmsg: the codes of `salesmsg.errors`
    SALESMSG_ERROR = "salesmsg_error", _("Something went wrong at Salesmsg.")
    UNREACHABLE = "unreachable", _("Salesmsg could not be reached.")
    TLS_FAILED = "tls_failed", _("No secure connection to Salesmsg could be made.")
    BAD_ADDRESS = "bad_address", _("The address of Salesmsg is not valid.")
    RATE_LIMITED = "rate_limited", _("Salesmsg's request limit was reached.")
    CREDENTIAL_REFUSED = "credential_refused", _("Salesmsg does not accept the access token.")
    NO_AUTHORIZATION_CODE = "no_authorization_code", _("Salesmsg sent no authorization code.")
    TOKEN_MALFORMED = "token_malformed", _("The token is empty or contains characters that no token has.")
    NO_REFRESH_TOKEN = "no_refresh_token", _("There is no refresh token.")
    NOT_ALLOWED = "not_allowed", _("Salesmsg does not allow the connected user to do this.")
    NOT_FOUND = "not_found", _("Salesmsg does not have this record.")
    INVALID = "invalid", _("Salesmsg did not accept the data.")
    UNSENDABLE_CHARACTERS = "unsendable_characters", _("The text contains characters that cannot be sent.")
    REFUSED = "refused", _("Salesmsg refused the request.")
    REDIRECTED = "redirected", _("Salesmsg answered with a redirect, which the portal does not follow.")
    TOKEN_ADDRESS_INVALID = "token_address_invalid", _("The token address is not valid.")
    TOKEN_ADDRESS_INSECURE = "token_address_insecure", _("The token address must begin with https://.")
    TIMED_OUT = "timed_out", _("Salesmsg did not answer in time.")
    SERVER_ERROR = "server_error", _("Salesmsg returned a server error.")
    CONNECTION_LOST = "connection_lost", _("The connection to Salesmsg was lost.")
    UNREADABLE = "unreadable", _("Salesmsg's answer could not be read.")
    ANSWER_TOO_LARGE = "answer_too_large", _("Salesmsg's answer is too large.")
    ANSWER_IS_HTML = "answer_is_html", _("Salesmsg answered with a web page instead of data.")
    ANSWER_INCOMPLETE = "answer_incomplete", _("Salesmsg's answer is incomplete.")
    ANSWER_WITHOUT_TOKEN = "answer_without_token", _("Salesmsg's answer contains no token.")
    ANSWER_WITHOUT_ID = "answer_without_id", _("Salesmsg sent a record without an id.")
    ANSWER_FORM_UNKNOWN = "answer_form_unknown", _("Salesmsg's answer has an unknown form.")

    # Tokens and the budget
    NOT_CONNECTED = "not_connected", _("This account is not connected to Salesmsg.")
    TOKEN_REFUSED = "token_refused", _("Salesmsg no longer accepts the access token.")
    TOKEN_CHECK_FAILED = "token_check_failed", _("The token could not be checked: %(why)s")
    TOKEN_RENEWAL_FAILED = "token_renewal_failed", _("The token could not be renewed: %(why)s")
    TOKEN_RENEWAL_REFUSED = "token_renewal_refused", _("Salesmsg refused to renew the token.")
    UNDECRYPTABLE = (
        "undecryptable",
        _("A stored secret cannot be decrypted: FIELD_ENCRYPTION_KEYS lacks the key that encrypted it."),
    )
    NO_ENCRYPTION_KEY = (
        "no_encryption_key",
        _("FIELD_ENCRYPTION_KEYS contains no valid Fernet key. Create one with `manage.py generate_key`."),
    )
    NO_BUDGET = "no_budget", _("The request limit left no room for the call.")

    # Texts
    OPTED_OUT = "opted_out", _("This contact has opted out. They can opt in again by texting START.")
    OPT_OUT_PENDING = "opt_out_pending", _("This contact is being opted out, so no text may be sent to them.")
    TWIN_REFUSES = (
        "twin_refuses",
        _("Another contact with this phone number has opted out or is blocked, so no text may be sent to it."),
    )
    BLOCKED = "blocked", _("This contact is blocked in Salesmsg.")
    DELETED = "deleted", _("This contact was deleted in Salesmsg.")
    DUPLICATE_TEXT = (
        "duplicate_text",
        _("The same text was sent to this contact less than a minute ago, or is about to be sent."),
    )
    QUIET_THEN = "quiet_then", _("It will be %(at)s for this contact then, in their quiet hours.")
    QUIET_THEN_GUESS = (
        "quiet_then_guess",
        _("It may be %(at)s for this contact then, in their quiet hours. Their time zone is a guess."),
    )
    WORKER_STOPPED = "worker_stopped", _("The worker stopped before Salesmsg answered.")
    ACCEPTED = "accepted", _("Salesmsg's message %(id)s, %(vendor_status)s.")
    NOT_AT_VENDOR = "not_at_vendor", _("Salesmsg does not have this text, so it was not sent.")
    AMBIGUOUS_COPY = (
        "ambiguous_copy",
        _(
            "Salesmsg has a text with these words from about that time, but the portal cannot tell whether it is "
            "this one. Look at the conversation and decide."
        ),
    )
    ANSWERED_FIRST = "answered_first", _("The contact replied first, so this text was not sent.")
    MISSED_ITS_TIME = (
        "missed_its_time",
        _(
            "This text was scheduled for %(at)s, but the portal could not send it then. It was not sent. Send it now "
            "or cancel it."
        ),
    )
    VENDOR_FAILED = "vendor_failed", _("Salesmsg could not send this text.")

    # What carriers say, by the codes that Salesmsg passes on (salesmsg-api.md, section 8)
    CARRIER_21211 = "carrier_21211", _("The recipient's number is invalid.")
    CARRIER_21266 = "carrier_21266", _("The recipient's number is the same as the sender's.")
    CARRIER_21408 = "carrier_21408", _("Texts to this region are not enabled.")
    CARRIER_21606 = "carrier_21606", _("The sender's number cannot send texts.")
    CARRIER_21610 = "carrier_21610", _("The recipient has unsubscribed.")
    CARRIER_21612 = "carrier_21612", _("This sender cannot text this recipient.")
    CARRIER_30003 = "carrier_30003", _("The recipient's phone cannot be reached.")
    CARRIER_30004 = "carrier_30004", _("The message was blocked.")
    CARRIER_30005 = "carrier_30005", _("The recipient's phone is unknown.")
    CARRIER_30006 = "carrier_30006", _("The recipient has a landline or an unreachable carrier.")
    CARRIER_30007 = "carrier_30007", _("The carrier filtered the message.")
    CARRIER_30008 = "carrier_30008", _("The message expired before it was delivered.")
    CARRIER_30009 = "carrier_30009", _("The carrier rejected the message.")

    # Bulk texts: why a recipient is left out; labels of a list, so no full stop
    SKIP_OPTED_OUT = "skip_opted_out", _("Opted out of texts")
    SKIP_BLOCKED = "skip_blocked", _("Blocked in Salesmsg")
    SKIP_DELETED = "skip_deleted", _("Deleted in Salesmsg")
    SKIP_NO_PHONE = "skip_no_phone", _("No phone number")
    SKIP_SAME_PHONE = "skip_same_phone", _("Same phone as another recipient")
    SKIP_TWIN_REFUSES = "skip_twin_refuses", _("This phone number has opted out, or another contact with it is blocked")
    SKIP_DOUBT = "skip_doubt", _("May have asked to opt out; nobody has decided yet")
    SKIP_EMPTY_TEXT = "skip_empty_text", _("Nothing would be left of the text")
    SKIP_TOO_LONG = "skip_too_long", _("Longer than %(most)s characters once its merge fields are filled in")
    SKIP_EMPTY_FIELD = "skip_empty_field", _("%(merge_field)s is empty, and the text names no replacement for it")

    # Placeholders of a text to one contact
    FIELD_EMPTY = (
        "field_empty",
        _("This contact has no value for %(merge_field)s. Replace %(placeholder)s with text."),
    )
    FIELD_NOT_FILLED_IN = (
        "field_not_filled_in",
        _("%(placeholder)s has not been filled in. Replace it with text."),
    )

    # Phone numbers as people type them
    PHONE_MISSING = "phone_missing", _("Enter a phone number.")
    PHONE_EXTENSION = "phone_extension", _("Texts cannot reach an extension. Leave it out.")
    PHONE_INVALID = "phone_invalid", _("This is not a phone number.")
    PHONE_TOO_LONG = "phone_too_long", _("This phone number is too long.")
    PHONE_TOO_SHORT = "phone_too_short", _("This phone number is too short.")
    PHONE_WITHOUT_AREA = "phone_without_area", _("The area code is missing.")
    PHONE_IMPOSSIBLE = "phone_impossible", _("This phone number cannot exist.")
    PHONE_SHORT_CODE = "phone_short_code", _("Short codes cannot receive texts.")
    PHONE_INVALID_AREA = (
        "phone_invalid_area",
        _(
            "This is not a US or Canadian number: there, the area code and the three digits after it start with 2 to "
            "9 and do not end in 11."
        ),
    )
    PHONE_NOT_ASSIGNED = "phone_not_assigned", _("This phone number does not exist (%(country)s). Check the digits.")
    PHONE_PREMIUM = "phone_premium", _("Premium-rate numbers cannot receive texts.")
    PHONE_AMBIGUOUS = (
        "phone_ambiguous",
        _("This number exists in several countries: %(choices)s. Choose one, or write it with the country code."),
    )
    PHONE_SEVERAL = "phone_several", _("There are several phone numbers here: %(choices)s. Choose one.")
    PHONE_WITHOUT_PREFIX = (
        "phone_without_prefix",
        _("The first digit may be missing. If you mean %(choices)s, choose it. Otherwise, add the country code."),
    )

    # Changes to contacts and conversations
    CONVERSATION_NOT_AT_VENDOR = (
        "conversation_not_at_vendor",
        _("Salesmsg does not have this conversation yet. Send a text first, then try again."),
    )
    CONTACT_NOT_AT_VENDOR = (
        "contact_not_at_vendor",
        _("Salesmsg does not have this contact yet. Send a text first, then try again."),
    )
    CONTACT_GONE = "contact_gone", _("Salesmsg no longer has this contact.")
    FIELDS_IGNORED = "fields_ignored", _("Salesmsg accepted the edit but did not save: %(fields)s.")
    CUSTOM_FIELDS_IGNORED = (
        "custom_fields_ignored",
        _("Salesmsg accepted the edit but did not save: %(custom_fields)s."),
    )
    CUSTOM_FIELDS_SCOPE = (
        "custom_fields_scope",
        _("The connection lacks the scope custom-fields:write, which editing custom fields needs."),
    )
    NOT_SHOWN = (
        "not_shown",
        _("Salesmsg accepted this but does not show it. Look at the contact there before you try again."),
    )
    NOTE_UNCERTAIN = (
        "note_uncertain",
        _(
            "The connection was lost while the note was being saved, and Salesmsg does not show a contact's notes to "
            "the portal. Check there whether it arrived. If not, try again."
        ),
    )
    DECIDED_BY_LATER_EDIT = "decided_by_later_edit", _("A later edit decided this.")
    JOINED_LATER_CONFLICT = (
        "joined_later_conflict",
        _("A later edit of this contact also conflicts with a change in Salesmsg. Both wait together."),
    )
    DECIDED_OURS = "decided_ours", _("Decided: the portal's values were sent to Salesmsg again.")
    DECIDED_THEIRS = "decided_theirs", _("Decided: Salesmsg's values stay.")

    # Attachments
    FILE_REFUSED = "file_refused", _("The file is not accepted.")
    FILE_TOO_LARGE = "file_too_large", _("The file is larger than %(bytes)s. Salesmsg still has it.")
    FILE_UNSAFE_ADDRESS = "file_unsafe_address", _("The file's address is not safe to open.")
    FILE_GONE = "file_gone", _("The file is no longer where Salesmsg said it is.")
    FILE_SERVER_REFUSED = "file_server_refused", _("The file's server refused to deliver it.")
    FILE_SERVER_FAILED = "file_server_failed", _("The file's server did not answer as expected.")
    FILE_INTERRUPTED = "file_interrupted", _("Fetching the file was interrupted again and again.")
    FILE_NOT_WRITTEN = "file_not_written", _("The file could not be written to the portal's disk.")
    FILE_KIND_NOT_KEPT = (
        "file_kind_not_kept",
        _("The portal keeps pictures, sound, video, PDF files and contact cards; this is none of them."),
    )

    # Syncs
    LIST_ENDLESS = "list_endless", _("The list “%(list)s” does not end.")
    LIST_REPEATS_PAGE = "list_repeats_page", _("Salesmsg sent the same page of “%(list)s” twice.")
    LIST_CIRCLES = "list_circles", _("The list “%(list)s” keeps repeating the same rows.")
    LIST_SHRANK = (
        "list_shrank",
        _("The list “%(list)s” kept shrinking while it was read, even after %(restarts)s restarts."),
    )
    LIST_INCOMPLETE = (
        "list_incomplete",
        _("The list “%(list)s” showed %(seen)s of %(total)s rows, even after %(restarts)s restarts."),
    )
    LIST_SKIPPED = "list_skipped", _("“%(list)s” could not be read: %(why)s")
    THREAD_REPEATS_PAGE = "thread_repeats_page", _("Salesmsg sent the same page of messages twice.")
    THREAD_ENDLESS = "thread_endless", _("The thread does not end.")
    COUNT_DIFFERS = (
        "count_differs",
        _("Salesmsg counts %(total)s contacts but lists %(seen)s, twice in a row."),
    )
    CONVERSATION_WITHOUT_CONTACT = (
        "conversation_without_contact",
        _("Conversation %(id)s names no contact, so it was skipped."),
    )
    CONVERSATION_GONE = "conversation_gone", _("Conversation %(id)s no longer exists in Salesmsg.")
    CONVERSATION_NOT_ALLOWED = (
        "conversation_not_allowed",
        _("The connected user may not read conversation %(id)s."),
    )
    MANY_CONTACTS_MISSING = (
        "many_contacts_missing",
        _("%(count)s contacts were no longer listed: too many to treat as deleted, so all were kept."),
    )
    MANY_CONVERSATIONS_MISSING = (
        "many_conversations_missing",
        _("%(count)s conversations were no longer listed: too many to treat as gone, so all were kept."),
    )
    MORE_NOTES = "more_notes", _("There are more notes like these.")
    STEP_INTERRUPTED = "step_interrupted", _("The step was interrupted.")
    STEP_NEVER_ENDED = "step_never_ended", _("The same step was started again and again and never finished.")

    # Webhook events
    EVENT_NEVER_ENDED = "event_never_ended", _("Processing was started again and again and never finished.")
    EVENT_NAMES_NOTHING = "event_names_nothing", _("The event names no contact and no conversation.")
    EVENT_KIND_UNKNOWN = "event_kind_unknown", _("The kind of event is unknown. What it names was read.")


def code_choices() -> list[tuple[str, str | Promise]]:
    """For model fields; a callable, so that a new code or better words need no migration."""
    return list(Code.choices)
