"""Runs faults one by one, and puts the results into a table."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.faults.faults import FAULTS, Fault, Skipped
from tests.faults.product import wait_until_served
from tests.faults.verify import Verdict, verify

COLUMNS = (
    "fault", "times", "requests", "acknowledged", "lost", "doubled", "sessions ended", "failed", "hung up",
    "told to wait", "s until good",
)  # fmt: skip
# The most lines about failures.
MOST_NOTES = 20


@dataclass(frozen=True)
class Outcome:
    """The result of a fault. requests: sent ones. acknowledged: successful ones. hung_up: connections that were refused
    or lost. told_to_wait: 503 with Retry-After. failed: all other unexplained answers.
    """

    name: str
    times: int
    verdict: Verdict
    requests: int
    acknowledged: int
    failed: list[str]
    hung_up: int
    told_to_wait: int
    seconds_until_good: float | None
    log: str

    @property
    def is_bad(self) -> bool:
        return bool(self.verdict.lost or self.verdict.doubled or self.verdict.ended)

    @property
    def row(self) -> tuple[object, ...]:
        seconds = "–" if self.seconds_until_good is None else f"{self.seconds_until_good:.1f}"
        verdict = self.verdict
        return (
            self.name, self.times, self.requests, self.acknowledged, len(verdict.lost), len(verdict.doubled),
            len(verdict.ended), len(self.failed), self.hung_up, self.told_to_wait, seconds,
        )  # fmt: skip

    @property
    def notes(self) -> list[str]:
        found = {
            "lost": self.verdict.lost,
            "doubled": self.verdict.doubled,
            "session ended": self.verdict.ended,
            "failed": self.failed,
        }
        notes = [f"{what}: {each}"[:300] for what, all_of_it in found.items() for each in all_of_it[:MOST_NOTES]]
        if self.verdict.repeated:
            notes.append(
                f"{self.verdict.repeated} letters came again, with the same Message-ID: their worker was killed between"
                " the mail server's answer and its own commit"
            )
        if self.failed:
            notes += [f"log: {line}" for line in self.log.splitlines() if '"exc_info"' in line][:MOST_NOTES]
        return notes


def run(name: str, fault: Fault, times: int) -> Outcome:
    with fault.setting() as on:
        history = on.load.history
        with on.load:
            time.sleep(1)
            fault.do(on, times)
            time.sleep(1)
        calls = list(history.calls)
        wait_until_served(history.port)
        verdict = verify(on.load, on.execute, on.mails, on.worker_killed_at)
        log = "".join(web.log.read_text(errors="replace") for web in on.webs)
        return Outcome(
            name=name,
            times=times,
            verdict=verdict,
            requests=len(calls),
            acknowledged=sum(call.is_good for call in calls),
            failed=[call.said for call in calls if call.has_failed] + history.surprises,
            hung_up=sum(call.answer is None for call in calls),
            told_to_wait=sum(call.is_told_to_wait for call in calls),
            seconds_until_good=on.seconds_until_good(),
            log=log,
        )


def table(rows: Sequence[Sequence[object]]) -> str:
    """The table in Markdown."""
    cells = [[str(cell) for cell in row] for row in (COLUMNS, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def run_all(asked: Sequence[tuple[str, int]]) -> int:
    rows: list[tuple[object, ...]] = []
    is_bad = False
    for name, times in asked:
        begun = time.monotonic()
        try:
            outcome = run(name, FAULTS[name], times)
        except Skipped as reason:
            print(f"{name}: SKIPPED: {reason}", flush=True)
            rows.append((f"{name}: SKIPPED: {reason}", *["–"] * (len(COLUMNS) - 1)))
            continue
        rows.append(outcome.row)
        is_bad |= outcome.is_bad
        print(f"{name}, {time.monotonic() - begun:.0f} s: {outcome.row[2:]}", flush=True)
        for note in outcome.notes:
            print(f"    {note}", flush=True)
    print("\n" + table(rows), flush=True)
    return int(is_bad)
