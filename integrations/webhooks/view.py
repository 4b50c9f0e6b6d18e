"""The address that is pasted at Salesmsg. There is no signature: the secret in the path is all there is."""

import json
import logging
import re
from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from .. import jobs
from ..crypto import digest
from ..models import Account, WebhookEvent
from .process import PROCESS

LARGEST = 262_144  # bytes; real events have a few thousand
REPEATED_WITHIN = timedelta(minutes=10)
PLAIN = "text/plain"
_IN_PATH = re.compile(r"(/webhooks/salesmsg/)[^/]+")


def _without_secret(record: logging.LogRecord) -> bool:
    """Django's lines about refused requests and crashes name the path, and here the path is the secret."""
    if isinstance(record.args, tuple):
        record.args = tuple(_IN_PATH.sub(r"\1…", arg) if isinstance(arg, str) else arg for arg in record.args)
    return True


for _name in ("django.request", "django.server"):
    logging.getLogger(_name).addFilter(_without_secret)


@csrf_exempt
@never_cache
def receive(request: HttpRequest, secret: str) -> HttpResponse:
    """200 for every event that could be stored, 404 for a wrong secret, 413 above the bound, 405 for odd methods."""
    account = _account(secret)
    if account is None:
        return HttpResponse("Not found.", status=404, content_type=PLAIN)
    if request.method in {"GET", "HEAD"}:
        return HttpResponse("This address is ready for Salesmsg's webhooks.", content_type=PLAIN)
    if request.method != "POST":
        return HttpResponse("POST only.", status=405, content_type=PLAIN, headers={"Allow": "GET, HEAD, POST"})
    body = _bounded_body(request)
    if body is None:
        return HttpResponse("Too large.", status=413, content_type=PLAIN)
    _keep(account, body)
    return HttpResponse("OK", content_type=PLAIN)


def _account(secret: str) -> Account | None:
    """Looked up by digest, so that the time tells nothing about the secret; then compared in constant time."""
    wanted = digest(secret)
    account = Account.objects.filter(webhook_digest=wanted).only("pk", "webhook_digest").first()
    if account is None or not constant_time_compare(account.webhook_digest, wanted):
        return None
    return account


def _bounded_body(request: HttpRequest) -> bytes | None:
    """The body, or None above the bound, of which no more than the bound is read."""
    try:
        announced = int(request.headers.get("Content-Length") or 0)
    except ValueError:
        announced = 0
    if announced > LARGEST:
        return None
    source = request
    if "CONTENT_LENGTH" not in request.META and request.META.get("wsgi.input_terminated"):
        source = request.META["wsgi.input"]  # sent in chunks, which the server joins; Django would read nothing
    body = source.read(LARGEST + 1)
    return body if len(body) <= LARGEST else None


def _keep(account: Account, body: bytes) -> None:
    text = body.decode("utf-8", errors="replace").replace("\x00", "")
    now = timezone.now()
    mark = digest(text)
    with transaction.atomic():
        # First, because it locks: of two copies at the same moment the second one sees the first.
        Account.objects.filter(pk=account.pk).update(last_event_at=now)
        repeated = WebhookEvent.objects.filter(
            account=account, digest=mark, received_at__gt=now - REPEATED_WITHIN
        ).update(repeats=F("repeats") + 1)
        if repeated:
            return
        event = WebhookEvent.objects.create(account=account, name=_name(text), body=text, digest=mark, received_at=now)
        jobs.enqueue(PROCESS, event.pk)


def _name(text: str) -> str:
    try:
        payload = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    name = payload.get("event") if isinstance(payload, dict) else None
    # JSON can spell what no database takes: NUL, and halves of a character.
    return name.encode(errors="replace").decode().replace("\x00", "")[:120] if isinstance(name, str) else ""
