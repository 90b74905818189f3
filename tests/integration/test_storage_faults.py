"""What the storage's place can do wrong: a disk that fills up, permissions that are missing, another process."""

import hashlib
import os
import subprocess

import pytest

from sandbox_process import BIN
from service_process import to_yaml, without
from timing import LIMIT, eventually


def small_disk(folder):
    """The start of a command that runs another with two megabytes of room in `folder`. Only that process sees the disk,
    and it goes with it."""
    own = [] if os.geteuid() == 0 else ["--map-root-user"]
    return ["unshare", "--mount", *own, "sh", "-c", 'mount -t tmpfs -o size=2m none "$0" && exec "$@"', folder]


@pytest.fixture
def disk(tmp_path):
    """A folder for small_disk()."""
    folder = tmp_path / "disk"
    folder.mkdir()
    tried = subprocess.run([*small_disk(folder), "true"], capture_output=True, text=True, timeout=LIMIT)
    if tried.returncode != 0:
        pytest.skip(f"no disk of one's own may be mounted here: {tried.stderr.strip()}")
    return folder


def test_D02_full_disk_is_told_by_readyz_and_it_recovers_by_itself(start, account, api, disk):
    service = start(account, {"storage": {"url": f"sqlite:{disk}/hongyan.db"}}, launcher=small_disk(disk))
    account.calls_back(service.callback_url + "main")
    openid = account.user()
    answered = []

    def pushed(content):
        status = account.post("message", openid=openid, content=content + "x" * 1000)["push"]["status"]
        if status == 200:
            answered.append(content)
        return status

    assert pushed("before ") == 200 and service.http("/readyz")[0] == 200
    filler = f"/proc/{service.process.pid}/root{disk}/filler"
    with pytest.raises(OSError, match="No space"), open(filler, "wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    # There may be some room left in the last page of the log.
    assert any(pushed(f"during {number} ") == 503 for number in range(20))
    status, body = service.http("/readyz")
    assert status == 503 and "storage" in body and "full" in body, body
    # What needs no room goes on.
    assert service.send_text(openid, "still").attempts == 1 and account.texts(openid).count("still") == 1
    assert service.metric("hongyan_storage_failures_total") > 0

    os.remove(filler)
    eventually(lambda: service.http("/readyz")[0] == 200, what="there is room again")
    assert pushed("after ") == 200
    stub = api.events_rpc.EventServiceStub(service.channel)
    found = stub.ListEvents(api.events.ListEventsRequest(page_size=1000), timeout=LIMIT).events
    recorded = [event.text.content.rstrip("x") for event in found if event.type == "text"]
    assert len(answered) >= 2 and [content for content in recorded if content in answered] == answered


def refused(folder, url):
    """A start that must fail, and what it says. Root's right to read and write everything is taken from it."""
    config = folder / "hongyan.yaml"
    config.write_text(to_yaml({
        "grpc": {"listen": "127.0.0.1:0"}, "callback": {"listen": "127.0.0.1:0"}, "admin": {"listen": "127.0.0.1:0"},
        "storage": {"url": url},
        "accounts": [{"name": "main", "app_id": "wx0123456789abcdef", "app_secret": "plainsecret"}],
    }), encoding="utf-8")
    launcher = without("dac_override", "dac_read_search")
    done = subprocess.run([*launcher, BIN / "hongyand", "--config", config], capture_output=True, text=True,
                          timeout=LIMIT)
    assert done.returncode == 1, done
    assert "listening" not in done.stdout and done.stderr.count("storage.url: ") == 1, done
    return done.stderr


@pytest.fixture
def stored(start, account, tmp_path):
    """A database file that a service has left."""
    folder = tmp_path / "stored"
    folder.mkdir()
    file = folder / "hongyan.db"
    start(account, {"storage": {"url": f"sqlite:{file}"}}).stop()
    yield file
    folder.chmod(0o700)


def contents(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.mark.parametrize("mode", [0o000, 0o400, 0o200])
def test_D05_file_without_permission_is_told_and_left_alone(stored, tmp_path, mode):
    before = contents(stored.parent)
    stored.chmod(mode)
    said = refused(tmp_path, f"sqlite:{stored}")
    stored.chmod(0o600)
    assert str(stored) in said and "Permission denied" in said
    assert contents(stored.parent) == before


@pytest.mark.parametrize("there", [True, False], ids=["with a database", "empty"])
def test_D05_folder_that_may_only_be_read_is_told_and_left_alone(stored, tmp_path, there):
    file = stored
    if not there:
        for left in list(stored.parent.iterdir()):
            left.unlink()
        file = stored.parent / "other.db"
    elif (lock := stored.parent / "hongyan.db-lock").exists():
        lock.unlink()
    before = contents(stored.parent)
    stored.parent.chmod(0o500)
    said = refused(tmp_path, f"sqlite:{file}")
    stored.parent.chmod(0o700)
    assert str(file) in said and "Permission denied" in said
    assert contents(stored.parent) == before


def test_D09_second_process_on_the_same_storage_is_refused_and_the_first_goes_on(start, account, tmp_path):
    service = start(account)
    account.calls_back(service.callback_url + "main")
    said = refused(tmp_path, f"sqlite:{service.folder}/hongyan.db")
    assert "another process" in said
    openid = account.user()
    assert account.post("message", openid=openid, content="hi")["push"]["status"] == 200
    assert service.send_text(openid, "still").attempts == 1 and account.texts(openid).count("still") == 1
    assert service.http("/readyz") == (200, "ready\n")
