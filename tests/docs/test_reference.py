"""The tables of metrics and of errors, against the code and the protos."""

import re

import pytest

import pages

# Where metrics are declared.
SOURCES = [path for folder in ("base", "endpoints") for path in (pages.ROOT / "server" / folder).rglob("*.*")
           if path.suffix in (".cc", ".h")]
# Reasons for what later versions do.
NOT_GIVEN_YET = {"CREDENTIALS_MISSING", "CREDENTIALS_INVALID", "SCOPE_MISSING", "DELIVERY_NOT_FOUND"}
CODE = r"\b(?:CANCELLED|UNKNOWN|INVALID_ARGUMENT|DEADLINE_EXCEEDED|NOT_FOUND|ALREADY_EXISTS|PERMISSION_DENIED|UNAUTHENTICATED|" \
    r"RESOURCE_EXHAUSTED|FAILED_PRECONDITION|ABORTED|OUT_OF_RANGE|UNIMPLEMENTED|INTERNAL|UNAVAILABLE|DATA_LOSS)\b"


def table(page, first_name):
    """The table in whose second row's first cell this name stands, without its head."""
    (found,) = [rows[1:] for rows in pages.tables(pages.read(page)) if first_name in pages.code_spans(rows[1][0])]
    return found


@pytest.mark.parametrize("page", ["docs/operations.md", "docs/operations.zh-CN.md"])
def test_every_metric_of_the_code_and_no_other(page):
    listed = [name for row in table(page, "grpc_server_handled_total") for name in pages.code_spans(row[0])]
    named = {name for path in SOURCES for name in re.findall(r'"((?:hongyan|grpc_server|process)_\w+)"', path.read_text("utf-8"))}
    assert len(named) > 30
    assert sorted(listed) == sorted({"process_*" if name.startswith("process_") else name for name in named})


@pytest.mark.parametrize("page", ["docs/api.md", "docs/api.zh-CN.md"])
def test_every_reason_of_the_proto_with_its_codes(page):
    proto = pages.read("protos/hongyan/v1/errors.proto")
    reasons = {reason: set(re.findall(CODE, comment)) for comment, reason in
               re.findall(r"((?:^ +//.*\n)+) +ERROR_REASON_(\w+) = [1-9]", proto, re.M)}
    assert len(reasons) > 35
    listed = {reason: set(re.findall(CODE, row[1])) for row in table(page, "INVALID_REQUEST") for reason in pages.code_spans(row[0])}
    assert listed == {reason: codes for reason, codes in reasons.items() if reason not in NOT_GIVEN_YET}
