"""Fault injection with ``--fault`` or ``POST /sandbox/faults``.

| kind | effect | request takes effect? |
|---|---|---|
| slow | the response is ``seconds`` late | yes |
| 500 | ``{"message":"Server Error"}`` | no |
| 504 | the gateway's timeout response | yes |
| drop-before | connection closed without a response | no |
| drop-after | connection closed without a response | yes |
| truncate | 200 with half of the JSON and a matching length | yes |
| cut | connection closed in the middle of the response | yes |
| html | 200 with an HTML page | no |
| 429 | starts a block, as if another program had used up the limit | no |
"""

import threading
from dataclasses import asdict, dataclass
from random import Random

KINDS = ("slow", "500", "504", "drop-before", "drop-after", "truncate", "cut", "html", "429")


@dataclass(slots=True)
class Fault:
    """A fault. ``match`` is part of "METHOD path-template", such as "POST /messages"."""

    kind: str
    share: float = 1.0
    match: str = ""
    count: int | None = None
    seconds: float = 3.0
    hits: int = 0


class Faults:
    def __init__(self, seed: int):
        self._lock = threading.Lock()
        self._random = Random(f"faults/{seed}")
        self._active: list[Fault] = []

    def pick(self, endpoint: str) -> list[Fault]:
        """Return the faults for this request: all slow ones, and at most one other."""
        chosen: list[Fault] = []
        with self._lock:
            for fault in self._active:
                if fault.match not in endpoint or fault.count == 0:
                    continue
                if fault.kind != "slow" and any(other.kind != "slow" for other in chosen):
                    continue
                if self._random.random() >= fault.share:
                    continue
                fault.hits += 1
                if fault.count is not None:
                    fault.count -= 1
                chosen.append(fault)
        return chosen

    def set(self, fault: Fault) -> None:
        """Add a fault. Replaces one with the same kind and match."""
        with self._lock:
            self._active = [f for f in self._active if (f.kind, f.match) != (fault.kind, fault.match)]
            self._active.append(fault)

    def clear(self) -> None:
        with self._lock:
            self._active.clear()

    def listed(self) -> list[dict]:
        with self._lock:
            return [asdict(fault) for fault in self._active]


def parse(text: str) -> Fault:
    """Parse ``KIND[=seconds][:share[:match]]``, the format of ``--fault``. Raises ValueError."""
    kind, _, rest = text.partition(":")
    share, _, match = rest.partition(":")
    kind, _, seconds = kind.partition("=")
    return make({"kind": kind, "share": share or 1, "match": match, "seconds": seconds or 3})


def make(data: dict) -> Fault:
    """Create a fault from the fields of ``POST /sandbox/faults``. Raises ValueError."""
    kind = str(data.get("kind", "")).strip()
    if kind not in KINDS:
        raise ValueError(f"unknown fault {kind!r}: one of none, {', '.join(KINDS)}")
    share = _number(data, "share", 1.0)
    if not 0 <= share <= 1:
        raise ValueError("share is a number from 0 to 1")
    count = data.get("count")
    count = None if count in (None, "") else int(_number(data, "count", 0))
    seconds = _number(data, "seconds", 3.0)
    if not 0 <= seconds <= 600:
        raise ValueError("seconds is a number from 0 to 600")
    return Fault(kind, share, str(data.get("match") or ""), count, seconds)


def _number(data: dict, name: str, default: float) -> float:
    value = data.get(name)
    if value in (None, ""):
        return default
    try:
        return float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is a number") from None
