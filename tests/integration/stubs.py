"""Python code generated from the protos, as any foreign client would generate it.

`load(folder)` runs protoc once and imports the result; later calls find the modules already imported.
HONGYAN_GRPC_PROTO_DIR names another place of grpc/health.
"""

import importlib
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import types

ROOT = pathlib.Path(__file__).resolve().parents[2]
GRPC_PROTO = os.environ.get("HONGYAN_GRPC_PROTO_DIR", "/usr/share/grpc-proto")

PROTOS = [
    "hongyan/v1/notify.proto",
    "hongyan/v1/errors.proto",
    "hongyan/v1/event.proto",
    "hongyan/v1/event_handler.proto",
    "hongyan/v1/subscriber.proto",
    "google/rpc/status.proto",
    "google/rpc/error_details.proto",
    "grpc/health/v1/health.proto",
    "grpc/reflection/v1/reflection.proto",
    "grpc/reflection/v1alpha/reflection.proto",
]


def _has(module):
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _generate(folder):
    plugin = shutil.which("grpc_python_plugin")
    assert plugin, "grpc_python_plugin is missing (package protobuf-compiler-grpc)"
    subprocess.run(
        ["protoc", f"-I{ROOT / 'protos'}", f"-I{GRPC_PROTO}", f"--python_out={folder}",
         f"--grpc_python_out={folder}", f"--plugin=protoc-gen-grpc_python={plugin}", *PROTOS], check=True)


def load(folder):
    """Everything under short names: api.pb, api.rpc, api.health, api.reflection["v1"] and so on."""
    import google
    import grpc

    # Other tests of the same session may have generated some of it; what is imported once stays.
    if not all(_has(name) for name in ("hongyan.v1.notify_pb2", "grpc.health.v1.health_pb2")):
        _generate(folder)
        sys.path.insert(0, str(folder))
        importlib.invalidate_caches()
        # google.rpc lies beside the system's google.protobuf, grpc.health beside the system's grpc.
        google.__path__.append(str(folder / "google"))
        grpc.__path__.append(str(folder / "grpc"))
    get = importlib.import_module
    return types.SimpleNamespace(
        pb=get("hongyan.v1.notify_pb2"),
        rpc=get("hongyan.v1.notify_pb2_grpc"),
        errors=get("hongyan.v1.errors_pb2"),
        events=get("hongyan.v1.event_pb2"),
        events_rpc=get("hongyan.v1.event_pb2_grpc"),
        handler=get("hongyan.v1.event_handler_pb2"),
        handler_rpc=get("hongyan.v1.event_handler_pb2_grpc"),
        subscribers=get("hongyan.v1.subscriber_pb2"),
        subscribers_rpc=get("hongyan.v1.subscriber_pb2_grpc"),
        status=get("google.rpc.status_pb2"),
        details=get("google.rpc.error_details_pb2"),
        health=get("grpc.health.v1.health_pb2"),
        health_rpc=get("grpc.health.v1.health_pb2_grpc"),
        reflection={v: get(f"grpc.reflection.{v}.reflection_pb2") for v in ("v1", "v1alpha")},
        reflection_rpc={v: get(f"grpc.reflection.{v}.reflection_pb2_grpc") for v in ("v1", "v1alpha")},
    )
