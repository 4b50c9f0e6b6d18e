"""How fresh: how long the new texts of the last day took from Salesmsg's time to our cache, as they were measured."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from ..durations import span
from ..models import FreshHour
from .latency import BOUNDS

SHOWN = (2, 15, 60, 300)
MOST = 0.9  # of the texts: what the first line of the page promises
HOURS = 24


@dataclass(frozen=True)
class Share:
    words: str
    fraction: float

    @property
    def percent(self) -> int:
        """Never rounded up: 100 means all."""
        return int(self.fraction * 100 + 1e-9)


@dataclass(frozen=True)
class LatencyReport:
    """arrivals: texts measured. within: seconds in which nine of ten were here; None when no bound holds so many."""

    arrivals: int = 0
    shares: tuple[Share, ...] = ()
    within: int | None = None
    slowest: float = 0.0

    @property
    def slowest_words(self) -> str:
        return span(self.slowest)

    @property
    def words(self) -> str:
        """ "new texts are here within 2 s"; empty while none was measured."""
        if not self.arrivals:
            return ""
        if self.within is None:
            return _("new texts take longer than %(span)s") % {"span": span(BOUNDS[-1])}
        return _("new texts are here within %(span)s") % {"span": span(self.within)}


def summarize_latency(hours: Iterable[FreshHour]) -> LatencyReport:
    """Adds the hours up; counts of a length that is not known are stretched or cut."""
    totals, arrivals, slowest = [0] * (len(BOUNDS) + 1), 0, 0.0
    for hour in hours:
        for place, count in enumerate(hour.counts[: len(totals)]):
            totals[place] += count
        arrivals += hour.arrivals
        slowest = max(slowest, hour.slowest)
    if not arrivals:
        return LatencyReport()
    reached, sums = 0, {}
    for bound, count in zip(BOUNDS, totals, strict=False):
        reached += count
        sums[bound] = min(1.0, reached / arrivals)
    within = next((bound for bound, part in sums.items() if part >= MOST), None)
    shares = tuple(Share(_("within %(span)s") % {"span": span(bound)}, sums[bound]) for bound in SHOWN)
    return LatencyReport(arrivals, shares, within, slowest)
