"""The files of a message as its thread shows them, on their way, stored, or why not."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from ...mirror.attachments import MOST
from ...models import Attachment, Message

PICTURES = (".jpg", ".jpeg", ".png", ".gif", ".webp")
LARGEST = (280, 320)  # CSS pixels that a picture takes in a thread, at most
State = Attachment.State


@dataclass
class AttachmentItem:
    """One file; `row` is None until something asked for it. `url` is the vendor's, and never shown."""

    position: int
    url: str
    told_type: str
    row: Attachment | None
    pending: bool  # Salesmsg itself still fetches it

    @property
    def state(self) -> str:
        """A state of Picture, or "none" when Salesmsg names no address that could be asked."""
        if self.row is not None:
            return self.row.state
        return State.WAITING if self.url or self.pending else "none"

    @property
    def asleep(self) -> bool:
        """Whether it could be fetched and nobody has asked for it yet."""
        if self.row is None:
            return bool(self.url)
        return self.row.state == State.WAITING and self.row.due_at is None

    @property
    def is_picture(self) -> bool:
        """As far as it can be told before it is here."""
        if self.told_type:
            return self.told_type.startswith("image/")
        return _path(self.url).endswith(PICTURES) or not self.url

    @property
    def version(self) -> str:
        """Differs when the file does."""
        return self.row.file.name.rpartition("-")[2] if self.row and self.row.file else ""

    @property
    def box(self) -> tuple[int, int]:
        """Width and height in which it is shown; (0, 0): only for download."""
        if self.row is None or not self.row.width or not self.row.height:
            return 0, 0
        scale = min(1.0, LARGEST[0] / self.row.width, LARGEST[1] / self.row.height)
        return max(1, round(self.row.width * scale)), max(1, round(self.row.height * scale))

    @property
    def shown(self) -> tuple:
        """What the page shows of it."""
        row = self.row
        reason = row.reason if row and row.state in {State.LOST, State.REFUSED} else ""
        return self.state, self.is_picture, self.version, self.box, reason


def items_of_message(message: Message, rows: dict[int, Attachment]) -> list[AttachmentItem]:
    """The files of a message, in order. rows: by position."""
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
