"""Signed public URLs from which Salesmsg downloads the pictures of a text. They expire after `LIFE`.

The API accepts URLs instead of files (salesmsg-api.md, section 5) and requests them without a session.
"""

from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.urls import reverse

from ..models import Attachment, Message

LIFE = timedelta(hours=24)
_signer = signing.TimestampSigner(salt="salesmsg_portal.enclosed", sep=".")


def signed_urls(message: Message) -> list[str]:
    """One URL per picture of an outgoing text, in order. No query if it has none."""
    if not message.carries_our_pictures:
        return []
    pictures = message.attachments.filter(ours=True).order_by("position").values_list("pk", flat=True)
    return [settings.PORTAL_URL + reverse("enclosed", args=[_signer.sign(str(pk))]) for pk in pictures]


def attachment_for_token(token: str) -> Attachment | None:
    """The picture for a token; None if the token is forged or expired, or if the text was cancelled."""
    try:
        pk = int(_signer.unsign(token, max_age=LIFE))
    except (signing.BadSignature, ValueError):
        return None
    stored = Attachment.objects.filter(pk=pk, ours=True, state=Attachment.State.STORED)
    return stored.exclude(message__state=Message.State.CANCELLED).first()
