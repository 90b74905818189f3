"""The storage's file is moved, removed, replaced or shared while it is in use, or its disk is slow. The truth is what
sqlite3 reads from the files."""

import itertools
import os
import pathlib
import shutil
import signal
import subprocess
import threading
import time

import pytest

import signed_push
from sandbox_process import BIN
from service_process import to_yaml
from timing import LIMIT, SCALE, eventually

numbers = itertools.count(1)


def sqlite(file, sql):
    done = subprocess.run(["sqlite3", "-batch", "-cmd", f".timeout {int(LIMIT * 1000)}", file, sql],
                          capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 0, done
    return done.stdout.splitlines()


class Pushes:
    """Messages that WeChat pushes to a service, each of another user, and what became of them."""

    def __init__(self, account):
        self.account, self.service, self.answered = account, None, []

    def push(self, openid=None):
        number = next(numbers)
        openid = openid or f"oPusher_{number}"
        query = signed_push.signed(self.account, nonce=f"{number}")
        status, _ = signed_push.post(self.service, query, signed_push.message(openid, msg_id=number))
        if status == 200:
            self.answered.append(openid)
        return status

    def push_until(self, status):
        eventually(lambda: self.push() == status, what=f"a push is answered {status}")

    def ready(self):
        return self.service.http("/readyz")

    def await_ready(self):
        eventually(lambda: self.ready()[0] == 200, what="ready")

    def await_unready(self, *words):
        def said():
            status, body = self.ready()
            return status == 503 and all(word in body for word in words) and body
        return eventually(said, what=f"not ready: {words}")


@pytest.fixture
def begin(start, account, tmp_path):
    """begin(…): a service with a storage in a folder of its own, and its pushes."""
    folder = tmp_path / "stored"
    folder.mkdir()

    def begin(**more):
        pushes = Pushes(account)
        pushes.file = folder / "hongyan.db"
        pushes.start = lambda: start(account, {"storage": {"url": f"sqlite:{pushes.file}"}}, **more)
        pushes.service = pushes.start()
        return pushes

    return begin


def people(file):
    return sqlite(file, "SELECT openid FROM events ORDER BY seq")


def cursors(file):
    return [int(line) for line in sqlite(file, "SELECT seq FROM events ORDER BY seq")]


def test_A04_moved_database_is_told_and_used_again_when_it_is_back(begin):
    pushes = begin()
    assert [pushes.push() for _ in range(3)] == [200] * 3
    assert pushes.ready() == (200, "ready\n")
    away = pushes.file.with_name("away.db")
    pushes.file.rename(away)
    assert pushes.push() == 503
    pushes.await_unready("storage", str(pushes.file), "gone")
    left, = eventually(lambda: pushes.service.log(event="storage file was moved, removed or replaced"), what="a log line")
    assert left["level"] == "error" and left["file"] == str(pushes.file) and left["now_at"] == str(away), left
    # All that was answered is in the moved file, though its WAL stands elsewhere.
    assert people(away) == pushes.answered
    away.rename(pushes.file)
    pushes.await_ready()
    assert pushes.push() == 200
    pushes.service.stop()
    assert people(pushes.file) == pushes.answered


def test_A04_moved_database_is_noticed_without_a_push(begin):
    pushes = begin()
    assert pushes.push() == 200
    pushes.file.rename(pushes.file.with_name("away.db"))
    pushes.await_unready(str(pushes.file))


@pytest.mark.seconds(12)
@pytest.mark.parametrize("lost", [[""], ["", "-wal", "-shm"], ["", "-wal", "-shm", "-lock"]], ids=len)
def test_A04_removed_database_is_begun_anew_after_a_while_and_no_cursor_comes_twice(begin, lost):
    pushes = begin()
    assert [pushes.push() for _ in range(3)] == [200] * 3
    old = cursors(pushes.file)
    for suffix in lost:
        pathlib.Path(f"{pushes.file}{suffix}").unlink()
    removed = time.monotonic()
    assert pushes.push() == 503
    pushes.await_unready(str(pushes.file))
    kept = len(pushes.answered)
    pushes.push_until(200)
    assert time.monotonic() - removed > 4  # whoever moves files has some seconds for it
    pushes.await_ready()
    assert pushes.service.metric("hongyan_storage_lost_events_total") > 0
    assert any(line["level"] == "error" for line in pushes.service.log(event="storage lost events"))
    pushes.service.stop()
    assert people(pushes.file) == pushes.answered[kept:]
    pushes.service = pushes.start()
    assert pushes.push() == 200
    pushes.service.stop()
    assert people(pushes.file) == pushes.answered[kept:]
    new = cursors(pushes.file)
    assert min(new) > max(old) and new == sorted(set(new))


def test_A04_backup_renamed_onto_the_running_database_is_taken_over(begin):
    pushes = begin()
    assert [pushes.push() for _ in range(2)] == [200] * 2
    backup = pushes.file.with_name("backup.db")
    sqlite(pushes.file, f".backup {backup}")
    saved = list(pushes.answered)
    assert [pushes.push() for _ in range(2)] == [200] * 2
    old = cursors(pushes.file)
    backup.rename(pushes.file)
    assert pushes.push() == 503
    after = len(pushes.answered)
    pushes.push_until(200)
    pushes.await_ready()
    pushes.service.stop()
    assert people(pushes.file) == saved + pushes.answered[after:]
    assert cursors(pushes.file)[-1] > old[-1]
    assert sqlite(pushes.file, "PRAGMA integrity_check") == ["ok"]


def test_A04_foreign_file_in_the_place_of_the_database_is_refused(begin):
    pushes = begin()
    assert pushes.push() == 200
    away = pushes.file.with_name("away.db")
    pushes.file.rename(away)
    sqlite(pushes.file, "CREATE TABLE theirs (a)")
    theirs = pushes.file.read_bytes()
    pushes.await_unready(str(pushes.file), "another program")
    assert pushes.push() == 503
    assert pushes.file.read_bytes() == theirs
    away.rename(pushes.file)
    pushes.await_ready()
    assert pushes.push() == 200
    pushes.service.stop()
    assert people(pushes.file) == pushes.answered


def test_A04_folder_that_is_gone_is_told_until_it_is_back(begin):
    pushes = begin()
    assert pushes.push() == 200
    away = pushes.file.parent.with_name("away")
    pushes.file.parent.rename(away)
    pushes.await_unready("folder", str(pushes.file.parent))
    assert pushes.push() == 503 and not pushes.file.parent.exists()
    away.rename(pushes.file.parent)
    pushes.await_ready()
    assert pushes.push() == 200
    pushes.service.stop()
    assert people(pushes.file) == pushes.answered


def refusal(folder, file):
    """What a second hongyand says of this storage; it must not start."""
    config = folder / "second.yaml"
    config.write_text(to_yaml({
        "grpc": {"listen": "127.0.0.1:0"}, "callback": {"listen": "127.0.0.1:0"}, "admin": {"listen": "127.0.0.1:0"},
        "storage": {"url": f"sqlite:{file}"},
        "accounts": [{"name": "main", "app_id": "wx0123456789abcdef", "app_secret": "plainsecret"}]}), encoding="utf-8")
    done = subprocess.run([BIN / "hongyand", "--config", config], capture_output=True, text=True, timeout=LIMIT)
    assert done.returncode == 1 and "listening" not in done.stdout, done
    return done.stderr


@pytest.mark.parametrize("way", ["symbolic link", "link to the folder", "hard link", "lock file removed",
                                 "hard link and lock file removed"])
def test_A07_R08_second_process_is_refused_whatever_name_it_uses(begin, tmp_path, way):
    pushes = begin()
    assert pushes.push() == 200
    name = tmp_path / "other.db"
    if way == "symbolic link":
        name.symlink_to(pushes.file)
    elif way == "link to the folder":
        (tmp_path / "link").symlink_to(pushes.file.parent)
        name = tmp_path / "link" / "hongyan.db"
    elif "hard link" in way:
        os.link(pushes.file, name)
    else:
        name = pushes.file
    if "removed" in way:
        pathlib.Path(f"{pushes.file}-lock").unlink()
    said = refusal(tmp_path, name)
    assert "hard links" in said if "hard link" in way else "another process holds" in said, said
    assert pushes.push() == 200 and pushes.ready() == (200, "ready\n")
    pushes.service.stop()
    assert people(pushes.file) == pushes.answered


def test_A07_D09_check_shell_and_backup_beside_the_running_process_disturb_nothing(begin, tmp_path):
    pushes = begin()
    backup = tmp_path / "copy.db"
    for _ in range(3):
        assert pushes.push() == 200
        checked = subprocess.run([BIN / "hongyand", "--config", pushes.service.config_file, "--check"],
                                 env=pushes.service.env, cwd=pushes.service.folder, capture_output=True, text=True, timeout=LIMIT)
        assert checked.returncode == 0, checked
        assert people(pushes.file) == pushes.answered
        sqlite(pushes.file, f".backup {backup}")
        assert people(backup) == pushes.answered
        # Whoever was the last to close it would have removed the WAL.
        assert pathlib.Path(f"{pushes.file}-wal").exists()
    assert pushes.ready() == (200, "ready\n")


def test_sqlite_url_that_looks_like_a_host_makes_no_file(begin, tmp_path):
    config = tmp_path / "slashes.yaml"
    for url, word in (("sqlite://x.db", "two slashes"), ("sqlite:x.db?mode=ro", "parameters")):
        config.write_text(to_yaml({"storage": {"url": url}, "accounts": [
            {"name": "main", "app_id": "wx0123456789abcdef", "app_secret": "plainsecret"}]}), encoding="utf-8")
        done = subprocess.run([BIN / "hongyand", "--config", config], cwd=tmp_path, capture_output=True, text=True,
                              timeout=LIMIT)
        assert done.returncode == 2 and "storage.url" in done.stderr and word in done.stderr, done
    assert not os.path.exists("/x.db") and not list(tmp_path.glob("x.db*"))


def test_the_log_names_the_absolute_path_at_start(begin):
    pushes = begin()
    opened, = eventually(lambda: pushes.service.log(event="storage opened"), what="a log line")
    assert opened["file"] == str(pushes.file.resolve())


# --- a slow disk, and writes that fail for another reason -----------------------------------------------------------


@pytest.fixture
def slow_disk(tmp_path_factory):
    """(environment, slow(milliseconds)): how long each flush takes from now on."""
    folder = tmp_path_factory.mktemp("slow_disk")
    library, ms = folder / "slow_disk.so", folder / "ms"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library,
                    pathlib.Path(__file__).with_name("slow_disk.c")], check=True)

    def slow(milliseconds):
        fresh = ms.with_suffix(".new")
        fresh.write_text(str(milliseconds))
        fresh.rename(ms)

    slow(0)
    return {"LD_PRELOAD": str(library), "HONGYAN_TEST_FLUSH_MS": str(ms),
            # The address sanitizer wants to be first, and is satisfied with being second.
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}, slow


class Stream:
    """Pushes without end, from several at once, until it is stopped."""

    def __init__(self, pushes, at_once=8):
        self.statuses, self.going = [], True

        def run():
            while self.going:
                self.statuses.append(pushes.push())

        self.threads = [threading.Thread(target=run) for _ in range(at_once)]
        for thread in self.threads:
            thread.start()

    def stop(self):
        self.going = False
        for thread in self.threads:
            thread.join()


@pytest.mark.seconds(25)
def test_A11_D10_slow_flushes_are_not_ready_until_the_disk_is_quick_again(begin, slow_disk):
    env, slow = slow_disk
    pushes = begin(env=env)
    assert pushes.push() == 200
    slow(1500)
    stream = Stream(pushes)
    try:
        pushes.await_unready("storage")
        eventually(lambda: pushes.service.metric("hongyan_storage_oldest_write_seconds") > 1, what="a write waits")
        # It stays so while most pushes are refused.
        commits = pushes.service.metric("hongyan_storage_commits_total")
        eventually(lambda: pushes.service.metric("hongyan_storage_commits_total") >= commits + 4, what="slow transactions")
        looks = []
        end = time.monotonic() + 6
        while time.monotonic() < end:
            looks.append(pushes.ready()[0])
            time.sleep(0.1)
        # A transaction may take one flush and be in time, where pushes bunch on a busy machine: readiness may blink then.
        assert looks.count(503) > 0.8 * len(looks), looks
    finally:
        stream.stop()
    # Without a single push meanwhile: a probe finds out.
    slow(0)
    pushes.await_ready()
    assert pushes.push() == 200
    eventually(lambda: pushes.service.metric("hongyan_storage_oldest_write_seconds") == 0, what="no write waits")
    pushes.service.stop()
    assert set(pushes.answered) <= set(people(pushes.file))


def test_A11_writes_that_keep_failing_for_another_reason_are_not_ready(begin):
    pushes = begin()
    assert pushes.push() == 200
    sqlite(pushes.file, "CREATE TRIGGER broken BEFORE INSERT ON events WHEN NEW.openid LIKE 'oPusher%' "
                        "BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint failed'); END")
    failing = Stream(pushes, at_once=2)
    try:
        pushes.await_unready("storage", "writes keep failing", "UNIQUE constraint failed")
        # One that can be stored doesn't hide it.
        assert pushes.push("oElse") == 200
        assert pushes.ready()[0] == 503
    finally:
        failing.stop()
    assert set(failing.statuses) == {503}
    sqlite(pushes.file, "DROP TRIGGER broken")
    assert [pushes.push() for _ in range(3)] == [200] * 3
    pushes.await_ready()
    pushes.service.stop()
    assert people(pushes.file) == pushes.answered


def test_A11_one_odd_write_among_good_ones_is_no_ill_health(begin):
    pushes = begin()
    sqlite(pushes.file, "CREATE TRIGGER odd BEFORE INSERT ON events WHEN NEW.openid = 'oOdd' "
                        "BEGIN SELECT RAISE(ABORT, 'odd'); END")
    for _ in range(5):
        assert pushes.push("oOdd") == 503
        assert pushes.ready() == (200, "ready\n")
        assert pushes.push() == 200


@pytest.mark.seconds(15)
def test_stop_gives_up_what_waits_for_a_slow_disk_and_says_so(begin, slow_disk):
    env, slow = slow_disk
    pushes = begin(env=env)
    assert pushes.push() == 200
    slow(int(60000 * SCALE))
    assert pushes.push() == 503  # its flush goes on for a minute
    waiting = Stream(pushes, at_once=4)
    eventually(lambda: len(waiting.statuses) >= 4, what="more of them wait")
    waiting.stop()
    pushes.service.process.send_signal(signal.SIGTERM)
    # Not after a minute.
    pushes.service.process.wait(timeout=LIMIT)
    assert pushes.service.log(event="storage doesn't end: the disk doesn't answer; left as it is")
    slow(0)
    pushes.service.channels.clear()
    shutil.copy(pushes.service.err_file, pushes.service.err_file.with_suffix(".first"))
    pushes.service = pushes.start()
    assert pushes.push() == 200
    pushes.service.stop()
    assert set(pushes.answered) <= set(people(pushes.file))
