import time
from typing import Any

WIDTH = 30
# How often a line is written if the output is no terminal.
SECONDS = 10.0
TERMINAL_SECONDS = 0.2


class Progress:
    """The progress of a long command: a bar on a terminal, a line from time to time elsewhere.

    out: a stream of Django's commands.
    """

    def __init__(self, out: Any) -> None:
        self._out = out
        self._is_terminal = bool(out.isatty())
        self._began = time.monotonic()
        self._last = self._began
        self._has_bar = False

    def show(self, users: int, share: float | None) -> None:
        """share: how much is done, from 0 to 1; None if that is not known."""
        now = time.monotonic()
        if now - self._last < (TERMINAL_SECONDS if self._is_terminal else SECONDS):
            return
        self._last = now
        said = f"{users:,} users in {now - self._began:.0f} s, {users / (now - self._began):,.0f} a second"
        if share is not None:
            said = f"{min(share, 1):4.0%}  {said}"
            if self._is_terminal:
                filled = round(WIDTH * min(share, 1))
                said = f"[{'#' * filled}{' ' * (WIDTH - filled)}] {said}"
        self._out.write(f"\r{said}\033[K" if self._is_terminal else said, ending="" if self._is_terminal else "\n")
        self._out.flush()
        self._has_bar = self._is_terminal

    def step_aside(self) -> None:
        """Removes the bar, so that a line can be written."""
        if self._has_bar:
            self._out.write("\r\033[K", ending="")
            self._has_bar = False

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began
