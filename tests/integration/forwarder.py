"""A TCP peer in front of another, which does to connections what a network or a front does.

One thread owns all sockets: a connection that a second thread waits for could not be reset.
"""

import queue
import selectors
import socket
import struct
import threading

from timing import LIMIT

PASS = "pass"    # bytes go both ways
HANG = "hang"    # takes what comes, and is silent
RESET = "reset"  # resets the connection once a request came
BAD_GATEWAY = "bad gateway"

_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n"


class Forwarder:
    def __init__(self, port):
        self.requests = 0  # as far as they begin with what was read at once
        self._upstream = ("127.0.0.1", port)
        self._mode = PASS
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._peers = {}  # client's socket → upstream's, and the reverse
        self._clients = set()
        self._orders = queue.SimpleQueue()
        self._wake, self._woken = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        for sock, what in ((self._listener, self._accept), (self._woken, self._obey)):
            self._selector.register(sock, selectors.EVENT_READ, what)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def become(self, mode):
        self._order(lambda: setattr(self, "_mode", mode))

    def reset_connections(self):
        """Resets each connection of a client, whatever it is doing."""
        self._order(lambda: [self._end(sock, reset=True) for sock in list(self._clients)])

    def close(self):
        self._order(None)
        self._thread.join()

    def _order(self, what):
        done = threading.Event()
        self._orders.put((what, done))
        self._wake.send(b"x")
        assert done.wait(LIMIT)

    def _run(self):
        self._running = True
        while self._running:
            for key, _ in self._selector.select():
                if key.fileobj.fileno() >= 0:  # else it ended with another one of this turn
                    key.data(key.fileobj)
        for sock in [*self._clients, *self._peers, self._listener, self._wake, self._woken]:
            sock.close()
        self._selector.close()

    def _obey(self, sock):
        sock.recv(4096)
        while not self._orders.empty():
            what, done = self._orders.get()
            if what is None:
                self._running = False
            else:
                what()
            done.set()

    def _accept(self, listener):
        client, _ = listener.accept()
        self._clients.add(client)
        self._selector.register(client, selectors.EVENT_READ, self._from_client)

    def _from_client(self, client):
        data = self._read(client)
        if not data:
            return self._end(client)
        self.requests += data.startswith((b"GET ", b"POST "))
        if self._mode == RESET:
            self._end(client, reset=True)
        elif self._mode == BAD_GATEWAY:
            client.sendall(_BAD_GATEWAY)
        elif self._mode == PASS:
            if client not in self._peers:
                upstream = socket.create_connection(self._upstream, LIMIT)
                self._peers[client], self._peers[upstream] = upstream, client
                self._selector.register(upstream, selectors.EVENT_READ, self._from_upstream)
            self._peers[client].sendall(data)

    def _from_upstream(self, upstream):
        data = self._read(upstream)
        if not data:
            return self._end(self._peers[upstream])
        self._peers[upstream].sendall(data)

    @staticmethod
    def _read(sock):
        try:
            return sock.recv(1 << 20)
        except OSError:
            return b""

    def _end(self, client, reset=False):
        upstream = self._peers.pop(client, None)
        self._peers.pop(upstream, None)
        self._clients.discard(client)
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        for sock in filter(None, (client, upstream)):
            self._selector.unregister(sock)
            sock.close()
