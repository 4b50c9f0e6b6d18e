"""Ids and positions in ordered lists, as used in URLs."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_id(text: str) -> int | None:
    """Parse a primary key or a count from a URL. Returns None if it is invalid or too large for a database column."""
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        return None
    return number if (number := int(text)) < 2**63 else None


def parse_key(text: str) -> str | None:
    """Validate the key of a message ("5") or a note ("n5") from a browser. Returns None if it is invalid."""
    return text if parse_id(text.removeprefix("n")) is not None else None


def format_cursor(at: datetime, key: int) -> str:
    """Format a position in an ordered list for a URL."""
    return f"{(at - EPOCH) // timedelta(microseconds=1)}-{key}"


def parse_cursor(text: str) -> tuple[datetime, int] | None:
    """Parse a result of `format_cursor`. Returns None if it is invalid."""
    micros, _, key = text.partition("-")
    offset, key_number = parse_id(micros), parse_id(key)
    if offset is None or key_number is None:
        return None
    try:
        return EPOCH + timedelta(microseconds=offset), key_number
    except OverflowError:
        return None
