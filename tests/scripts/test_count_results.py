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


def test_shows_the_end_of_the_log_of_what_broke(tmp_path):
    (tmp_path / "fuzz.log").write_text("".join(f"line {i}\n" for i in range(100)))
    code, output = count(tmp_path, "fuzz", "lint")
    assert code == 1
    lines = output.splitlines()
    assert lines[:2] == ["FAILED: fuzz", "  its log ends:"]
    assert lines[2:17] == [f"  line {i}" for i in range(85, 100)]
    assert lines[17:] == ["FAILED: lint", "0 passed, 2 failed"]


def test_a_program_that_crashes_beside_one_that_fails_is_seen_in_the_log(tmp_path):
    write_report(tmp_path / "dev-unit", FAILURE)
    (tmp_path / "dev-unit.log").write_text("5 - unit_storage (SEGFAULT)\n")
    _, output = count(tmp_path, "dev-unit")
    assert "  Suite.Breaks: a.cc:1 | Expected: 1\n  its log ends:\n  5 - unit_storage (SEGFAULT)\n" in output


def test_a_report_that_was_cut_off_counts_as_a_failure(tmp_path):
    write_report(tmp_path / "dev-unit")
    (tmp_path / "dev-unit" / "cut.xml").write_text("<testsuites><testsuite><testcase")
    code, output = count(tmp_path)
    assert code == 1
    assert "  cut.xml.report: can't be read" in output and output.endswith("1 passed, 1 failed, 1 skipped\n")
