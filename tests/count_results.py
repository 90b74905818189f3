#!/usr/bin/python3
"""count_results.py FOLDER [BROKEN STAGE…]: sums FOLDER/STAGE/*.xml, the JUnit reports of googletest and pytest.

Prints `N passed, N failed`; a broken stage that reports no failed test counts as one. Exit code 1 if anything failed.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree

folder, broken = pathlib.Path(sys.argv[1]), sys.argv[2:]
passed = skipped = 0
failed = {stage: 0 for stage in broken}
for report in folder.glob("*/*.xml"):
    for case in ElementTree.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed[report.parent.name] = failed.get(report.parent.name, 0) + 1
        elif case.find("skipped") is not None or case.get("status") == "notrun":
            skipped += 1
        else:
            passed += 1
total = sum(count or 1 for count in failed.values())
print(f"{passed} passed, {total} failed" + (f", {skipped} skipped" if skipped else ""))
sys.exit(total > 0)
