"""A thread with a picture, a place for files, and a server that keeps them."""

import struct
import zlib
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.utils import timezone

from integrations import mirror
from integrations.attachments import kinds
from integrations.models import Account, Attachment, Conversation, Message, ThreadSync
from tests import factories
from tests.mirror import vendor_records
from tests.salesmsg.conftest import Vendor


def png(width: int = 36, height: int = 24) -> bytes:
    """A whole PNG of that size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress((b"\0" + b"\x40\x80\x60" * width) * height)
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    """Where files are kept."""
    settings.MEDIA_ROOT = tmp_path / "kept"
    return settings.MEDIA_ROOT


@pytest.fixture
def server(settings):
    """What keeps the files, in the place of the API: `server.will(…)`."""
    running = Vendor()
    settings.SALESMSG_BASE_URL = running.url
    yield running
    running.close()


@pytest.fixture
def ada(db):
    """An agent of the account."""
    return factories.person("ada")


@pytest.fixture
def account(ada) -> Account:
    return factories.account("Harbor Dental", ada, created_at=timezone.now() - timedelta(days=10))


@pytest.fixture
def thread(account) -> Conversation:
    thread = factories.conversation(account)
    ThreadSync.objects.filter(conversation=thread).update(complete=False)  # its history is still to come
    return thread


@pytest.fixture
def bring(thread):
    """A message with files, as Salesmsg sends it: ``bring(7, [url], age, **wire)`` -> the message. A
    repeated one keeps its age: the vendor writes whole seconds, and two of ours may not fall in the same one."""
    now = timezone.now()

    def brought(key: int, urls: list[str], age: timedelta = timedelta(), **wire) -> Message:
        media = [{"id": key * 10 + place, "source": url} for place, url in enumerate(urls)]
        at = f"{now - age:%Y-%m-%d %H:%M:%S}"
        wire = {"conversation_id": thread.vendor_id, "type": "mms", "media": media, "created_at": at} | wire
        mirror.upsert_messages(thread, [vendor_records.message(key, **wire)])
        return Message.objects.get(vendor_id=key)

    return brought


@pytest.fixture
def picture(bring, server) -> Attachment:
    """One that waits to be fetched from the server."""
    return bring(7, [f"{server.url}/f/7.jpg"]).attachments.get()


def store(picture: Attachment, body: bytes) -> Attachment:
    """As if it had been fetched."""
    kind = kinds.detect_kind(body)
    picture.file = default_storage.save(f"pictures/2026/04/{picture.pk}-{len(body):016x}", ContentFile(body))
    picture.state, picture.due_at, picture.fetched_at = Attachment.State.STORED, None, timezone.now()
    picture.content_type, picture.size = kind.content_type, len(body)
    picture.width, picture.height = kind.width, kind.height
    picture.save()
    factories.touch(picture.message.conversation)
    return picture


def kept_files() -> list[str]:
    """The names of all files in the storage."""
    found, folders = [], ["pictures"]
    while folders:
        folder = folders.pop()
        if default_storage.exists(folder):
            inner, names = default_storage.listdir(folder)
            folders += [f"{folder}/{name}" for name in inner]
            found += [f"{folder}/{name}" for name in names]
    return sorted(found)
