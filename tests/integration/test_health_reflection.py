"""Health and reflection: what load balancers and grpcurl need, without any of our files."""

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from rpc_failure import metadata_of
from timing import LIMIT, eventually

SERVICES = ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
            "hongyan.v1.EventService", "hongyan.v1.NotifyService", "hongyan.v1.SubscriberService"]
versions = pytest.mark.parametrize("version", ["v1", "v1alpha"])


@pytest.mark.parametrize("name", ["", *SERVICES])
def test_check_knows_every_service(service, api, name):
    stub = api.health_rpc.HealthStub(service.channel)
    assert stub.Check(api.health.HealthCheckRequest(service=name), timeout=LIMIT).status == 1


def test_check_of_an_unknown_service_is_not_found(service, api):
    stub = api.health_rpc.HealthStub(service.channel)
    with pytest.raises(grpc.RpcError) as caught:
        stub.Check(api.health.HealthCheckRequest(service="nobody"), timeout=LIMIT)
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


NO_MESSAGE = b"\xff\xff\xff"


@pytest.mark.parametrize("method", ["Check", "Watch"])
def test_bytes_that_are_no_message_are_internal_in_health_too(service, method):
    path = f"/grpc.health.v1.Health/{method}"
    call = (service.channel.unary_unary if method == "Check" else service.channel.unary_stream)(path)
    with pytest.raises(grpc.RpcError) as caught:
        answer = call(NO_MESSAGE, timeout=LIMIT)
        list(answer)
    assert caught.value.code() == grpc.StatusCode.INTERNAL and "no protobuf message" in caught.value.details()


@versions
def test_bytes_that_are_no_message_are_internal_in_reflection_too(service, version):
    call = service.channel.stream_stream(f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo")
    with pytest.raises(grpc.RpcError) as caught:
        list(call(iter([NO_MESSAGE]), timeout=LIMIT))
    assert caught.value.code() == grpc.StatusCode.INTERNAL and "no protobuf message" in caught.value.details()


def test_watch_says_serving_at_once_and_unknown_for_others(service, api):
    for name, status in (("", 1), ("hongyan.v1.NotifyService", 1), ("nobody", 3)):
        watch = service.watch_health(name)
        assert next(watch).status == status
        watch.cancel()


class Reflection:
    def __init__(self, service, api, version):
        self.pb = api.reflection[version]
        self.stub = getattr(api.reflection_rpc[version], "ServerReflectionStub")(service.channel)

    def ask(self, *requests):
        wanted = [self.pb.ServerReflectionRequest(host="", **request) for request in requests]
        return list(self.stub.ServerReflectionInfo(iter(wanted), timeout=LIMIT))


@pytest.fixture
def reflection(service, api, version):
    return Reflection(service, api, version)


@versions
def test_reflection_lists_all_services(reflection):
    [answer] = reflection.ask({"list_services": ""})
    assert sorted(item.name for item in answer.list_services_response.service) == SERVICES


def pool_of(answers):
    """A pool of what the service has handed out, and of nothing else."""
    files = {}
    for answer in answers:
        for raw in answer.file_descriptor_response.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(raw)
            files[file.name] = file
    pool = descriptor_pool.DescriptorPool()

    def add(name):
        file = files.pop(name, None)
        if file is None:
            return
        for needed in file.dependency:
            add(needed)
        pool.Add(file)

    for name in list(files):
        add(name)
    return pool


def fetch(reflection, symbol):
    """As grpcurl does: the symbol's file, then by name what it needs."""
    answers, known = reflection.ask({"file_containing_symbol": symbol}), set()
    while True:
        files = [descriptor_pb2.FileDescriptorProto.FromString(raw) for answer in answers
                 for raw in answer.file_descriptor_response.file_descriptor_proto]
        known |= {file.name for file in files}
        missing = {name for file in files for name in file.dependency} - known
        if not missing:
            return pool_of(answers)
        answers += reflection.ask(*[{"file_by_filename": name} for name in sorted(missing)])


@versions
@pytest.mark.parametrize("name", SERVICES)
def test_descriptors_of_every_service(reflection, name):
    found = fetch(reflection, name).FindServiceByName(name)
    assert found.methods


@versions
def test_a_call_by_reflection_alone(reflection, service, main, openid):
    pool = fetch(reflection, "hongyan.v1.NotifyService")
    method = pool.FindServiceByName("hongyan.v1.NotifyService").FindMethodByName("SendText")
    request_class = message_factory.MessageFactory(pool).GetPrototype(method.input_type)
    response_class = message_factory.MessageFactory(pool).GetPrototype(method.output_type)
    call = service.channel.unary_unary("/hongyan.v1.NotifyService/SendText", request_class.SerializeToString,
                                       response_class.FromString)
    answer = call(request_class(openid=openid, content="反射"), timeout=LIMIT)
    assert answer.delivery.account == "main" and main.texts(openid) == ["反射"]


@versions
def test_the_reasons_of_errors_are_found(reflection):
    answers = reflection.ask({"file_containing_symbol": "hongyan.v1.ErrorReason"},
                             {"file_by_filename": "hongyan/v1/errors.proto"})
    for answer in answers:
        reasons = pool_of([answer]).FindEnumTypeByName("hongyan.v1.ErrorReason")
        assert "ERROR_REASON_OUTCOME_UNKNOWN" in reasons.values_by_name


@versions
def test_unknown_symbols_and_files_are_not_found_and_the_stream_goes_on(reflection):
    answers = reflection.ask({"file_containing_symbol": "no.such.Thing"}, {"file_by_filename": "no/such.proto"},
                             {"list_services": ""})
    assert [answer.error_response.error_code for answer in answers[:2]] == [5, 5]
    assert answers[2].list_services_response.service


# --- metadata of calls ------------------------------------------------------------------------------------------------


def both_ends(service, openid, metadata=None, content="x"):
    call = service.begin_text(openid, content, metadata=metadata)
    call.exception(LIMIT)
    return metadata_of(call.initial_metadata()), metadata_of(call.trailing_metadata())


def logged(service, request_id):
    return eventually(lambda: service.log(event="rpc", request_id=request_id), what="the log line")


def test_request_id_is_echoed_and_logged(service, openid):
    initial, _ = both_ends(service, openid, (("x-request-id", "req-42/a"),))
    assert initial["x-request-id"] == "req-42/a"
    [line] = logged(service, "req-42/a")
    assert line["method"] == "SendText" and line["code"] == "OK" and line["account"] == "main"


def test_request_id_is_made_when_absent_or_unusable(service, openid):
    seen = set()
    for metadata in (None, (("x-request-id", ""),), (("x-request-id", "a b"),), (("x-request-id", "x" * 129),)):
        initial, _ = both_ends(service, openid, metadata)
        assert 16 <= len(initial["x-request-id"]) <= 64 and initial["x-request-id"].isalnum()
        seen.add(initial["x-request-id"])
    assert len(seen) == 4


def test_request_id_comes_with_errors_and_streams_too(service, api):
    _, trailing = both_ends(service, "", (("x-request-id", "req-bad"),))
    assert trailing["x-request-id"] == "req-bad"
    [line] = logged(service, "req-bad")
    assert line["code"] == "InvalidArgument" and line["reason"] == "INVALID_REQUEST"
    call = service.stub().SendBatch(api.pb.SendBatchRequest(), metadata=(("x-request-id", "req-stream"),),
                                    timeout=LIMIT)
    with pytest.raises(grpc.RpcError):
        list(call)
    both = {**metadata_of(call.initial_metadata()), **metadata_of(call.trailing_metadata())}
    assert both["x-request-id"] == "req-stream"
    assert logged(service, "req-stream")


@pytest.mark.parametrize("name", ["", "hongyan.v1.NotifyService", "nobody"])
def test_request_id_comes_with_health_watches(service, api, name):
    request_id = "req-watch-" + (name or "all")
    stub = api.health_rpc.HealthStub(service.channel)
    before = service.metric("grpc_server_handled_total", grpc_service="grpc.health.v1.Health", grpc_method="Watch")
    watch = stub.Watch(api.health.HealthCheckRequest(service=name), metadata=(("x-request-id", request_id),),
                       timeout=LIMIT)
    assert next(watch).status in (1, 3)
    assert metadata_of(watch.initial_metadata())["x-request-id"] == request_id
    watch.cancel()
    [line] = logged(service, request_id)
    assert line["method"] == "Watch"
    eventually(lambda: service.metric("grpc_server_handled_total", grpc_service="grpc.health.v1.Health",
                                      grpc_method="Watch") > before, what="counted")


@versions
def test_request_id_comes_with_reflection(service, reflection, version):
    request_id = f"req-reflection-{version}"
    handled = {"grpc_service": f"grpc.reflection.{version}.ServerReflection", "grpc_code": "OK"}
    before = service.metric("grpc_server_handled_total", **handled)
    requests = iter([reflection.pb.ServerReflectionRequest(list_services="")])
    call = reflection.stub.ServerReflectionInfo(requests, metadata=(("x-request-id", request_id),), timeout=LIMIT)
    [answer] = list(call)
    assert answer.list_services_response.service
    assert metadata_of(call.initial_metadata())["x-request-id"] == request_id
    [line] = logged(service, request_id)
    assert line["method"] == "ServerReflectionInfo" and line["code"] == "OK"
    assert service.metric("grpc_server_handled_total", **handled) >= before + 1


def test_made_request_id_comes_with_health_and_reflection_too(service, api):
    call = service.watch_health()
    next(call)
    seen = [metadata_of(call.initial_metadata())["x-request-id"]]
    call.cancel()
    for version in ("v1", "v1alpha"):
        each = Reflection(service, api, version)
        call = each.stub.ServerReflectionInfo(iter([each.pb.ServerReflectionRequest(list_services="")]), timeout=LIMIT)
        list(call)
        seen.append(metadata_of(call.initial_metadata())["x-request-id"])
    assert len(set(seen)) == 3 and all(16 <= len(each) <= 64 for each in seen)


def test_traceparent_is_logged(service, openid):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    both_ends(service, openid, (("x-request-id", "req-trace"), ("traceparent", trace)))
    [line] = logged(service, "req-trace")
    assert line["traceparent"] == trace
