"""Keys and places in ordered lists, as addresses carry them."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_id(text: str) -> int | None:
    """A primary key or a count out of an address; None for anything else, and for what no column can hold."""
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        return None
    return found if (found := int(text)) < 2**63 else None


def parse_key(text: str) -> str | None:
    """The key of a message ("5") or of a note ("n5") as a browser tells it; None for anything else."""
    return text if parse_id(text.removeprefix("n")) is not None else None


def format_cursor(at: datetime, key: int) -> str:
    """A place in an ordered list, for an address."""
    return f"{(at - EPOCH) // timedelta(microseconds=1)}-{key}"


def parse_cursor(text: str) -> tuple[datetime, int] | None:
    """The way back from `cursor`; None for anything else."""
    micros, _, key = text.partition("-")
    past, order = parse_id(micros), parse_id(key)
    if past is None or order is None:
        return None
    try:
        return EPOCH + timedelta(microseconds=past), order
    except OverflowError:
        return None
