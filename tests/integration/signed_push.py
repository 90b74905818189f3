"""A push as WeChat makes it, signed and posted by Python alone: for what is forged, repeated or counted exactly."""

import hashlib
import http.client
import time
import urllib.parse

from timing import LIMIT

# An EncodingAESKey; its last character holds two bits too many.
AES_KEY = "kWxPEV2UEDyxWpmPdKC3F4dgPDmOvfKX1HGnEUDS1aR"


def signature(*parts):
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()


def signed(account, timestamp=None, nonce="1234567890", **more):
    """The query of a push or a verification."""
    timestamp = str(int(time.time())) if timestamp is None else timestamp
    return {"signature": signature(account.callback_token, timestamp, nonce), "timestamp": timestamp, "nonce": nonce,
            **more}


def target(query, path="/wechat/callback/main"):
    return path + "?" + urllib.parse.urlencode(query)


def ask(service, method, query, body=None, path="/wechat/callback/main"):
    """(status, body, headers) of the answer."""
    connection = http.client.HTTPConnection(service.callback_address, timeout=LIMIT)
    try:
        connection.request(method, target(query, path), body)
        response = connection.getresponse()
        return response.status, response.read(), response.headers
    finally:
        connection.close()


def post(service, query, body):
    """(status, text) of the answer."""
    status, answer, _ = ask(service, "POST", query, body)
    return status, answer.decode()


def message(openid="oX", content="hi", msg_id=1, created=1700000000, extra=""):
    """A text message in plain XML."""
    return (f"<xml><ToUserName><![CDATA[gh_x]]></ToUserName><FromUserName><![CDATA[{openid}]]></FromUserName>"
            f"<CreateTime>{created}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
            f"<Content><![CDATA[{content}]]></Content><MsgId>{msg_id}</MsgId>{extra}</xml>").encode()
