"""Rate limit (section 3): a number of calls per sliding period. Exceeding it blocks all calls for one period."""

import threading
import time
from collections import deque


class Limit:
    """One sliding window per organisation, shared by all its tokens."""

    def __init__(self, rate: int, period: float):
        self.rate = rate
        self.period = period
        self._lock = threading.Lock()
        self._organizations: dict[int, _Window] = {}
        self.max_in_period = 0

    def admit(self, organization: int) -> bool:
        """Count a call. Return False if it must be answered with 429."""
        with self._lock:
            window = self._organizations.setdefault(organization, _Window())
            moment = time.monotonic()
            self.max_in_period = max(self.max_in_period, _push(window.arrivals, moment, self.period))
            if moment < window.blocked_until:
                return False
            if _push(window.counted, moment, self.period) > self.rate:
                window.blocked_until = moment + self.period
                return False
            return True

    def block(self, organization: int) -> None:
        """Start a block, as if another program had used up the limit."""
        with self._lock:
            window = self._organizations.setdefault(organization, _Window())
            window.blocked_until = time.monotonic() + self.period

    def blocked_for(self, organization: int) -> float:
        """Return the remaining seconds of the block, or 0."""
        with self._lock:
            window = self._organizations.get(organization)
            return max(0.0, window.blocked_until - time.monotonic()) if window else 0.0

    def reset(self) -> None:
        """Clear all counts and blocks."""
        with self._lock:
            for window in self._organizations.values():
                window.blocked_until = 0.0
                window.arrivals.clear()
                window.counted.clear()
            self.max_in_period = 0


class _Window:
    __slots__ = ("arrivals", "blocked_until", "counted")

    def __init__(self) -> None:
        self.arrivals: deque[float] = deque()  # all calls, for statistics
        self.counted: deque[float] = deque()  # calls that count; calls during a block do not extend it
        self.blocked_until = 0.0


def _push(moments: deque[float], moment: float, period: float) -> int:
    """Add a time, remove those outside the window, and return the number left."""
    moments.append(moment)
    while moments[0] <= moment - period:
        moments.popleft()
    return len(moments)
