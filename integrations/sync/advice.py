"""Errors of a sync and what a person does about each: one table, the first line that fits."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..salesmsg.text import sentence
from ..told import told

# Which scope of Salesmsg a list takes (salesmsg-api.md, sections 2.4 and 5).
SCOPES = {
    "organization": "organizations:read",
    "members": "organizations:read",
    "inboxes": "teams:read",
    "numbers": "numbers:read",
    "tags": "tags:read",
    "contacts": "contacts:read",
    "deleted": "contacts:read",
    "open": "conversations:read",
    "closed": "conversations:read",
    "outbound": "conversations:read",
    "messages": "messages:read",
}
SOME_SCOPE = gettext_lazy("the scope of this list")
WAIT = gettext_lazy(
    "Nothing to do: it is tried again by itself. If it lasts for an hour, look at Salesmsg's status page."
)
TABLE: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("does not allow", "not allowed", "unauthorized", "scope"),
        gettext_lazy(
            "The access lacks {scope}. Add it to the access at Salesmsg and to `SALESMSG_SCOPES`, then "
            "connect the account again. Everything kept here stays."
        ),
    ),
    (
        ("encryption_keys", "decrypted", "sealed"),
        gettext_lazy("Put the old key back into `FIELD_ENCRYPTION_KEYS` and restart, or connect the account again."),
    ),
    (
        ("connect the account again", "not connected", "refuses the token", "credential", "no credential"),
        gettext_lazy("Connect the account again on its page. Everything kept here stays."),
    ),
    (
        ("limit of requests", "rate limit", "too many requests", "rate budget"),
        gettext_lazy(
            "Nothing to do: the limit frees itself, and reading goes on. If it comes often, another "
            "program uses the same access."
        ),
    ),
    (
        ("could not be read", "unknown form", "is not whole", "web page instead", "too large"),
        gettext_lazy(
            "Salesmsg answered in a way that the portal does not know. Run `manage.py probe --account "
            "{account}` and share what it prints; until then, reading everything again may help."
        ),
    ),
    (
        ("twice", "does not end", "over and over", "new beginnings", "began again", "shrank"),
        gettext_lazy(
            "The list moved while it was read. Read everything again when it is quiet. If it stays so, "
            "run `manage.py probe --account {account}`."
        ),
    ),
    (
        ("address of salesmsg is not valid", "redirect"),
        gettext_lazy("Look at `SALESMSG_BASE_URL` in the environment, then restart."),
    ),
    (
        ("secure connection", "could not be reached"),
        gettext_lazy(
            "Look whether this server can reach the internet and at `SALESMSG_BASE_URL`. It is tried again by itself."
        ),
    ),
    (("in time", "trouble of its own", "connection to salesmsg was lost"), WAIT),
    (
        ("does not know",),
        gettext_lazy(
            "Salesmsg no longer has what was asked for, or the address is wrong: look at `SALESMSG_API_VERSION`."
        ),
    ),
    (
        ("worker's log", "broke off", "again and again"),
        gettext_lazy(
            "The fault is on this side: look at the worker's log. What was read is kept; then read everything again."
        ),
    ),
)
ELSE = gettext_lazy(
    "Look for changes once more. If it comes again, look at the worker's log, or run `manage.py "
    "probe --account {account}`."
)


@dataclass(frozen=True)
class Advice:
    """What happened, in Salesmsg's or our words, and what to do."""

    what: str
    todo: str


def explain_error(error: str, account_id: int, name: str = "") -> Advice:
    """`name`: the list it happened to, if that is known; else the error may tell it in brackets, as a run does."""
    low = error.lower()
    name = name or next((one for one in SCOPES if f"({one})" in low), "")
    todo = next((words for signs, words in TABLE if any(sign in low for sign in signs)), ELSE)
    scope = _("the scope `%(scopes)s`") % {"scopes": SCOPES[name]} if name in SCOPES else SOME_SCOPE
    what = sentence(told(sentence(error.removesuffix(f" ({name})"))))
    return Advice(what, str(todo).format(scope=scope, account=account_id))
