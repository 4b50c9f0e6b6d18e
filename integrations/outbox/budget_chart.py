"""Chart of recent budget use: SVG coordinates, and the same data as a table."""

from dataclasses import dataclass

from ..models import BudgetCall
from .forecast import BUCKETS, Calls

WIDTH, HEIGHT = 600, 120  # of the viewBox; one bucket is 10 wide
LIMIT_AT = 12  # y coordinate of the limit line
STEP = WIDTH / BUCKETS
ROWS = 10  # in the table
Lane = BudgetCall.Lane


@dataclass(frozen=True)
class Bar:
    lane: str
    x: str
    y: str
    height: str


@dataclass(frozen=True)
class Span:
    """A time during which Salesmsg blocks all calls."""

    x: str
    width: str


@dataclass(frozen=True)
class LaneRow:
    """A lane in the legend. `now`: calls that count against the limit; `total`: calls in the whole chart."""

    lane: str
    label: str
    now: int
    total: int
    waits: bool


@dataclass(frozen=True)
class Chart:
    bars: list[Bar]
    spans: list[Span]
    lanes: list[LaneRow]
    table: list[tuple[int, list[int], int]]  # (start in periods ago, calls per lane in the order of `lanes`, total)
    limit_at: int = LIMIT_AT
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def quiet(self) -> bool:
        """Whether there is nothing to draw."""
        return not (self.bars or self.spans)


def draw_chart(calls: Calls) -> Chart:
    """The chart. Each bar shows the calls of the period that ends with its bucket, because the limit applies to it."""
    unit = (HEIGHT - LIMIT_AT) / max(1, calls.limit)
    bars = []
    for place, bucket in enumerate(calls.buckets):
        top = float(HEIGHT)
        for lane in Lane.values:
            if number := bucket.window.get(lane, 0):
                height = number * unit
                top -= height
                bars.append(Bar(lane, _n(place * STEP + 0.75), _n(top), _n(height)))
    return Chart(bars, _spans(calls), _lanes(calls), _table(calls))


def _spans(calls: Calls) -> list[Span]:
    total = (calls.end - calls.start).total_seconds()
    spans = []
    for block in calls.blocks:
        begin = max(0.0, (block.at - calls.start).total_seconds() / total)
        end = min(1.0, (block.until - calls.start).total_seconds() / total)
        if end > begin:
            # Round to whole buckets, so that the chart changes only when its data does.
            left = int(begin * BUCKETS)
            right = min(BUCKETS, -int(-end * BUCKETS // 1))
            spans.append(Span(_n(left * STEP), _n((right - left) * STEP)))
    return spans


def _lanes(calls: Calls) -> list[LaneRow]:
    """The lanes with calls or waiting work, and always the interactive lane."""
    rows = []
    for lane in Lane:
        total = sum(bucket.made.get(lane.value, 0) for bucket in calls.buckets)
        now, waits = calls.lanes.get(lane.value, 0), lane.value in calls.waits
        if total or now or waits or lane == Lane.INTERACTIVE:
            rows.append(LaneRow(lane.value, str(lane.label), now, total, waits))
    return rows


def _table(calls: Calls) -> list[tuple[int, list[int], int]]:
    size = BUCKETS // ROWS
    shown = [row.lane for row in _lanes(calls)]
    rows = []
    for place in range(0, BUCKETS, size):
        stretch = calls.buckets[place : place + size]
        counts = [sum(bucket.made.get(lane, 0) for bucket in stretch) for lane in shown]
        rows.append((ROWS - place // size, counts, sum(counts)))
    return rows


def _n(value: float) -> str:
    """Formats a coordinate with a decimal point in every language."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
