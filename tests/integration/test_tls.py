"""TLS towards WeChat, for callers and for callbacks, with a certificate authority of our own."""

import http.client
import ssl

import grpc
import pytest

from certificates import Authority
from rpc_failure import expect, failure
from timing import LIMIT


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("ca"), "ours")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("other_ca"), "theirs")


@pytest.fixture
def https_sandbox(start_sandbox, authority):
    def begin(by=authority, **more):
        certificate, key = by.issue("sandbox", **more)
        return start_sandbox("--tls-cert", str(certificate), "--tls-key", str(key), scheme="https")
    return begin


def test_https_with_our_own_authority(https_sandbox, authority, start):
    account = https_sandbox().new_account()
    service = start(account, {"wechat": {"ca_file": str(authority.ca)}})
    openid = account.user()
    for i in range(3):
        service.send_text(openid, f"{i}")
    assert account.texts(openid) == ["0", "1", "2"]


@pytest.mark.parametrize("case", ["unknown authority", "system's authorities only", "wrong name", "expired"])
def test_N04_untrusted_certificates_are_refused_and_nothing_is_sent(https_sandbox, authority, stranger, start, case):
    more = {"unknown authority": {"by": stranger}, "wrong name": {"san": "DNS:api.weixin.qq.com"},
            "expired": {"days": -1}}.get(case, {})
    sandbox = https_sandbox(**more)
    account = sandbox.new_account()
    config = {} if case == "system's authorities only" else {"wechat": {"ca_file": str(authority.ca)}}
    service = start(account, config)
    failed = failure(service.send_text, account.user(), "x")
    expect(failed, "UNAVAILABLE", "WECHAT_UNREACHABLE", "hongyan")
    assert "nothing was sent" in failed.message
    assert any(word in failed.message.lower() for word in ("tls", "ssl", "certificate")), failed
    assert sandbox.get("counters")["requests"] == 0
    assert service.http("/readyz")[0] == 200


def test_N04_plain_http_on_the_tls_port_is_unreachable(start_sandbox, authority, start):
    sandbox = start_sandbox()
    account = sandbox.new_account()
    service = start(account, {"wechat": {"ca_file": str(authority.ca),
                                         "api_urls": [sandbox.url.replace("http:", "https:")]}})
    expect(failure(service.send_text, account.user(), "x"), "UNAVAILABLE", "WECHAT_UNREACHABLE", "hongyan")


def secure(service, root, certificate=None):
    read = lambda path: path.read_bytes() if path else None  # noqa: E731
    cert, key = certificate or (None, None)
    return grpc.ssl_channel_credentials(read(root.ca), read(key), read(cert))


def test_grpc_over_tls(start, account, authority, stranger):
    certificate, key = authority.issue("server")
    service = start(account, {"grpc": {"tls": {"cert_file": str(certificate), "key_file": str(key)}}})
    service.channel = service.new_channel(credentials=secure(service, authority))
    service.wait_until_serving()
    openid = account.user()
    service.send_text(openid, "x")
    assert account.texts(openid) == ["x"]
    # Whoever doesn't know the authority, or speaks plainly, gets nowhere.
    for channel in (service.new_channel(credentials=secure(service, stranger)), service.new_channel()):
        with pytest.raises(grpc.RpcError) as caught:
            service.stub(channel).SendText(service.text(openid, "y"), timeout=LIMIT)
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    assert account.texts(openid) == ["x"]


def test_G19_mutual_tls_refuses_clients_without_our_certificate(start, account, authority, stranger):
    certificate, key = authority.issue("server")
    service = start(account, {"grpc": {"tls": {"cert_file": str(certificate), "key_file": str(key),
                                               "client_ca_file": str(authority.ca)}}})
    service.channel = service.new_channel(credentials=secure(service, authority, authority.issue("client")))
    service.wait_until_serving()
    openid = account.user()
    service.send_text(openid, "x")
    for wrong in (None, stranger.issue("client")):
        channel = service.new_channel(credentials=secure(service, authority, wrong))
        with pytest.raises(grpc.RpcError) as caught:
            service.stub(channel).SendText(service.text(openid, "y"), timeout=LIMIT)
        assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
    service.send_text(openid, "z")
    assert account.texts(openid) == ["x", "z"]


def test_callbacks_over_https(start, account, authority):
    certificate, key = authority.issue("callback")
    service = start(account, {"callback": {"tls": {"cert_file": str(certificate), "key_file": str(key)}}})
    account.calls_back(service.callback_url.replace("http:", "https:") + "main")
    assert account.post("verify")["ok"]
    context = ssl.create_default_context(cafile=str(authority.ca))
    host, port = service.callback_address.split(":")
    connection = http.client.HTTPSConnection(host, int(port), timeout=LIMIT, context=context)
    connection.request("GET", "/wechat/callback/main")
    assert connection.getresponse().status == 400
    connection.close()
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises((ssl.SSLError, ConnectionError)):
        connection = http.client.HTTPSConnection(host, int(port), timeout=LIMIT, context=old)
        connection.request("GET", "/")
        connection.getresponse()
