"""Fixtures of the integration tests: the real programs, driven by a foreign gRPC client.

HONGYAN_BIN_DIR names the folder of the programs (default build/dev/bin), HONGYAN_SANDBOX another sandbox than the one
there, HONGYAN_TIME_SCALE stretches all time limits.
One sandbox serves the whole session; each module has its own service and each test its own openid, so that nothing
depends on the order. What needs a configuration or a life of its own starts one with `start`.
"""

import pytest

import rpc_failure
import stubs
from event_handler import Handler
from forwarder import Forwarder
from sandbox_process import Sandbox
from service_process import Service
from stranger import Stranger


def pytest_configure(config):
    config.addinivalue_line("markers", "seconds(n): about how long it takes under the thread sanitizer, where that is long")


def pytest_collection_modifyitems(config, items):
    """The longest first, so that none is left alone at the end. xdist deals tests out in runs: a long one leads each."""
    def seconds(item):
        mark = item.get_closest_marker("seconds")
        return mark.args[0] if mark else 0

    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    long = sorted((item for item in items if seconds(item)), key=seconds, reverse=True)
    short = [item for item in items if not seconds(item)]
    run = max(len(items) // (4 * workers), 2)  # as xdist's LoadScheduling has it
    for worker in range(workers):
        short[worker * run:worker * run] = long[worker::workers]
    items[:] = short


@pytest.fixture(scope="session")
def api(tmp_path_factory):
    api = stubs.load(tmp_path_factory.mktemp("python_protos"))
    rpc_failure.use(api)
    return api


@pytest.fixture(scope="session")
def session_sandbox():
    sandbox = Sandbox()
    yield sandbox
    # U23: a good client never gives reason for a 412 or 400, whatever else went wrong in all those tests.
    violations = sandbox.violations()
    sandbox.stop()
    assert not any(violations.values()), violations


@pytest.fixture
def sandbox(session_sandbox):
    yield session_sandbox
    session_sandbox.clear_faults()


@pytest.fixture
def start_sandbox():
    """A sandbox of the test's own, for its clock, its certificate or its death."""
    started = []

    def start(*flags, **more):
        started.append(Sandbox(*flags, **more))
        return started[-1]

    yield start
    for each in started:
        each.stop()


@pytest.fixture
def account(sandbox):
    """An Official Account of the test's own, for services started with `start`."""
    return sandbox.new_account()


@pytest.fixture
def start(api, tmp_path):
    """start(account, …) or start({"main": account, …}, …): a service of the test's own."""
    started = []

    def begin(accounts, config=None, **more):
        if not isinstance(accounts, dict):
            accounts = {"main": accounts}
        folder = tmp_path / f"service{len(started)}"
        folder.mkdir()
        started.append(Service(api, folder, accounts, config, **more))
        return started[-1]

    yield begin
    for each in started:
        if each.process.returncode is None:
            each.stop()


@pytest.fixture
def start_handler(api):
    """start_handler(…): a microservice that answers users, as event_handler.Handler takes it."""
    started = []

    def begin(*args, **more):
        started.append(Handler(api, *args, **more))
        return started[-1]

    yield begin
    for each in started:
        each.stop()


@pytest.fixture
def handler(start_handler):
    return start_handler()


@pytest.fixture
def forwarder(sandbox):
    """Another address of the sandbox, whose connections a test may break."""
    forwarder = Forwarder(sandbox.port)
    yield forwarder
    forwarder.close()


@pytest.fixture
def stranger():
    stranger = Stranger()
    yield stranger
    stranger.close()


@pytest.fixture(scope="module")
def module_service(api, session_sandbox, tmp_path_factory):
    service = Service(api, tmp_path_factory.mktemp("service"), {"main": session_sandbox.new_account()})
    yield service
    service.stop()


@pytest.fixture
def service(module_service, sandbox):
    """The module's service; faults are cleared after each test."""
    return module_service


@pytest.fixture
def main(service):
    """The module service's Official Account at the sandbox."""
    return service.accounts["main"]


@pytest.fixture
def openid(main):
    """A follower whom no other test writes to."""
    return main.user()
