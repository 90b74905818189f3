"""One sandbox a file of tests, reset before each of them. Needs HONGYAN_BIN_DIR, the folder with the binary."""

import pytest

from stand_in import APP, Receiver, Sandbox


@pytest.fixture(scope="module")
def process():
    sandbox = Sandbox()
    yield sandbox
    sandbox.stop()


@pytest.fixture
def sandbox(process):
    process.control("reset", {})
    return process


@pytest.fixture
def receiver(sandbox):
    receiver = Receiver()
    sandbox.control(
        "accounts", {"app_id": APP, "callback": {"url": receiver.url, "token": "AAAAA"}}
    )
    yield receiver
    receiver.close()
