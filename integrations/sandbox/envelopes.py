"""List envelopes and pagination (section 4), varied by switches (section 11)."""

import itertools
from collections.abc import Callable, Sequence
from typing import Any

from .options import Switches
from .web import Response

Write = Callable[[Any], dict]


class Envelopes:
    def __init__(self, switches: Switches):
        self._switches = switches
        self._turn = itertools.count()

    def one(self, record: dict, status: int = 200) -> Response:
        """Return a single object, wrapped in ``{data}`` if the switch is on."""
        return Response.json({"data": record} if self._switches.data_envelope else record, status)

    def bare(self, records: list[dict]) -> Response:
        return self._mixed(records, None) or Response.json(records)

    def data(self, records: list[dict]) -> Response:
        return self._mixed(records, None) or Response.json({"data": records})

    def results(self, records: list[dict]) -> Response:
        return self._mixed(records, None) or Response.json({"results": records})

    def _mixed(self, records: list[dict], meta: dict | None) -> Response | None:
        """With the mixing switch every answer takes the next of the known shapes."""
        if not self._switches.mix_envelopes:
            return None
        shapes: list[object] = [records, {"data": records}, {"results": records}]
        if meta:
            shapes.append({"data": records, "meta": meta, "links": {"next": None, "prev": None}})
        return Response.json(shapes[next(self._turn) % len(shapes)])

    def page(self, rows: Sequence, page: int, size: int, write: Write) -> Response:
        """Return ``{data, meta}`` with Laravel's keys."""
        chunk, last = self.cut(rows, page, size)
        records = [write(row) for row in chunk]
        meta = {"current_page": page, "last_page": last, "per_page": size, "total": len(rows)}
        return self._mixed(records, meta) or Response.json({"data": records, "meta": meta})

    def cut(self, rows: Sequence, page: int, size: int) -> tuple[Sequence, int]:
        """Return the rows of a page (from 1) and the last page's number. Every second page can be short."""
        short = max(1, size - max(1, size // 3)) if self._switches.short_pages else size
        pair = size + short
        start = (page - 1) // 2 * pair + (size if page % 2 == 0 else 0)
        length = short if page % 2 == 0 else size
        whole, rest = divmod(len(rows), pair)
        last = whole * 2 + (0 if rest == 0 else 1 if rest <= size else 2)
        return rows[start : start + length], max(1, last)

    def window(self, rows: Sequence, start: int, size: int) -> Sequence:
        """Return rows by ``limit`` and ``offset``. After a short page, the next offset is the start plus its length."""
        if self._switches.short_pages and size > 1 and start // size % 2 == 1:
            size -= max(1, size // 3)
        return rows[start : start + size]
