"""Latency of new texts in the last day: from Salesmsg's timestamp to the portal's database."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from ..durations import span
from ..models import FreshHour
from .latency import BOUNDS

SHOWN = (2, 15, 60, 300)
WITHIN_SHARE = 0.9  # share of texts that arrived within the reported time
HOURS = 24


@dataclass(frozen=True)
class Share:
    text: str
    fraction: float

    @property
    def percent(self) -> int:
        """Rounded down, so that 100 means all."""
        return int(self.fraction * 100 + 1e-9)


@dataclass(frozen=True)
class LatencyReport:
    """Latency of `arrivals` measured texts. `within` is the 90th percentile in seconds, None beyond the last bound."""

    arrivals: int = 0
    shares: tuple[Share, ...] = ()
    within: int | None = None
    slowest: float = 0.0

    @property
    def slowest_text(self) -> str:
        return span(self.slowest)

    @property
    def text(self) -> str:
        """For example "new texts arrive within 2 s". Empty if none was measured."""
        if not self.arrivals:
            return ""
        if self.within is None:
            return _("new texts take longer than %(span)s to arrive") % {"span": span(BOUNDS[-1])}
        return _("new texts arrive within %(span)s") % {"span": span(self.within)}


def summarize_latency(hours: Iterable[FreshHour]) -> LatencyReport:
    """Add up the hours. Counts recorded with another number of bounds are padded or cut."""
    totals, arrivals, slowest = [0] * (len(BOUNDS) + 1), 0, 0.0
    for hour in hours:
        for index, count in enumerate(hour.counts[: len(totals)]):
            totals[index] += count
        arrivals += hour.arrivals
        slowest = max(slowest, hour.slowest)
    if not arrivals:
        return LatencyReport()
    cumulative, shares_by_bound = 0, {}
    for bound, count in zip(BOUNDS, totals, strict=False):
        cumulative += count
        shares_by_bound[bound] = min(1.0, cumulative / arrivals)
    within = next((bound for bound, share in shares_by_bound.items() if share >= WITHIN_SHARE), None)
    shares = tuple(Share(_("within %(span)s") % {"span": span(bound)}, shares_by_bound[bound]) for bound in SHOWN)
    return LatencyReport(arrivals, shares, within, slowest)
