"""The webhook endpoint. Events have no signature, so the secret in the path is the only protection."""

import logging
import re

from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from ..crypto import digest
from ..models import Account
from .store import EventWriter

LARGEST = 262_144  # bytes; real events have a few thousand
PLAIN = "text/plain"
writer = EventWriter()
_IN_PATH = re.compile(r"(/webhooks/salesmsg/)[^/]+")


def _without_secret(record: logging.LogRecord) -> bool:
    """Remove the secret from Django's log lines about refused requests and errors, which contain the path."""
    if isinstance(record.args, tuple):
        record.args = tuple(_IN_PATH.sub(r"\1…", arg) if isinstance(arg, str) else arg for arg in record.args)
    return True


for _name in ("django.request", "django.server"):
    logging.getLogger(_name).addFilter(_without_secret)


@csrf_exempt
@never_cache
def receive(request: HttpRequest, secret: str) -> HttpResponse:
    """Store an event. Returns 200 if stored, 404 for a wrong secret, 413 if too large, 405 for other methods."""
    account_id = _account(secret)
    if account_id is None:
        return HttpResponse("Not found.", status=404, content_type=PLAIN)
    if request.method in {"GET", "HEAD"}:
        return HttpResponse("This address is ready for Salesmsg's webhooks.", content_type=PLAIN)
    if request.method != "POST":
        return HttpResponse("POST only.", status=405, content_type=PLAIN, headers={"Allow": "GET, HEAD, POST"})
    body = _bounded_body(request)
    if body is None:
        return HttpResponse("Too large.", status=413, content_type=PLAIN)
    writer.write(account_id, body)
    return HttpResponse("OK", content_type=PLAIN)


def _account(secret: str) -> int | None:
    """Look up the account by digest, so that timing reveals nothing about the secret, then compare in constant time."""
    wanted = digest(secret)
    found = Account.objects.filter(webhook_digest=wanted).order_by().values_list("pk", "webhook_digest").first()
    return found[0] if found and constant_time_compare(found[1], wanted) else None


def _bounded_body(request: HttpRequest) -> bytes | None:
    """Return the body, or None if it exceeds the limit; never reads more than the limit."""
    try:
        announced = int(request.headers.get("Content-Length") or 0)
    except ValueError:
        announced = 0
    if announced > LARGEST:
        return None
    source = request
    if "CONTENT_LENGTH" not in request.META and request.META.get("wsgi.input_terminated"):
        source = request.META["wsgi.input"]  # chunked body, joined by the server; Django would read nothing
    body = source.read(LARGEST + 1)
    return body if len(body) <= LARGEST else None
