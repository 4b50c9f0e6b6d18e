"""Errors of a sync and what a person does about each: one table, the first line that fits."""

from dataclasses import dataclass

from ..salesmsg.text import sentence

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
SOME_SCOPE = "the scope of this list"
WAIT = "Nothing to do: it is tried again by itself. If it lasts for an hour, look at Salesmsg's status page."
TABLE: tuple[tuple[tuple[str, ...], str], ...] = (
    (
        ("does not allow", "not allowed", "unauthorized", "scope"),
        "The access lacks {scope}. Add it to the access at Salesmsg and to `SALESMSG_SCOPES`, then connect the account "
        "again. Everything kept here stays.",
    ),
    (
        ("encryption_keys", "decrypted", "sealed"),
        "Put the old key back into `FIELD_ENCRYPTION_KEYS` and restart, or connect the account again.",
    ),
    (
        ("connect the account again", "not connected", "refuses the token", "credential", "no credential"),
        "Connect the account again on its page. Everything kept here stays.",
    ),
    (
        ("limit of requests", "rate limit", "too many requests", "rate budget"),
        "Nothing to do: the limit frees itself, and reading goes on. If it comes often, another program uses the same "
        "access.",
    ),
    (
        ("could not be read", "unknown form", "is not whole", "web page instead", "too large"),
        "Salesmsg answered in a way that the portal does not know. Run `manage.py probe --account {account}` and share "
        "what it prints; until then, reading everything again may help.",
    ),
    (
        ("twice", "does not end", "over and over", "new beginnings", "began again", "shrank"),
        "The list moved while it was read. Read everything again when it is quiet. If it stays so, run "
        "`manage.py probe --account {account}`.",
    ),
    (("address of salesmsg is not valid", "redirect"), "Look at `SALESMSG_BASE_URL` in the environment, then restart."),
    (
        ("secure connection", "could not be reached"),
        "Look whether this server can reach the internet and at `SALESMSG_BASE_URL`. It is tried again by itself.",
    ),
    (("in time", "trouble of its own", "connection to salesmsg was lost"), WAIT),
    (
        ("does not know",),
        "Salesmsg no longer has what was asked for, or the address is wrong: look at `SALESMSG_API_VERSION`.",
    ),
    (
        ("worker's log", "broke off", "again and again"),
        "The fault is on this side: look at the worker's log. What was read is kept; then read everything again.",
    ),
)
ELSE = (
    "Look for changes once more. If it comes again, look at the worker's log, or run "
    "`manage.py probe --account {account}`."
)


@dataclass(frozen=True)
class Trouble:
    """What happened, in Salesmsg's or our words, and what to do."""

    what: str
    todo: str


def explain(error: str, account_id: int, name: str = "") -> Trouble:
    """`name`: the list it happened to, if that is known; else the error may tell it in brackets, as a run does."""
    low = error.lower()
    name = name or next((one for one in SCOPES if f"({one})" in low), "")
    todo = next((words for signs, words in TABLE if any(sign in low for sign in signs)), ELSE)
    scope = f"the scope `{SCOPES[name]}`" if name in SCOPES else SOME_SCOPE
    return Trouble(sentence(error.removesuffix(f" ({name})")), todo.format(scope=scope, account=account_id))
