"""What tests/count_results.py says last, where a log that is cut still shows it."""

import pathlib
import subprocess

PROGRAM = pathlib.Path(__file__).parents[1] / "count_results.py"
REPORT = """<testsuites><testsuite>
<testcase classname="Suite" name="Holds"/>
<testcase classname="Suite" name="LeftOut"><skipped/></testcase>
{}
</testsuite></testsuites>"""
FAILURE = """<testcase classname="Suite" name="Breaks"><failure message="a.cc:1&#10;Expected: 1"/></testcase>"""


def count(folder, *broken):
    result = subprocess.run([PROGRAM, folder, *broken], capture_output=True, text=True, check=False)
    return result.returncode, result.stdout


def write_report(folder, cases=""):
    folder.mkdir()
    (folder / "report.xml").write_text(REPORT.format(cases))


def test_sums_the_reports(tmp_path):
    write_report(tmp_path / "dev-unit")
    write_report(tmp_path / "asan-unit")
    assert count(tmp_path) == (0, "2 passed, 0 failed, 2 skipped\n")


def test_names_what_failed_and_why(tmp_path):
    write_report(tmp_path / "dev-unit", FAILURE)
    assert count(tmp_path, "dev-unit") == (
        1,
        "FAILED: dev-unit\n  Suite.Breaks: a.cc:1 | Expected: 1\n1 passed, 1 failed, 1 skipped\n",
    )


def test_shows_the_end_of_a_stage_without_tests(tmp_path):
    (tmp_path / "fuzz.log").write_text("".join(f"line {i}\n" for i in range(100)))
    code, output = count(tmp_path, "fuzz", "lint")
    assert code == 1
    lines = output.splitlines()
    assert lines[0] == "FAILED: fuzz"
    assert lines[1:16] == [f"  line {i}" for i in range(85, 100)]
    assert lines[16:] == ["FAILED: lint", "0 passed, 2 failed"]
