#include "server/endpoints/grpc/reflection_service.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <grpc/reflection/v1/reflection.grpc.pb.h>
#include <grpc/reflection/v1alpha/reflection.grpc.pb.h>
#include <grpcpp/support/server_callback.h>

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <utility>

#include "hongyan/v1/errors.pb.h"
#include "server/endpoints/grpc/call_info.h"
#include "server/endpoints/grpc/call_task.h"

namespace hongyan::endpoints {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::DescriptorPool;
using google::protobuf::FieldDescriptor;
using google::protobuf::FileDescriptor;

constexpr std::size_t kMaxConversations = 200;

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
void Answer(const Request& request, const std::vector<std::string>& services, Response& response) {
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

// The open streams: bounded, and ended at shutdown, for a tool may keep one open for as long as it runs.
class Conversations {
 public:
  // False: no more.
  bool Add(const void* stream, std::function<void()> end) {
    const std::lock_guard lock(mutex_);
    if (ended_ || open_.size() >= kMaxConversations) return false;
    open_.emplace(stream, std::move(end));
    return true;
  }
  void Remove(const void* stream) {
    const std::lock_guard lock(mutex_);
    open_.erase(stream);
  }
  bool ended() {
    const std::lock_guard lock(mutex_);
    return ended_;
  }
  void EndAll() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    for (const auto& [stream, end] : open_) end();
  }

 private:
  std::mutex mutex_;
  std::map<const void*, std::function<void()>> open_;
  bool ended_ = false;
};

// Question, answer, question, answer: one message of each at a time, as bytes; see call_task.h.
template <typename Request, typename Response>
class Conversation final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  Conversation(CallEnvironment& environment, CallInfo info, grpc::CallbackServerContext* context,
               const std::vector<std::string>& services, std::shared_ptr<Conversations> all)
      : environment_(environment),
        info_(std::move(info)),
        context_(context),
        services_(services),
        all_(std::move(all)) {
    WriteInitialMetadata(*context_, info_);
    if (all_->Add(this, [this] { context_->TryCancel(); })) {
      this->StartRead(&in_);
    } else {
      End(all_->ended() ? ShuttingDown()
                        : Overloaded("too many reflection streams are open, try again in a second",
                                     "反射流过多，请一秒后重试"));
    }
  }

 private:
  void OnReadDone(bool ok) override {
    if (!ok) {
      End(Ended());
      return;
    }
    Request request;
    if (!Parse(in_, request)) {
      this->Finish(Malformed(environment_, info_));
      return;
    }
    Response response;
    Answer(request, services_, response);
    out_.Clear();
    if (const grpc::Status written = Serialize(response, out_); !written.ok()) {
      this->Finish(written);
      return;
    }
    this->StartWrite(&out_);
  }

  void OnWriteDone(bool ok) override {
    if (ok) {
      this->StartRead(&in_);
    } else {
      End(Ended());
    }
  }

  // The peer has said all that it wanted to, or is gone.
  absl::Status Ended() const {
    return context_->IsCancelled() ? absl::CancelledError("the caller went away")
                                   : absl::OkStatus();
  }

  void End(const absl::Status& status) {
    CallEnded(environment_, info_, status);
    WriteTrailers(*context_, info_, status);
    this->Finish(ToGrpcStatus(status));
  }

  void OnDone() override {
    all_->Remove(this);
    delete this;
  }

  CallEnvironment& environment_;
  const OpenCall open_{environment_};
  const CallInfo info_;
  grpc::CallbackServerContext* const context_;
  const std::vector<std::string>& services_;
  const std::shared_ptr<Conversations> all_;
  grpc::ByteBuffer in_;
  grpc::ByteBuffer out_;
};

template <typename Version>
using RawReflection = typename Version::template WithRawCallbackMethod_ServerReflectionInfo<
    typename Version::Service>;

template <typename Base, typename Request, typename Response>
class ReflectionService final : public Base {
 public:
  ReflectionService(CallEnvironment& environment, const char* name,
                    std::vector<std::string> services, std::shared_ptr<Conversations> all)
      : environment_(environment),
        name_(name),
        services_(std::move(services)),
        all_(std::move(all)) {}

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* ServerReflectionInfo(
      grpc::CallbackServerContext* context) override {
    CallInfo info = ReadCall(*context, name_, "ServerReflectionInfo", environment_.clock.Mono(),
                             absl::InfiniteDuration());
    return new Conversation<Request, Response>(environment_, std::move(info), context, services_,
                                               all_);
  }

 private:
  CallEnvironment& environment_;
  const char* const name_;
  const std::vector<std::string> services_;
  const std::shared_ptr<Conversations> all_;
};

}  // namespace

Reflection MakeReflection(CallEnvironment& environment, std::vector<std::string> services) {
  namespace v1 = grpc::reflection::v1;
  namespace v1alpha = grpc::reflection::v1alpha;
  // No service's file imports the reasons; named here, they are linked, and so found.
  (void)hongyan::v1::ErrorReason_descriptor();
  const auto all = std::make_shared<Conversations>();
  Reflection made;
  made.services.push_back(
      std::make_unique<
          ReflectionService<RawReflection<v1::ServerReflection>, v1::ServerReflectionRequest,
                            v1::ServerReflectionResponse>>(
          environment, "grpc.reflection.v1.ServerReflection", services, all));
  made.services.push_back(
      std::make_unique<
          ReflectionService<RawReflection<v1alpha::ServerReflection>,
                            v1alpha::ServerReflectionRequest, v1alpha::ServerReflectionResponse>>(
          environment, "grpc.reflection.v1alpha.ServerReflection", services, all));
  made.end = [all] { all->EndAll(); };
  return made;
}

}  // namespace hongyan::endpoints
