"""Time limits of the tests, and waiting without events."""

import os
import re
import time

# Sanitizers and busy machines are slower: HONGYAN_TIME_SCALE multiplies every limit.
SCALE = float(os.environ.get("HONGYAN_TIME_SCALE", "1"))

# What nothing healthy takes; a test that waits longer has failed.
LIMIT = 20 * SCALE

# A deadline for calls that WeChat never answers well. The service's pauses before a repeat are 1 to 1.25 s, then 2 to
# 2.5 s, and it gives up as soon as the next one doesn't fit: the first always does, with 1.6 s left for the attempts
# before and after it, and the second never, however fast they are. Not stretched, since the pauses aren't.
ONE_REPEAT = 2.9


def _stalled():
    """For how many seconds of its life this machine had threads that waited for a processor; 0 where the kernel doesn't
    count them (pressure stall information)."""
    try:
        with open("/proc/pressure/cpu", encoding="ascii") as pressure:
            return int(re.search(r"some .*total=(\d+)", pressure.read()).group(1)) / 1e6
    except (OSError, AttributeError):
        return 0.0


class Stopwatch:
    """How long something takes. Upper limits are held against `seconds`, which leaves out the time in which threads waited
    for a processor: they say something about the program, nothing about its neighbours. Lower limits are held against
    `elapsed`."""

    def __init__(self):
        self._begun, self._stalled = time.monotonic(), _stalled()

    def elapsed(self):
        return time.monotonic() - self._begun

    def stalled(self):
        return _stalled() - self._stalled

    def seconds(self):
        return self.elapsed() - self.stalled()


def eventually(condition, limit=LIMIT, what=""):
    """Asks until `condition` is true, and answers what it said. Only for what sends no event."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"didn't happen within {limit} s: {what or condition}"
        time.sleep(0.01)
