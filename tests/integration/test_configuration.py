"""The configuration file as its author meets it: what is refused, where, and with which exit code."""

import re
import resource
import socket
import subprocess

import pytest

from certificates import Authority
from sandbox_process import BIN
from service_process import without
from timing import LIMIT


@pytest.fixture(autouse=True)
def folder_of_its_own(monkeypatch, tmp_path):
    """Where a service that does start leaves its database."""
    monkeypatch.chdir(tmp_path)


def hongyand(*arguments, launcher=(), **more):
    return subprocess.run([*launcher, str(BIN / "hongyand"), *map(str, arguments)], capture_output=True, text=True,
                          timeout=LIMIT, **more)


GOOD = """\
accounts:
  - name: main
    app_id: wx0123456789abcdef
    app_secret: plainsecret
"""


@pytest.fixture
def config(tmp_path):
    def write(text):
        file = tmp_path / "c.yaml"
        file.write_text(text, encoding="utf-8")
        return file
    return write


def test_K01_bad_configuration_ends_with_2_and_names_path_and_line(config):
    file = config("grpc: {listen: 127.0.0.1:0}\nlog: {levle: info}\n" + GOOD)
    for more in ([], ["--check"]):
        done = hongyand("--config", file, *more)
        assert done.returncode == 2
        assert f"{file}:2" in done.stderr and "log.levle" in done.stderr
        assert "listening" not in done.stdout


def test_K01_every_problem_is_told(config):
    file = config("grpc: {max_in_flight: many}\nwechat: {timeout: soon}\n" + GOOD + "    send_rat: 3\n")
    done = hongyand("--config", file, "--check")
    assert done.returncode == 2
    for line, key in ((1, "grpc.max_in_flight"), (2, "wechat.timeout"), (7, "send_rat")):
        assert re.search(rf":{line}\b.*{re.escape(key)}", done.stderr), done.stderr


@pytest.mark.parametrize("arguments", [[], ["--check"]], ids=["start", "check"])
def test_K01_unreadable_files_are_told(config, tmp_path, arguments):
    launcher = without("dac_override", "dac_read_search")
    file = config(GOOD)
    file.chmod(0)
    done = hongyand("--config", file, *arguments, launcher=launcher)
    assert done.returncode == 2 and f"{file}: " in done.stderr and "Permission denied" in done.stderr, done
    # So is what the configuration refers to.
    secret = tmp_path / "secret"
    secret.write_text("hidden")
    secret.chmod(0)
    file.chmod(0o600)
    file.write_text(GOOD.replace("plainsecret", f"${{file:{secret}}}"))
    done = hongyand("--config", file, *arguments, launcher=launcher)
    assert done.returncode == 2 and f"{file}:4" in done.stderr, done
    assert str(secret) in done.stderr and "Permission denied" in done.stderr and "app_secret" in done.stderr


def test_K02_unset_variable_and_missing_file_name_themselves(config):
    file = config(GOOD.replace("plainsecret", "${HONGYAN_TEST_UNSET}"))
    done = hongyand("--config", file, "--check")
    assert done.returncode == 2 and "HONGYAN_TEST_UNSET" in done.stderr and f"{file}:4" in done.stderr
    file = config(GOOD.replace("plainsecret", "${file:/nonexistent/secret}"))
    done = hongyand("--config", file, "--check")
    assert done.returncode == 2 and "/nonexistent/secret" in done.stderr


def test_check_of_a_good_file_ends_with_0(config):
    done = hongyand("--config", config(GOOD), "--check")
    assert done.returncode == 0 and "ok" in done.stdout
    assert "plainsecret" not in done.stdout + done.stderr


def test_B04_check_names_the_folder_in_which_the_storage_cannot_be_made(config, tmp_path):
    done = hongyand("--config", config(GOOD + f"storage: {{url: 'sqlite:{tmp_path}/none/here.db'}}\n"), "--check")
    assert done.returncode == 2
    assert f"storage.url: {tmp_path}/none/here.db can't be made in the folder {tmp_path}/none: " in done.stderr


def test_missing_file_and_wrong_usage(tmp_path):
    assert hongyand("--config", tmp_path / "none.yaml").returncode == 2
    assert hongyand().returncode == 2
    assert hongyand("--config", tmp_path, "--fax").returncode == 2


def test_safe_mode_needs_its_key(config):
    file = config(GOOD + "    callback: {token: t0ken, mode: safe}\n")
    done = hongyand("--config", file, "--check")
    assert done.returncode == 2 and "encoding_aes_key" in done.stderr and "safe" in done.stderr


@pytest.mark.parametrize("listener", ["grpc", "callback", "admin"])
def test_K03_port_in_use_ends_with_1_and_names_the_key(config, listener):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        listen = {name: "127.0.0.1:0" for name in ("grpc", "callback", "admin")}
        listen[listener] = f"127.0.0.1:{taken.getsockname()[1]}"
        head = "".join(f"{name}: {{listen: {address}}}\n" for name, address in listen.items())
        done = hongyand("--config", config(head + "wechat: {api_urls: [http://127.0.0.1:1]}\n" + GOOD))
    assert done.returncode == 1, done.stderr
    assert f"{listener}.listen" in done.stderr and listen[listener] in done.stderr


@pytest.mark.parametrize("listener", ["grpc", "callback", "admin"])
def test_K03_privileged_port_ends_with_1_and_names_the_key(config, listener):
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="ascii") as first:
        port = int(first.read()) - 1
    assert port > 0, "here every port is free for everybody"
    listen = {name: "127.0.0.1:0" for name in ("grpc", "callback", "admin")}
    listen[listener] = f"127.0.0.1:{port}"
    head = "".join(f"{name}: {{listen: {address}}}\n" for name, address in listen.items())
    file = config(head + "wechat: {api_urls: [http://127.0.0.1:1]}\n" + GOOD)
    done = hongyand("--config", file, launcher=without("net_bind_service"))
    assert done.returncode == 1, done
    assert f"{listener}.listen" in done.stderr and listen[listener] in done.stderr
    assert "Permission denied" in done.stderr


@pytest.mark.parametrize("listener", ["grpc", "callback", "admin"])
def test_K03_a_name_may_mean_two_addresses_so_names_are_refused(config, listener):
    """Without looking them up: which of two addresses was meant is nobody's to guess."""
    for name in ("two-addresses.example", "localhost.localdomain", "ip6-localhost"):
        for arguments in ([], ["--check"]):
            done = hongyand("--config", config(f"{listener}: {{listen: '{name}:0'}}\n" + GOOD), *arguments)
            assert done.returncode == 2 and f"{listener}.listen" in done.stderr and name in done.stderr, done
            assert "listening" not in done.stdout


def test_K03_localhost_is_one_address_whatever_it_resolves_to(start, account):
    service = start(account, {name: {"listen": "localhost:0"} for name in ("grpc", "callback", "admin")})
    for address in (service.grpc_address, service.callback_address, service.admin_address):
        assert address.startswith("127.0.0.1:")
    assert service.listening_ports() == {int(address.rsplit(":", 1)[1]) for address in (
        service.grpc_address, service.callback_address, service.admin_address)}


def test_version_names_the_libraries():
    done = hongyand("--version")
    assert done.returncode == 0
    for word in ("hongyand ", "gRPC 1.", "protobuf 3", "Boost", "libcurl/"):
        assert word in done.stdout


def test_K04_missing_or_mismatched_certificates_are_refused(config, tmp_path):
    authority = Authority(tmp_path, "ca")
    certificate, _ = authority.issue("one")
    _, mismatched = authority.issue("two")
    free = "callback: {listen: 127.0.0.1:0}\nadmin: {listen: 127.0.0.1:0}\n"
    for key in (mismatched, tmp_path / "none.key"):
        tls = f"{{cert_file: {certificate}, key_file: {key}}}"
        file = config(f"grpc: {{listen: 127.0.0.1:0, tls: {tls}}}\n" + free
                      + "wechat: {api_urls: [http://127.0.0.1:1]}\n" + GOOD)
        done = hongyand("--config", file)
        assert done.returncode in (1, 2) and "grpc" in done.stderr, done
        assert "listening" not in done.stdout


def test_K05_W06_grpc_stays_on_loopback_unless_certificates_tell_who_calls(config, tmp_path):
    done = hongyand("--config", config("grpc: {listen: 0.0.0.0:0}\n" + GOOD), "--check")
    assert done.returncode == 2 and "grpc.listen" in done.stderr and "client_ca_file" in done.stderr
    authority = Authority(tmp_path, "ca")
    certificate, key = authority.issue("server")
    tls = f"cert_file: {certificate}, key_file: {key}"
    for more, code in (("", 2), (f", client_ca_file: {authority.ca}", 0)):
        done = hongyand("--config", config(f"grpc: {{listen: 0.0.0.0:0, tls: {{{tls}{more}}}}}\n" + GOOD), "--check")
        assert done.returncode == code and ("grpc.listen" in done.stderr) == (code == 2), done


def test_K05_W06_admin_beyond_loopback_is_a_warning(config):
    done = hongyand("--config", config("admin: {listen: 0.0.0.0:0}\n" + GOOD), "--check")
    assert done.returncode == 0 and "warning: admin.listen" in done.stderr, done


@pytest.mark.parametrize("second", [
    "  - {name: main, app_id: wx1111111111111111, app_secret: s}\n",
    "  - {name: other, app_id: wx0123456789abcdef, app_secret: s}\n",
    "  - {name: other, app_id: wx1111111111111111, app_secret: s,\n"
    "     callback: {token: t0k, path: /wechat/callback/main}}\n"],
    ids=["name", "app_id", "path"])
def test_K06_two_accounts_that_share_something_are_refused(config, second):
    done = hongyand("--config", config(GOOD + "    callback: {token: t0k}\n" + second), "--check")
    assert done.returncode == 2 and "accounts" in done.stderr


def test_loopback_http_is_allowed_for_wechat_and_no_other(config):
    for url, code in (("http://127.0.0.1:1", 0), ("http://localhost:1", 0), ("http://api.weixin.qq.com", 2),
                      ("ftp://127.0.0.1", 2)):
        done = hongyand("--config", config(f"wechat: {{api_urls: ['{url}']}}\n" + GOOD), "--check")
        assert done.returncode == code, (url, done)


def test_K10_too_few_descriptors_are_refused_at_start(config):
    """The service would otherwise find out under load, one refused callback at a time."""
    done = hongyand("--config", config(GOOD),
                    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (512, 512)))
    assert done.returncode == 2 and "callback.max_connections" in done.stderr, done.stderr


@pytest.mark.parametrize("content, word", [
    pytest.param(b"notes of another program, which nobody wants to lose" * 100, "no SQLite database",
                 id="D05-file of another program"),
    pytest.param(b"\0" * 4096, "damaged", id="D06-header of zeros"),
    pytest.param(None, "folder", id="D05-no folder")])
def test_file_that_is_no_storage_is_told_and_left_alone(config, tmp_path, content, word):
    stored = tmp_path / ("there.db" if content else "nowhere/there.db")
    if content:
        stored.write_bytes(content)
    file = config("grpc: {listen: 127.0.0.1:0}\ncallback: {listen: 127.0.0.1:0}\nadmin: {listen: 127.0.0.1:0}\n"
                  f"storage: {{url: 'sqlite:{stored}'}}\n" + GOOD)
    for arguments, code in (["--check"], 2), ([], 1):
        done = hongyand("--config", file, *arguments)
        assert done.returncode == code and done.stderr.count("storage.url: ") == 1 and word in done.stderr, done.stderr
    assert (stored.read_bytes() if content else None) == content
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["c.yaml", *(["there.db"] if content else [])])
