"""Attachments as the thread shows them: pending, stored, or unavailable with the reason."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from ...mirror.attachments import MOST
from ...models import Attachment, Message

PICTURES = (".jpg", ".jpeg", ".png", ".gif", ".webp")
LARGEST = (280, 320)  # maximum width and height of a picture in the thread, in CSS pixels
State = Attachment.State


@dataclass
class AttachmentItem:
    """One attachment. `row` is None until it has been requested. `url` is the Salesmsg URL and is never shown."""

    position: int
    url: str
    told_type: str
    row: Attachment | None
    pending: bool  # Salesmsg is still fetching it

    @property
    def state(self) -> str:
        """An `Attachment.State`, or "none" when Salesmsg gives no usable URL."""
        if self.row is not None:
            return self.row.state
        return State.WAITING if self.url or self.pending else "none"

    @property
    def asleep(self) -> bool:
        """Whether it can be fetched and has not been requested yet."""
        if self.row is None:
            return bool(self.url)
        return self.row.state == State.WAITING and self.row.due_at is None

    @property
    def is_picture(self) -> bool:
        """Whether it is a picture; a guess from the URL while the content type is unknown."""
        if self.told_type:
            return self.told_type.startswith("image/")
        return _path(self.url).endswith(PICTURES) or not self.url

    @property
    def version(self) -> str:
        """Changes when the stored file changes."""
        return self.row.file.name.rpartition("-")[2] if self.row and self.row.file else ""

    @property
    def display_size(self) -> tuple[int, int]:
        """Displayed width and height in CSS pixels; (0, 0) for files that can only be downloaded."""
        if self.row is None or not self.row.width or not self.row.height:
            return 0, 0
        scale = min(1.0, LARGEST[0] / self.row.width, LARGEST[1] / self.row.height)
        return max(1, round(self.row.width * scale)), max(1, round(self.row.height * scale))

    @property
    def shown(self) -> tuple:
        """Everything the page shows of it, for the etag."""
        row = self.row
        reason = row.reason.text if row and row.state in {State.LOST, State.REFUSED} else ""
        return self.state, self.is_picture, self.version, self.display_size, reason


def items_of_message(message: Message, rows: dict[int, Attachment]) -> list[AttachmentItem]:
    """Return the attachments of a message, in order. rows: stored attachments by position."""
    found = []
    for position, medium in enumerate(message.media[:MOST]):
        url, told_type = (str(medium.get(name) or "") for name in ("url", "content_type"))
        url = url if _is_web(url) else ""
        found.append(AttachmentItem(position, url, told_type, rows.get(position), message.media_pending))
    return found


def _is_web(url: str) -> bool:
    return url.lower().startswith(("http://", "https://"))


def _path(url: str) -> str:
    try:
        return urlsplit(url).path.lower()
    except ValueError:
        return ""
