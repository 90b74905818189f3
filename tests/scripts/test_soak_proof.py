"""What scripts/soak finds wrong at the end."""

import pathlib
import sqlite3
import sys
from collections import Counter

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "soak"))

import proof  # noqa: E402


def test_texts_that_went_as_they_were_told():
    told = {"a": "sent", "b": "unknown", "c": "unknown", "d": "not sent", "e": "unheard"}
    assert proof.texts(told, Counter(a=1, b=1)) == []


def test_texts_that_were_lost_doubled_or_denied():
    told = {"a": "sent", "b": "sent", "c": "not sent"}
    assert proof.texts(told, Counter(b=2, c=1, d=1)) == [
        "a never came, told sent", "b came 2 times, told sent", "c came, told not sent", "d came, and nobody had sent it"]


def test_a_service_that_was_away():
    assert proof.outage({"a": "sent", "b": "not sent"}) == []
    assert proof.outage({"a": "sent", "b": "not sent", "c": "unheard"}) == ["only 1 of 3 texts were sent"]


def test_pushes_in_the_database(tmp_path):
    path = tmp_path / "hongyan.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE events (event_type, body)")
    connection.executemany("INSERT INTO events VALUES (?, ?)", [
        ("text", "<Content>push 1;</Content>"), ("text", b"<Content>push 2;</Content>"), ("text", "push 2;"),
        ("click", "push 3;")])
    connection.commit()
    connection.close()
    assert proof.stored(path) == Counter({"push 1;": 1, "push 2;": 2})


def test_pushes_that_were_lost_doubled_or_not_read():
    assert proof.pushes({"a"}, Counter(a=1, b=1), Counter(a=1, b=1)) == []
    assert proof.pushes({"a"}, Counter(), Counter(a=1)) == ["a is stored 0 times", "a reached the reader and is not stored"]
    assert proof.pushes({"a"}, Counter(a=1), Counter()) == ["a didn't reach the reader"]
    assert proof.pushes(set(), Counter(b=2), Counter(b=2)) == ["b is stored 2 times", "b reached the reader 2 times"]


def refused(seconds):
    return [(0.0, 0.1, True)] + [(float(second), second + 0.1, False) for second in range(1, seconds)] + [
        (seconds, seconds + 0.1, True)]


def probes(seconds, status):
    return [(float(second), second + 0.1, status) for second in range(seconds)]


def test_ready_while_no_push_was_taken():
    assert len(proof.readiness(refused(15), probes(15, 200))) == 1
    assert proof.readiness(refused(15), probes(15, 503)) == []
    assert proof.readiness(refused(15), probes(15, 0)) == []
    assert proof.readiness(refused(5), probes(5, 200)) == [], "too short to be seen"
    # Under way the whole time, and taken.
    assert proof.readiness([*refused(15), (0.5, 8.0, True)], probes(15, 200)) == []


def test_growth():
    assert proof.growth((50.0, 12, 30), (59.0, 14, 40)) == []
    assert len(proof.growth((50.0, 12, 30), (61.0, 20, 90))) == 3
