#include "server/endpoints/grpc/reflection.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <grpc/reflection/v1/reflection.pb.h>
#include <grpc/reflection/v1alpha/reflection.pb.h>
#include <grpcpp/support/status_code_enum.h>

#include <set>
#include <utility>

#include "hongyan/v1/errors.pb.h"

namespace hongyan::endpoints {
namespace {

namespace reflection = grpc::reflection;
using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

constexpr int kMaxStreams = 200;

// A file and all it imports, each once.
template <typename Response>
void AddFile(const FileDescriptor* file, std::set<const FileDescriptor*>& seen,
             Response* response) {
  if (!seen.insert(file).second) return;
  google::protobuf::FileDescriptorProto proto;
  file->CopyTo(&proto);
  response->add_file_descriptor_proto(proto.SerializeAsString());
  for (int i = 0; i < file->dependency_count(); ++i) AddFile(file->dependency(i), seen, response);
}

template <typename Response>
void NotFound(const std::string& what, Response& response) {
  response.mutable_error_response()->set_error_code(grpc::StatusCode::NOT_FOUND);
  response.mutable_error_response()->set_error_message(what + " not found");
}

template <typename Response>
void AnswerFile(const FileDescriptor* file, const std::string& what, Response& response) {
  if (file == nullptr) {
    NotFound(what, response);
    return;
  }
  std::set<const FileDescriptor*> seen;
  AddFile(file, seen, response.mutable_file_descriptor_response());
}

template <typename Request, typename Response>
void Describe(const Request& request, const std::vector<std::string>& services,
              Response& response) {
  const DescriptorPool& pool = *DescriptorPool::generated_pool();
  response.set_valid_host(request.host());
  *response.mutable_original_request() = request;
  switch (request.message_request_case()) {
    case Request::kListServices:
      for (const std::string& name : services) {
        response.mutable_list_services_response()->add_service()->set_name(name);
      }
      return;
    case Request::kFileByFilename:
      AnswerFile(pool.FindFileByName(request.file_by_filename()), "file", response);
      return;
    case Request::kFileContainingSymbol:
      AnswerFile(pool.FindFileContainingSymbol(request.file_containing_symbol()), "symbol",
                 response);
      return;
    case Request::kFileContainingExtension: {
      const auto& wanted = request.file_containing_extension();
      const Descriptor* type = pool.FindMessageTypeByName(wanted.containing_type());
      const FieldDescriptor* field =
          type == nullptr ? nullptr : pool.FindExtensionByNumber(type, wanted.extension_number());
      AnswerFile(field == nullptr ? nullptr : field->file(), "extension", response);
      return;
    }
    case Request::kAllExtensionNumbersOfType: {
      const std::string& name = request.all_extension_numbers_of_type();
      const Descriptor* type = pool.FindMessageTypeByName(name);
      if (type == nullptr) {
        NotFound("type", response);
        return;
      }
      auto* numbers = response.mutable_all_extension_numbers_response();
      numbers->set_base_type_name(name);
      std::vector<const FieldDescriptor*> fields;
      pool.FindAllExtensions(type, &fields);
      for (const FieldDescriptor* field : fields) numbers->add_extension_number(field->number());
      return;
    }
    default:
      response.mutable_error_response()->set_error_code(grpc::StatusCode::INVALID_ARGUMENT);
      response.mutable_error_response()->set_error_message("empty request");
  }
}

}  // namespace

Reflection::Reflection(std::vector<std::string> services)
    : services_(std::move(services)),
      streams_(kMaxStreams, "too many reflection streams are open, try again in a second",
               "反射流过多，请一秒后重试") {
  // No service's file imports the reasons; named here, they are linked, and so found.
  (void)hongyan::v1::ErrorReason_descriptor();
}

std::vector<api::MethodTable> Reflection::Methods() {
  api::MethodOptions options;
  options.ceiling = absl::InfiniteDuration();
  options.counted = false;
  options.places = &streams_;
  options.resumable = true;  // a tool may keep one open for as long as it runs
  const auto table = [&](const char* service, auto answer) {
    return api::MethodTable{
        service, {api::Exchange(api::Scope::kNone, "ServerReflectionInfo", this, answer, options)}};
  };
  namespace alpha = reflection::v1alpha;
  return {
      table("grpc.reflection.v1.ServerReflection",
            &Reflection::Answer<reflection::v1::ServerReflectionRequest,
                                reflection::v1::ServerReflectionResponse>),
      table("grpc.reflection.v1alpha.ServerReflection",
            &Reflection::Answer<alpha::ServerReflectionRequest, alpha::ServerReflectionResponse>)};
}

template <typename Request, typename Response>
async::Task<absl::StatusOr<Response>> Reflection::Answer(api::Call&, const Request& request) {
  Response response;
  Describe(request, services_, response);
  co_return response;
}

}  // namespace hongyan::endpoints
