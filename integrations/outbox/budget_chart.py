"""The last minutes of a budget as shapes: numbers for an SVG, and the same as a table."""

from dataclasses import dataclass

from ..models import BudgetCall
from .forecast import BUCKETS, Calls

WIDTH, HEIGHT = 600, 120  # of the viewBox; one bucket is ten wide
LIMIT_AT = 12  # where the line of the limit lies
STEP = WIDTH / BUCKETS
ROWS = 10  # of the table
Lane = BudgetCall.Lane


@dataclass(frozen=True)
class Bar:
    lane: str
    x: str
    y: str
    height: str


@dataclass(frozen=True)
class Span:
    """Nobody may call."""

    x: str
    width: str


@dataclass(frozen=True)
class LaneRow:
    """A lane in the legend: calls that count now, and in all of the picture."""

    lane: str
    words: str
    now: int
    total: int
    waits: bool


@dataclass(frozen=True)
class Chart:
    bars: list[Bar]
    spans: list[Span]
    lanes: list[LaneRow]
    table: list[tuple[int, list[int], int]]  # (how many periods ago it began, calls by lane as in `lanes`, all)
    limit_at: int = LIMIT_AT
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def quiet(self) -> bool:
        """Nothing to draw."""
        return not (self.bars or self.spans)


def draw_chart(calls: Calls) -> Chart:
    """Each bar stands for the calls of one period, the one that ends with its bucket: what the limit is about."""
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
    whole = (calls.end - calls.start).total_seconds()
    found = []
    for block in calls.blocks:
        begin = max(0.0, (block.at - calls.start).total_seconds() / whole)
        end = min(1.0, (block.until - calls.start).total_seconds() / whole)
        if end > begin:
            # Whole buckets, so that a picture without news stays the same picture.
            left = int(begin * BUCKETS)
            right = min(BUCKETS, -int(-end * BUCKETS // 1))
            found.append(Span(_n(left * STEP), _n((right - left) * STEP)))
    return found


def _lanes(calls: Calls) -> list[LaneRow]:
    """All lanes that called or wait, and people's always."""
    found = []
    for lane in Lane:
        total = sum(bucket.made.get(lane.value, 0) for bucket in calls.buckets)
        now, waits = calls.lanes.get(lane.value, 0), lane.value in calls.waits
        if total or now or waits or lane == Lane.INTERACTIVE:
            found.append(LaneRow(lane.value, str(lane.label), now, total, waits))
    return found


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
    """Short, with a point whatever the language."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
