"""What was kept, and what to do about a reason."""

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .codes import Code

# The scope of Salesmsg that a list needs (salesmsg-api.md, sections 2.4 and 5).
_SCOPES = {
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

_ALL_KEPT = _("Everything already read is kept.")
_KEPT: dict[str, str | Promise] = dict.fromkeys(
    (
        Code.NOT_ALLOWED,
        Code.UNDECRYPTABLE,
        Code.NOT_CONNECTED,
        Code.TOKEN_REFUSED,
        Code.TOKEN_RENEWAL_REFUSED,
        Code.CREDENTIAL_REFUSED,
        Code.STEP_NEVER_ENDED,
        Code.STEP_INTERRUPTED,
    ),
    _ALL_KEPT,
)


def _advice(words: str | Promise, *codes: str) -> dict[str, str | Promise]:
    return dict.fromkeys(codes, words)


_ADVICE: dict[str, str | Promise] = {
    **_advice(
        _(
            "The access token lacks %(scope)s. Add it to the token in Salesmsg and to `SALESMSG_SCOPES`, then connect "
            "the account again."
        ),
        Code.NOT_ALLOWED,
        Code.CONVERSATION_NOT_ALLOWED,
    ),
    **_advice(
        _("Put the old key back into `FIELD_ENCRYPTION_KEYS` and restart the portal, or connect the account again."),
        Code.UNDECRYPTABLE,
    ),
    **_advice(
        _("Connect the account again on its page."),
        Code.NOT_CONNECTED,
        Code.TOKEN_REFUSED,
        Code.TOKEN_RENEWAL_REFUSED,
        Code.CREDENTIAL_REFUSED,
        Code.NO_REFRESH_TOKEN,
        Code.TOKEN_MALFORMED,
    ),
    **_advice(
        _(
            "You don't need to do anything: the limit resets by itself and reading continues. If this happens often, "
            "another program uses the same access."
        ),
        Code.RATE_LIMITED,
        Code.NO_BUDGET,
    ),
    **_advice(
        _(
            "The portal does not know this form of answer. Run `manage.py probe --account %(account)s` and share what "
            "it prints. Until then, a full sync may help."
        ),
        Code.UNREADABLE,
        Code.ANSWER_TOO_LARGE,
        Code.ANSWER_IS_HTML,
        Code.ANSWER_INCOMPLETE,
        Code.ANSWER_WITHOUT_ID,
        Code.ANSWER_WITHOUT_TOKEN,
        Code.ANSWER_FORM_UNKNOWN,
    ),
    **_advice(
        _(
            "The list changed while it was read. Start a full sync at a quiet time. If the problem stays, run "
            "`manage.py probe --account %(account)s`."
        ),
        Code.LIST_ENDLESS,
        Code.LIST_REPEATS_PAGE,
        Code.LIST_CIRCLES,
        Code.LIST_SHRANK,
        Code.LIST_INCOMPLETE,
        Code.THREAD_REPEATS_PAGE,
        Code.THREAD_ENDLESS,
    ),
    **_advice(
        _("Check `SALESMSG_BASE_URL` in the environment, then restart the portal."),
        Code.BAD_ADDRESS,
        Code.REDIRECTED,
    ),
    **_advice(
        _("Check `SALESMSG_TOKEN_URL` and `SALESMSG_REFRESH_URL` in the environment, then restart the portal."),
        Code.TOKEN_ADDRESS_INVALID,
        Code.TOKEN_ADDRESS_INSECURE,
    ),
    **_advice(
        _(
            "Check that this server can reach the internet, and check `SALESMSG_BASE_URL`. The portal tries again by "
            "itself."
        ),
        Code.TLS_FAILED,
        Code.UNREACHABLE,
        Code.TOKEN_CHECK_FAILED,
        Code.TOKEN_RENEWAL_FAILED,
    ),
    **_advice(
        _(
            "You don't need to do anything: the portal tries again by itself. If the problem lasts for an hour, check "
            "Salesmsg's status page."
        ),
        Code.TIMED_OUT,
        Code.SERVER_ERROR,
        Code.CONNECTION_LOST,
    ),
    **_advice(
        _("Salesmsg no longer has this record, or the address is wrong: check `SALESMSG_API_VERSION`."),
        Code.NOT_FOUND,
    ),
    **_advice(
        _("The fault is in the portal: check the worker's log, then start a full sync."),
        Code.STEP_INTERRUPTED,
        Code.STEP_NEVER_ENDED,
    ),
}
_ADVICE_ELSE = _(
    "Check for changes once more. If the problem comes back, check the worker's log or run `manage.py probe --account "
    "%(account)s`."
)


def what_was_kept(code: str) -> str:
    """Return what the fault did not touch; "" if nothing was at risk."""
    return str(_KEPT.get(code, ""))


def what_to_do(code: str, account_id: int, list_name: str) -> str:
    """Return what the user can do. list_name: the list of the sync, "" if unknown. Code is in `backticks`."""
    scopes = _SCOPES.get(list_name)
    scope = gettext("the scope `%(scopes)s`") % {"scopes": scopes} if scopes else gettext("the scope of this list")
    return str(_ADVICE.get(code, _ADVICE_ELSE)) % {"scope": scope, "account": account_id}
