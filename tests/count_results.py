#!/usr/bin/python3
"""count_results.py FOLDER [BROKEN STAGE…]: sums FOLDER/STAGE/*.xml, the JUnit reports of googletest and pytest.

Prints each failed test with the first lines of its message, and the end of the log of each broken stage,
FOLDER/STAGE.log; then `N passed, N failed`, where a stage that broke without a failed test counts as one, and so does a
report that can't be read. They come last, for a log is often cut to its end. Exit code 1 if anything failed.
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


def cases_of(report):
    try:
        return list(ElementTree.parse(report).iter("testcase"))
    except ElementTree.ParseError as error:
        case = ElementTree.Element("testcase", classname=report.name, name="report")
        ElementTree.SubElement(case, "failure", message=f"can't be read, so the program may have crashed: {error}")
        return [case]


folder, broken = pathlib.Path(sys.argv[1]), sys.argv[2:]
passed = skipped = 0
failed = {stage: [] for stage in broken}
for report in sorted(folder.glob("*/*.xml")):
    for case in cases_of(report):
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
    if stage in broken and log.exists():
        lines += ["its log ends:", *log.read_text(errors="replace").splitlines()[-MAX_LINES:]]
    for line in lines:
        print(f"  {line[:MAX_CHARACTERS]}")
total = sum(len(names) or 1 for names in failed.values())
print(f"{passed} passed, {total} failed" + (f", {skipped} skipped" if skipped else ""))
sys.exit(total > 0)
