"""A failed RPC as a caller can take it apart: code, message, google.rpc details, trailers."""

import grpc
import pytest

_api = None


def use(api):
    global _api
    _api = api


def metadata_of(pairs):
    return {key: value for key, value in pairs or ()}


class Failure:
    def __init__(self, code, message, status, trailers):
        self.code, self.message, self.status, self.trailers = code, message, status, trailers

    @classmethod
    def of_error(cls, error):
        trailers = metadata_of(error.trailing_metadata())
        status = None
        if "grpc-status-details-bin" in trailers:
            status = _api.status.Status.FromString(trailers["grpc-status-details-bin"])
        return cls(error.code(), error.details(), status, trailers)

    @classmethod
    def of_delivery(cls, delivery):
        """The error that a FAILED or UNKNOWN delivery of a batch holds."""
        code = next(code for code in grpc.StatusCode if code.value[0] == delivery.error.code)
        return cls(code, delivery.error.message, delivery.error, {})

    def detail(self, name):
        kind = getattr(_api.details, name)
        for any_ in self.status.details if self.status is not None else ():
            if any_.Is(kind.DESCRIPTOR):
                found = kind()
                any_.Unpack(found)
                return found
        return None

    @property
    def reason(self):
        info = self.detail("ErrorInfo")
        return info.reason if info else None

    @property
    def domain(self):
        return self.detail("ErrorInfo").domain

    @property
    def metadata(self):
        return dict(self.detail("ErrorInfo").metadata)

    @property
    def fields(self):
        found = self.detail("BadRequest")
        return [violation.field for violation in found.field_violations] if found else []

    @property
    def retry_seconds(self):
        found = self.detail("RetryInfo")
        return found.retry_delay.seconds + found.retry_delay.nanos / 1e9 if found else None

    @property
    def pushback_ms(self):
        value = self.trailers.get("grpc-retry-pushback-ms")
        return None if value is None else int(value)

    @property
    def chinese(self):
        found = self.detail("LocalizedMessage")
        assert found and found.locale == "zh-CN", self
        return found.message

    def everything(self):
        """All that a caller could print."""
        return f"{self.code} {self.message} {self.status} {self.trailers}"

    __repr__ = everything


def failure(call, *args, **kwargs):
    """Makes the call, which must fail, and answers how."""
    with pytest.raises(grpc.RpcError) as caught:
        call(*args, **kwargs)
    return Failure.of_error(caught.value)


def expect(failed, code, reason, domain="weixin.qq.com"):
    """What every error of ours has, and this code and reason."""
    assert failed.code == getattr(grpc.StatusCode, code), failed
    assert failed.reason == reason, failed
    assert failed.domain == domain, failed
    assert failed.status.code == failed.code.value[0] and failed.status.message == failed.message
    assert any("\u4e00" <= c <= "\u9fff" for c in failed.chinese), failed
    return failed
