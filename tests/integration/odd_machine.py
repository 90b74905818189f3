"""A machine of our own making for one process: slow flushes, a clock that leaps."""

import os
import pathlib
import struct
import subprocess

import pytest


class OddMachine:
    """`environment` is for the process that is to run on it; `set` works at any time."""

    def __init__(self, folder):
        self._file = folder / "machine"
        self.set()
        library = folder / "odd_machine.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library,
                        pathlib.Path(__file__).with_name("odd_machine.c"), "-ldl"], check=True)
        self.environment = {
            "LD_PRELOAD": str(library), "HONGYAN_TEST_MACHINE": str(self._file),
            # The address sanitizer wants to be first, and is satisfied with being second.
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}

    def set(self, flush_ms=0, clock_offset=0):
        with open(self._file, "r+b" if self._file.exists() else "wb", buffering=0) as file:
            file.write(struct.pack("ll", flush_ms, clock_offset))


@pytest.fixture
def odd_machine(tmp_path):
    return OddMachine(tmp_path)
