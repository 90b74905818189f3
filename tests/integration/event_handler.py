"""A microservice that answers users, as one's own would be: hongyan.v1.EventHandlerService."""

import concurrent.futures
import queue
import threading

import grpc

from timing import LIMIT


class Handler:
    """`answer(request, context)` makes the response: a HandleEventResponse, or bytes to be sent as they are."""

    def __init__(self, api, address="127.0.0.1:0", credentials=None):
        self.api = api
        self.answer = lambda request, context: api.handler.HandleEventResponse()
        self.calls = queue.Queue()  # (request, metadata)
        self.ended = queue.Queue()  # of each call whose caller is gone
        self.release = threading.Event()  # for answers that wait
        self.server = grpc.server(concurrent.futures.ThreadPoolExecutor(max_workers=64))
        method = grpc.unary_unary_rpc_method_handler(
            self._handle, api.handler.HandleEventRequest.FromString,
            lambda out: out if isinstance(out, bytes) else out.SerializeToString())
        self.server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("hongyan.v1.EventHandlerService", {"HandleEvent": method}),))
        host = address.rsplit(":", 1)[0]
        port = (self.server.add_insecure_port(address) if credentials is None
                else self.server.add_secure_port(address, credentials))
        assert port
        self.address = f"{host}:{port}"
        self.server.start()

    def _handle(self, request, context):
        def ended():
            self.ended.put(request.event.cursor)

        if not context.add_callback(ended):
            ended()  # its time had passed before this thread had its turn
        self.calls.put((request, dict(context.invocation_metadata())))
        return self.answer(request, context)

    def next_call(self):
        return self.calls.get(timeout=LIMIT)

    def no_more_calls(self):
        return self.calls.empty()

    def replies(self, **reply):
        """Answers with this reply from now on: replies(text={"content": "…"})."""
        response = self.api.handler.HandleEventResponse(**reply)
        self.answer = lambda request, context: response

    def says_when_released(self, content):
        def answer(request, context):
            assert self.release.wait(LIMIT)
            return self.api.handler.HandleEventResponse(text={"content": content})
        self.answer = answer

    def stop(self):
        self.release.set()
        self.server.stop(0).wait(LIMIT)
