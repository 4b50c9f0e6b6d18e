"""Deletes stored files without a row: their message or account was deleted, or a worker stopped while storing one."""

import time
from datetime import timedelta

from django.core.files.storage import default_storage
from django.utils import timezone

from ..models import Attachment

ROOT = "pictures"
YOUNG = timedelta(hours=1)  # newer files may not have their row yet
TURN = 1800  # seconds until the next month is checked
BATCH = 500


def prune_orphans(turn: int | None = None) -> int:
    """Sweep: deletes the orphaned files of one month's folder, each month in turn. Returns how many."""
    months = [f"{ROOT}/{year}/{month}" for year in _folders(ROOT) for month in _folders(f"{ROOT}/{year}")]
    if not months:
        return 0
    turn = int(time.time() // TURN) if turn is None else turn
    return _prune(months[turn % len(months)])


def _folders(path: str) -> list[str]:
    try:
        return sorted(default_storage.listdir(path)[0])
    except FileNotFoundError:
        return []


def _prune(folder: str) -> int:
    names = [f"{folder}/{name}" for name in default_storage.listdir(folder)[1]]
    removed = 0
    for start in range(0, len(names), BATCH):
        part = names[start : start + BATCH]
        known = set(Attachment.objects.filter(file__in=part).values_list("file", flat=True))
        for name in part:
            if name not in known and default_storage.get_modified_time(name) < timezone.now() - YOUNG:
                default_storage.delete(name)
                removed += 1
    return removed
