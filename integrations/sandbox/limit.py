"""The vendor's limit (section 3): so many calls in any period, one more blocks everything for a period."""

import threading
import time
from collections import deque


class Limit:
    """Sliding window per organisation; all its tokens share it."""

    def __init__(self, rate: int, period: float):
        self.rate = rate
        self.period = period
        self._lock = threading.Lock()
        self._organizations: dict[int, _Window] = {}
        self.max_in_period = 0

    def admit(self, organization: int) -> bool:
        """Note a call that arrives now; False if it must get 429."""
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
        """Start a block out of the blue, as if another program had used the budget up."""
        with self._lock:
            window = self._organizations.setdefault(organization, _Window())
            window.blocked_until = time.monotonic() + self.period

    def blocked_for(self, organization: int) -> float:
        """Seconds that the block still lasts."""
        with self._lock:
            window = self._organizations.get(organization)
            return max(0.0, window.blocked_until - time.monotonic()) if window else 0.0

    def reset(self) -> None:
        """Forget what came and lift every block."""
        with self._lock:
            for window in self._organizations.values():
                window.blocked_until = 0.0
                window.arrivals.clear()
                window.counted.clear()
            self.max_in_period = 0


class _Window:
    __slots__ = ("arrivals", "blocked_until", "counted")

    def __init__(self) -> None:
        self.arrivals: deque[float] = deque()  # everything that came, for the record
        self.counted: deque[float] = deque()  # what counts: a call during a block does not prolong it
        self.blocked_until = 0.0


def _push(moments: deque[float], moment: float, period: float) -> int:
    """Add a moment, drop those that left the window, and say how many are in it."""
    moments.append(moment)
    while moments[0] <= moment - period:
        moments.popleft()
    return len(moments)
