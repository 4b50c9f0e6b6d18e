"""Who may import whom. A failure names the line; the rules and their reasons are in README.md, “The house”."""

import pytest

from .imports import APP, sources, violations

HOUSE = sources("integrations", "salesmsg_portal")
MODULES = frozenset(HOUSE)


def test_imports_go_downwards_only():
    found = [words for name, (source, package) in HOUSE.items() for words in violations(source, name, package, MODULES)]
    assert not found, "\n" + "\n".join(found)


# Modules that the examples below speak of, whether or not they are called so today.
TOLD = (
    *("sync.runner", "sync.request", "outbox.deliver", "gateway", "tokens", "budget", "tasks", "crypto", "sandbox.web"),
    *("salesmsg.text", "salesmsg.http", "salesmsg.client", "inbox.thread.views", "mirror.diff"),
)


@pytest.mark.parametrize(
    ("module", "source", "words"),
    [
        ("models.contact", "import requests", "network"),
        ("sync.runner", "from urllib import request", "network"),
        ("salesmsg.http", "from django.conf import settings", "knows neither"),
        ("salesmsg.http", "from ..models import Account", "knows neither"),
        ("sandbox.web", "from ..salesmsg import text", "stands alone"),
        ("sandbox.web", "from .. import crypto", "stands alone"),
        ("outbox.deliver", "from ..sandbox import web", "only its command"),
        ("sync.runner", "def f():\n    from django_q.tasks import async_task", "queue"),
        ("admin.contact", "from django_q.models import Task", "queue"),
        ("outbox.deliver", "from integrations.tasks import send", "nobody does"),
        ("models.account", "from ..tokens import current_token", "a floor above"),
        ("tokens", "from .gateway import door", "a floor above"),
        ("mirror.messages", "from ..sync import request", "a floor above"),
        ("outbox.deliver", "from ..sync.runner import step", "a room beside"),
        ("sync.runner", "from ..outbox.deliver import send", "a floor above"),
        ("outbox.compose", "from .views import page", "a floor above"),
        ("outbox.deliver", "from ..contacts.push_changes import push", "a room beside"),
        ("inbox.thread.views", "from ...gateway import door", "cache only"),
        ("accounts.views", "from .. import tokens", "cache only"),
        ("admin.contact", "from ..budget import take", "cache only"),
        ("sync.runner", "from ..salesmsg.client import Client", "only records"),
        ("sync.runner", "from ..salesmsg.client import Client\ndef f(c: Client): Client()", "only records"),
        ("outbox.deliver", "from ..salesmsg import http", "only records"),
        ("tokens", "from .salesmsg.client import Client", "only records"),
        ("sync.runner", "from ..mirror.diff import _upsert", "private"),
        ("sync.runner", "from ..mirror import diff\ndiff._upsert()", "private"),
        ("attic.chest", "from ..models import Account", "no floor"),
    ],
)
def test_the_rule_notices(module, source, words):
    known = MODULES | {f"{APP}.{name}" for name in TOLD}
    found = violations(source, f"{APP}.{module}", modules=frozenset(known))
    assert any(words in sentence for sentence in found), found


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("gateway", "from .salesmsg.client import Client\nfrom . import tokens, budget"),
        ("tokens", "from .salesmsg.oauth import Tokens"),
        ("accounts.connect", "from .. import gateway\nfrom ..sync import request"),
        (
            "inbox.thread.views",
            "from ...outbox.compose import reply\nfrom . import queries\nfrom ...access import manages",
        ),
        ("management.commands.sandbox", "from integrations.sandbox.cli import main"),
        ("jobs", "from django_q.tasks import async_task"),
        ("admin.contact", "from ..contacts import profile_changes\nfrom ..salesmsg.text import national"),
        ("inbox.urls", "from . import views"),
        ("sync.runner", "if TYPE_CHECKING:\n    from ..salesmsg.client import Client"),
        ("sync.runner", "from ..salesmsg.client import Client\ndef f(c: Client) -> list[Client]: c.user()"),
        ("salesmsg.http", "import requests\nfrom .errors import NotFound"),
    ],
)
def test_the_rule_lets_pass(module, source):
    known = MODULES | {
        f"{APP}.{name}"
        for name in ("sync.request", "outbox.compose", "contacts.profile_changes", "inbox.thread.queries")
    }
    assert violations(source, f"{APP}.{module}", modules=frozenset(known)) == []
