"""What must hold after a soak, told by others than the service itself: the sandbox's ledger, the database read by sqlite3,
the kernel."""

import re
import sqlite3
from collections import Counter

# The service may need so long to see what is wrong: the limit of a recording is two seconds.
NOTICE = 4
# A stretch of refused pushes is long enough to be judged when it lasts so long.
STRETCH = 6


def texts(told, count):
    """Texts that were lost, came twice, or came although they were said not to have been sent."""
    wrong = []
    for content, what in told.items():
        arrived = count[content]
        if arrived > 1:
            wrong.append(f"{content} came {arrived} times, told {what}")
        elif what == "sent" and arrived == 0:
            wrong.append(f"{content} never came, told {what}")
        elif what == "not sent" and arrived:
            wrong.append(f"{content} came, told {what}")
    unasked = [content for content in count if content not in told]
    return wrong + [f"{content} came, and nobody had sent it" for content in unasked]


def outage(told):
    """Attacks may cost texts, but not most of them: then the service has been away."""
    sent = sum(what == "sent" for what in told.values())
    return [f"only {sent} of {len(told)} texts were sent"] if sent < len(told) / 2 else []


def stored(path):
    """How often each push is in the database."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        check = connection.execute("PRAGMA integrity_check").fetchone()[0]
        assert check == "ok", check
        found = Counter()
        for (body,) in connection.execute("SELECT body FROM events WHERE event_type = 'text'"):
            text = body.decode() if isinstance(body, bytes) else body
            found.update(re.findall(r"push [0-9]+;", text))
        return found
    finally:
        connection.close()


def pushes(taken, found, seen):
    """Acknowledged pushes that are not stored exactly once, or didn't reach the reader."""
    wrong = [f"{content} is stored {found[content]} times" for content in taken if found[content] != 1]
    wrong += [f"{content} is stored {times} times" for content, times in found.items()
              if times > 1 and content not in taken]
    wrong += [f"{content} didn't reach the reader" for content in taken if content not in seen]
    wrong += [f"{content} reached the reader {times} times" for content, times in seen.items() if times > 1 and content]
    wrong += [f"{content} reached the reader and is not stored" for content in seen if content and not found[content]]
    return wrong


def readiness(pushed, ready):
    """Stretches in which no push was taken while /readyz said that they could be. `pushed` has (begun, ended, taken)."""
    wrong, stretch = [], []
    for begun, ended, taken in [*sorted(pushed), (float("inf"), float("inf"), True)]:
        if not taken:
            stretch.append((begun, ended))
            continue
        if len(stretch) >= 5:
            first, last = stretch[0][0], max(end for _, end in stretch)
            # A push that was taken in between was under way for long; it ends the stretch, for it says that some were.
            good = [end for start, end, ok in pushed if ok and first < end < last]
            inside = [status for start, end, status in ready if start > first + NOTICE and end < last]
            if last - first >= STRETCH and not good and len(inside) >= 3 and all(status == 200 for status in inside):
                wrong.append(f"{len(stretch)} pushes in {last - first:.0f} s were refused, and /readyz said 200 {len(inside)} times")
        stretch = []
    return wrong


def growth(start, end):
    """What grew too far between two (resident MB, threads, descriptors)."""
    wrong = []
    if end[0] > 1.2 * start[0]:
        wrong.append(f"resident memory grew from {start[0]:.1f} to {end[0]:.1f} MB")
    if end[1] > start[1] + 4:
        wrong.append(f"threads grew from {start[1]} to {end[1]}")
    if end[2] > start[2] + 16:
        wrong.append(f"descriptors grew from {start[2]} to {end[2]}")
    return wrong
