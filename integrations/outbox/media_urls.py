"""The public addresses from which Salesmsg gets the pictures of a text: unguessable, and good for a day.

Salesmsg takes no files, only addresses (salesmsg-api.md, section 5), and asks for them without our session.
"""

from datetime import timedelta

from django.conf import settings
from django.core import signing
from django.urls import reverse

from ..models import Attachment, Message

LIFE = timedelta(hours=24)
_signer = signing.TimestampSigner(salt="salesmsg_portal.enclosed", sep=".")


def signed_urls(message: Message) -> list[str]:
    """One for each picture of a text of ours, in order. No query where it carries none."""
    if not message.carries_our_pictures:
        return []
    found = message.attachments.filter(ours=True).order_by("position").values_list("pk", flat=True)
    return [settings.PORTAL_URL + reverse("enclosed", args=[_signer.sign(str(pk))]) for pk in found]


def attachment_for_token(token: str) -> Attachment | None:
    """The picture that a token names; None for a forged or old one, and for one whose text was taken back."""
    try:
        pk = int(_signer.unsign(token, max_age=LIFE))
    except (signing.BadSignature, ValueError):
        return None
    found = Attachment.objects.filter(pk=pk, ours=True, state=Attachment.State.STORED)
    return found.exclude(message__state=Message.State.CANCELLED).first()
