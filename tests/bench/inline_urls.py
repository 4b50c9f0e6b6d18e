"""What one would write first: a webhook that is processed before it is answered. For bench_webhooks alone."""

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from integrations import jobs
from integrations.crypto import digest
from integrations.models import ThreadSync, WebhookEvent
from integrations.sync import thread_refresh
from integrations.webhooks import process, store
from integrations.webhooks.payload import read_subject
from integrations.webhooks.views import receive
from salesmsg_portal.urls import urlpatterns as portal


def _no_worker(*_, **__) -> None:
    """Nothing is left for later."""


# Nor does it know of our way to wait for SQLite, which would be in the way of its own other threads.
store.soon = transaction.atomic
jobs.enqueue = jobs.enqueue_each = jobs.wake = _no_worker


@csrf_exempt
def inline(request: HttpRequest, secret: str) -> HttpResponse:
    """Keeps the event, then does all that follows from it, then answers."""
    mark = digest(request.body.decode("utf-8", errors="replace").replace("\x00", ""))
    answer = receive(request, secret)
    event = WebhookEvent.objects.filter(digest=mark, state=WebhookEvent.State.NEW).order_by("pk").first()
    if answer.status_code == 200 and event is not None:
        process.process_event(event.pk)
        named = read_subject(event.body).conversation_id
        due = ThreadSync.objects.filter(conversation__vendor_id=named, due_at__lte=timezone.now())
        for conversation_id in due.values_list("conversation_id", flat=True) if named else ():
            thread_refresh.refresh_thread(conversation_id)
    return answer


urlpatterns = [path("webhooks/salesmsg/<str:secret>/", inline), *portal]
