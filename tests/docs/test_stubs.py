"""Stubs from protos/ as docs/stubs.md makes them, and one text sent with each.

Python's are run always, by test_pages. Go, Java and Node fetch modules from their registries for minutes,
which `scripts/test --stubs` lets them do (it sets HONGYAN_TEST_STUBS=1). Without it they take what earlier runs have left in
the languages' caches, and nothing from the network; where that isn't all they need, the test is skipped.
"""

import os
import re
import shutil
import subprocess

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet

import code_blocks
import pages
from reader import Reader, file, follow, prints
from sandbox_process import ROOT

PAGE = "docs/stubs.md"
PROTOS = ROOT / "protos"
OURS = sorted(path.relative_to(PROTOS).as_posix() for path in (PROTOS / "hongyan").rglob("*.proto"))
ALL = sorted(path.relative_to(PROTOS).as_posix() for path in PROTOS.rglob("*.proto"))
MINUTES = 15 * 60

STEPS = [
    ("Go", prints(limit=MINUTES, then="ls gen/hongyan/v1/notify_grpc.pb.go")),
    ("Go", file("shop-go/main.go")),
    ("Go", prints("accepted: 01", limit=MINUTES)),
    ("Java", file("shop-java/pom.xml")),
    ("Java", file("shop-java/src/main/java/SendText.java")),
    ("Java", prints("accepted: 01", limit=MINUTES)),
    ("Node", prints(limit=MINUTES)),
    ("Node", file("shop-node/send.js")),
    ("Node", prints("accepted: 01")),
]
TOOLS = {"Go": ["go", "protoc"], "Java": ["mvn", "javac"], "Node": ["node", "npm"]}
# What the tools say where a module is neither in the cache nor may be fetched.
NOT_CACHED = {"Go": "module lookup disabled|/cache/download/.*: no such file|no matching versions|GOPROXY=off",
              "Java": "offline mode", "Node": "ENOTCACHED"}


def stay_offline(language, reader):
    """Lets the language's tools take modules from their caches only."""
    if language == "Go":
        cache = subprocess.run(["go", "env", "GOMODCACHE"], capture_output=True, text=True, check=True).stdout.strip()
        reader.env.update(GOPROXY=f"file://{cache}/cache/download", GOSUMDB="off", GOTOOLCHAIN="local")
    elif language == "Java":
        options = reader.clone / "shop-java" / ".mvn" / "maven.config"
        options.parent.mkdir(parents=True)
        options.write_text("-o\n")
    else:
        reader.env["npm_config_offline"] = "true"


def compiled(*arguments):
    done = subprocess.run(["protoc", f"-I{PROTOS}", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_W02_the_protos_need_one_include_path(tmp_path):
    image = tmp_path / "image"
    compiled("--include_imports", "-o", str(image), *ALL)
    files = {one.name: one for one in FileDescriptorSet.FromString(image.read_bytes()).file}
    assert set(ALL) <= set(files)
    # What is imported is ours, Google's two files beside ours, or protoc's own.
    for name in ALL:
        for imported in files[name].dependency:
            assert imported in ALL or imported.startswith("google/protobuf/"), (name, imported)


def test_W02_go_finds_each_package_by_its_path(tmp_path):
    image = tmp_path / "image"
    compiled("-o", str(image), *ALL)
    packages = {one.name: one.options.go_package for one in FileDescriptorSet.FromString(image.read_bytes()).file}
    # The first part of a path that isn't Go's own has a dot.
    assert {packages[name] for name in OURS} == {"hongyan.io/hongyan/v1;hongyanv1"}
    assert packages["google/rpc/status.proto"].startswith("google.golang.org/genproto/googleapis/rpc/status;")
    assert packages["google/rpc/error_details.proto"].startswith("google.golang.org/genproto/googleapis/rpc/errdetails;")


@pytest.mark.parametrize("language, made", [("java", "io/hongyan/v1/SendTextRequest.java"), ("cpp", "hongyan/v1/notify.pb.h"),
                                            ("python", "hongyan/v1/notify_pb2.py"), ("csharp", "Notify.cs"),
                                            ("php", "Hongyan/V1/SendTextRequest.php"), ("ruby", "hongyan/v1/notify_pb.rb")])
def test_W02_protocs_own_generators_take_them(language, made, tmp_path):
    compiled(f"--{language}_out={tmp_path}", *OURS)
    assert (tmp_path / made).exists()


@pytest.mark.parametrize("language", TOOLS)
def test_W02_a_text_is_sent_with(language, tmp_path):
    missing = [tool for tool in TOOLS[language] if not shutil.which(tool)]
    if missing:
        pytest.skip(f"{', '.join(missing)} is missing")
    offline = os.environ.get("HONGYAN_TEST_STUBS") != "1"
    reader = Reader(tmp_path)
    try:
        if offline:
            stay_offline(language, reader)
        try:
            follow(PAGE, reader, [block for block in code_blocks.blocks(pages.read(PAGE)) if block.heading == language],
                   [step for step in STEPS if step[0] == language])
        except AssertionError as error:
            if offline and re.search(NOT_CACHED[language], str(error)):
                pytest.skip("modules are missing in the cache: `scripts/test --stubs` fetches them")
            raise
        chat = reader.run('curl -sS --fail "$SANDBOX/sandbox/chat?openid=$OPENID"')
        assert chat.count(f'"text":"来自 {language} 的问候"') == 1, chat
    finally:
        reader.stop()
