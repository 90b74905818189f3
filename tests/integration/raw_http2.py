"""A client of HTTP/2 that does what no library would: it stays silent, reads nothing, or stops half way."""

import socket
import struct

from timing import LIMIT

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
INITIAL_WINDOW_SIZE = 4


def frame(kind, payload=b"", flags=0, stream=0):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def settings(values=None):
    return frame(SETTINGS, b"".join(struct.pack(">HI", key, value) for key, value in (values or {}).items()))


def _literal(name, value):
    """HPACK, neither indexed nor compressed."""
    assert len(name) < 127 and len(value) < 127
    return b"\0" + bytes([len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def connect(address, source="", timeout=LIMIT):
    """A TCP connection to HOST:PORT, that says nothing yet."""
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout, (source, 0) if source else None)


def is_closed(sock):
    """Waits until the peer has closed the connection, or has sent something: then false."""
    try:
        return sock.recv(1, socket.MSG_PEEK) == b""
    except ConnectionError:
        return True


class Client:
    """A connection whose preface and SETTINGS are sent. Every server says SETTINGS first."""

    def __init__(self, address, own_settings=None, source=""):
        self.socket = connect(address, source)
        self._next_stream = 1
        self.socket.sendall(PREFACE + settings(own_settings))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, *args, **more):
        self.socket.sendall(frame(*args, **more))

    def request(self, path, message):
        """Begins a gRPC call; its stream's number."""
        stream, self._next_stream = self._next_stream, self._next_stream + 2
        head = b"".join(_literal(*pair) for pair in (
            (":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "test"),
            ("content-type", "application/grpc"), ("te", "trailers")))
        body = b"\0" + struct.pack(">I", len(message)) + message
        self.socket.sendall(frame(HEADERS, head, END_HEADERS, stream) + frame(DATA, body, END_STREAM, stream))
        return stream

    def _exactly(self, size):
        got = b""
        while len(got) < size:
            more = self.socket.recv(size - len(got))
            if not more:
                raise ConnectionResetError("closed by the peer")
            got += more
        return got

    def read(self):
        """The next frame: (kind, flags, stream, payload)."""
        head = self._exactly(9)
        size = int.from_bytes(head[:3], "big")
        return head[3], head[4], int.from_bytes(head[5:], "big"), self._exactly(size)

    def wait_for(self, wanted):
        """Reads until a frame of this kind comes."""
        while True:
            found = self.read()
            if found[0] == wanted:
                return found
            assert found[0] != GOAWAY, found
