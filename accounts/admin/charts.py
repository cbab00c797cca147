"""Bar charts as SVG, computed as whole numbers for a template, so that no script and no other host is needed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

WIDTH, HEIGHT = 480, 96


@dataclass(frozen=True, kw_only=True)
class Bar:
    """The values are texts, because a template would format numbers in the reader's language."""

    x: str
    y: str
    width: str
    height: str
    label: str
    number: str


@dataclass(frozen=True, kw_only=True)
class Chart:
    bars: list[Bar]
    total: str
    highest: str
    first: str
    last: str


def chart(points: Sequence[tuple[datetime, int]], label: Callable[[datetime], str]) -> Chart:
    """A bar for each point. Every value except 0 is visible, even beside a much higher one."""
    highest = max((number for _moment, number in points), default=0)
    step = WIDTH // max(len(points), 1)
    bars = []
    for index, (moment, number) in enumerate(points):
        height = max(round(HEIGHT * number / highest), 1) if number else 0
        bars.append(
            Bar(
                x=str(index * step),
                y=str(HEIGHT - height),
                width=str(step - 2),
                height=str(height),
                label=label(moment),
                number=grouped(number),
            )
        )
    total = sum(number for _moment, number in points)
    return Chart(bars=bars, total=grouped(total), highest=grouped(highest), first=bars[0].label, last=bars[-1].label)


def grouped(number: int) -> str:
    """12345 as "12 345", with a narrow space that does not break (ISO 80000-1)."""
    return f"{number:,}".replace(",", "\N{NARROW NO-BREAK SPACE}")
