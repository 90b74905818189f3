#!/usr/bin/python3
"""count_results.py FOLDER [BROKEN STAGE…]: sums FOLDER/STAGE/*.xml, the JUnit reports of googletest and pytest.

Prints each failed test with the first lines of its message, and of a broken stage that reports none the end of
FOLDER/STAGE.log; then `N passed, N failed`, where such a stage counts as one. They come last, for a log is often cut to
its end. Exit code 1 if anything failed.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree

MAX_TESTS = 20
MAX_MESSAGE_LINES = 4
MAX_LINES = 15
MAX_CHARACTERS = 2400  # of a line: an input of a fuzz target in base64 is as long


def failure_of(case):
    for kind in ("failure", "error"):
        if (found := case.find(kind)) is not None:
            return found
    return None


def summary(failure):
    text = (failure.get("message") or failure.text or "").strip()
    return " | ".join(text.splitlines()[:MAX_MESSAGE_LINES])


folder, broken = pathlib.Path(sys.argv[1]), sys.argv[2:]
passed = skipped = 0
failed = {stage: [] for stage in broken}
for report in folder.glob("*/*.xml"):
    for case in ElementTree.parse(report).iter("testcase"):
        if (failure := failure_of(case)) is not None:
            name = f"{case.get('classname')}.{case.get('name')}: {summary(failure)}"
            failed.setdefault(report.parent.name, []).append(name)
        elif case.find("skipped") is not None or case.get("status") == "notrun":
            skipped += 1
        else:
            passed += 1

for stage, names in failed.items():
    print(f"FAILED: {stage}")
    lines = names[:MAX_TESTS]
    if len(names) > MAX_TESTS:
        lines.append(f"and {len(names) - MAX_TESTS} more")
    log = folder / f"{stage}.log"
    if not names and log.exists():
        lines = log.read_text(errors="replace").splitlines()[-MAX_LINES:]
    for line in lines:
        print(f"  {line[:MAX_CHARACTERS]}")
total = sum(len(names) or 1 for names in failed.values())
print(f"{passed} passed, {total} failed" + (f", {skipped} skipped" if skipped else ""))
sys.exit(total > 0)
