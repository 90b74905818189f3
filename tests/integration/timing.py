"""Time limits of the tests, and waiting without events."""

import os
import time

# Sanitizers and busy machines are slower: HONGYAN_TIME_SCALE multiplies every limit.
SCALE = float(os.environ.get("HONGYAN_TIME_SCALE", "1"))

# What nothing healthy takes; a test that waits longer has failed.
LIMIT = 20 * SCALE


def eventually(condition, limit=LIMIT, what=""):
    """Asks until `condition` is true, and answers what it said. Only for what sends no event."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"didn't happen within {limit} s: {what or condition}"
        time.sleep(0.01)
