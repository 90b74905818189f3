"""The tables of configuration keys, against the rules that config.proto has for each key."""

import importlib
import re
import subprocess
import sys

import pytest

from sandbox_process import ROOT

PAGES = {"docs/configuration.md": {"required": "required", "range": "{0} to {1}", "at most": "up to {1}"},
         "docs/configuration.zh-CN.md": {"required": "必填", "range": "{0} 到 {1}", "at most": "最长 {1}"}}


def keys(message, path=""):
    """Every key's path with its field, also of those in sections and lists."""
    for field in message.fields:
        here = path + field.name
        yield here, field
        if field.message_type is not None and field.message_type.full_name.startswith("hongyan."):
            is_list = field.label == field.LABEL_REPEATED
            yield from keys(field.message_type, here + ("[]." if is_list else "."))


def table(page):
    """PATH → (meaning, default, limits) of every key in the page's table."""
    rows = {}
    for line in (ROOT / page).read_text("utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if len(cells) != 4 or not re.match(r"`[a-z_]+(\[\])?\.|`token_store`", cells[0]):
            continue
        # `a.b.c`, `d`: the second is a.b.d.
        first, *more = re.findall("`([^`]+)`", cells[0])
        for name in first, *(first.rpartition(".")[0] + "." + other for other in more):
            rows[name] = [cell.strip("| ") for cell in cells[1:]]
    return rows


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """Every key's path, with its rules."""
    folder = tmp_path_factory.mktemp("config")
    files = [f"hongyan/v1/{name}.proto" for name in ("config_options", "config")]
    subprocess.run(["protoc", f"-I{ROOT}/protos", f"--python_out={folder}", *files], check=True)
    sys.path.insert(0, str(folder))
    try:
        options, proto = (importlib.import_module(f"hongyan.v1.{name}_pb2") for name in ("config_options", "config"))
    finally:
        sys.path.remove(str(folder))
    return {path: (field, field.GetOptions().Extensions[options.key_rules])
            for path, field in keys(proto.DESCRIPTOR.message_types_by_name["Config"])}


def says(cell, word):
    """Whether the word stands there by itself."""
    return re.search(rf"(?<![\w.]){re.escape(word)}(?![\w.])", cell) is not None


@pytest.mark.parametrize("page", PAGES)
def test_the_table_has_every_key_and_no_other(page, config):
    rows = table(page)
    assert set(rows) - set(config) == set()
    sections = {path.rpartition(".")[0].removesuffix("[]") for path in config}
    for path, (_, rules) in config.items():
        if path in sections or rules.unused or rules.refused or path.startswith("auth.clients"):
            continue
        if path == "callback.tls.client_ca_file":  # always refused: WeChat shows no certificate
            continue
        # A kind of reply has one row for all its keys.
        assert path in rows or path.rpartition(".")[0] in rows, path


@pytest.mark.parametrize("page", PAGES)
def test_defaults_and_limits_are_those_of_the_proto(page, config):
    words = PAGES[page]
    for path, (meaning, default, limits) in table(page).items():
        field, rules = config[path]
        if rules.required:
            assert words["required"] in default or "tls" in path, path
        for value in re.findall(r"[^\[\], {}]+", rules.default_value):
            assert says(default, value), (path, value)
        if field.type == field.TYPE_STRING:  # bytes of a text, items of a list
            assert not rules.max or says(limits, rules.max), path
        elif rules.max:
            limit = words["at most" if rules.min == "0s" else "range"]
            assert says(limits, limit.format(rules.min, rules.max)), path
        for word in rules.words:
            assert says(meaning, word), (path, word)
        if rules.or_value:
            assert says(default + limits, rules.or_value), path
