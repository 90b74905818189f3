// hongyand: reads its configuration, runs the service, drains it on SIGTERM.
//
// Exit codes: 0 clean, 1 runtime failure, 2 bad configuration or usage.
#include <curl/curl.h>
#include <google/protobuf/stubs/common.h>
#include <grpc/grpc.h>
#include <grpcpp/grpcpp.h>
#include <openssl/crypto.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/version.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "server/base/log.h"
#include "server/base/output.h"
#include "server/config/loader.h"
#include "server/endpoints/grpc/grpc_server.h"
#include "server/process.h"
#include "server/service.h"
#include "server/storage/engines.h"

namespace hongyan {
namespace {

constexpr int kClean = 0;
constexpr int kFailed = 1;
constexpr int kBadConfiguration = 2;

// How much longer than shutdown.delay and shutdown.grace a stop may take: what is given up at the
// end of the grace is told so, handlers, the background and the storage end, each within its own
// limit. What is over it hangs.
constexpr absl::Duration kStopLimit = absl::Seconds(10);
// What waits for a reader while the service should serve or end.
constexpr absl::Duration kOutputLimit = absl::Seconds(1);
// What a person reads who has called us for it, perhaps in a pager.
constexpr absl::Duration kCheckOutputLimit = absl::Seconds(10);

std::string Versions() {
  return absl::StrCat("hongyand ", HONGYAN_VERSION, " (", HONGYAN_REVISION, ")\ngRPC ",
                      grpc::Version(), ", protobuf ", GOOGLE_PROTOBUF_VERSION, ", Boost ",
                      BOOST_LIB_VERSION, ", ", curl_version());
}

// To standard output or standard error, which may be a pipe that nobody reads. False when not all
// was written.
bool Print(int descriptor, const std::string& text, absl::Duration limit) {
  return base::WriteWithin(descriptor, text, limit) == text.size();
}

// Lets gRPC end here and now, threads included. Without it the end would come on a thread of gRPC's
// own, while the process exits. What is still being taken down, such as a connection to a handler
// amid its TLS handshake, keeps the library alive, and gRPC tells nobody when that is over: hence
// the question again and again.
class GrpcLibrary {
 public:
  GrpcLibrary() { grpc_init(); }
  GrpcLibrary(const GrpcLibrary&) = delete;
  GrpcLibrary& operator=(const GrpcLibrary&) = delete;
  ~GrpcLibrary() {
    grpc_shutdown_blocking();
    for (int i = 0; i < kEndLooks && grpc_is_initialized() != 0; ++i) {
      std::this_thread::sleep_for(kBetweenEndLooks);
    }
  }

 private:
  static constexpr int kEndLooks = 400;
  static constexpr std::chrono::milliseconds kBetweenEndLooks{5};
};

int Run(config::LoadResult loaded) {
  HardenProcess();
  SignalThread signals;
  base::StartLog(config::LogLevel(loaded.settings), config::LogFormat(loaded.settings));
  const absl::Cleanup stop_log = [] { base::StopLog(); };
  endpoints::PrepareGrpc();
  curl_global_init(CURL_GLOBAL_DEFAULT);
  for (const config::Problem& warning : loaded.warnings) {
    base::Log(base::Level::kWarn, "configuration",
              {{"path", warning.path}, {"line", warning.line}, {"problem", warning.message}});
  }

  const GrpcLibrary grpc_library;
  const v1::ShutdownConfig shutdown = loaded.settings.shutdown();
  Service service(std::move(loaded.settings));  // no second copy of the secrets
  if (const absl::Status started = service.Start(); !started.ok()) {
    signals.EndWithin(kStopLimit);
    base::FlushLog(kOutputLimit);
    Print(STDERR_FILENO, absl::StrCat("hongyand: ", std::string(started.message()), "\n"),
          kOutputLimit);
    if (service.Stop()) return kFailed;
    base::StopLog();
    _exit(kFailed);
  }
  std::string listening;
  for (const auto& [name, address] : service.Listeners()) {
    base::Log(base::Level::kInfo, "listening", {{"listener", name}, {"address", address}});
    absl::StrAppend(&listening, "listening ", name, " ", address, "\n");
  }
  if (!Print(STDOUT_FILENO, listening, kOutputLimit)) {
    base::Log(base::Level::kWarn, "standard output takes nothing: its lines are dropped");
  }

  signals.WaitForStop();
  const absl::Duration delay = config::ToDuration(shutdown.delay());
  signals.EndWithin(delay + config::ToDuration(shutdown.grace()) + kStopLimit);
  base::Log(base::Level::kInfo, "draining");
  service.BeginDrain();
  std::this_thread::sleep_for(absl::ToChronoNanoseconds(delay));
  const bool ended = service.Stop();
  base::Log(base::Level::kInfo, "stopped");
  if (ended) return kClean;
  base::StopLog();
  _exit(kClean);
}

int Main(int argc, char** argv) {
  CLI::App app{"gRPC notification service for WeChat Official Accounts"};
  std::string file;
  bool check = false;
  app.add_option("--config", file, "configuration file (YAML)")->required();
  app.add_flag("--check", check, "check the configuration, print every problem, and end");
  app.set_version_flag("--version", Versions());
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream out;
    std::ostringstream problem;
    const int code = app.exit(error, out, problem);
    Print(STDOUT_FILENO, out.str(), kCheckOutputLimit);
    Print(STDERR_FILENO, problem.str(), kCheckOutputLimit);
    return code == 0 ? kClean : kBadConfiguration;
  }

  config::LoadResult loaded = config::Load(file, config::SystemEnvironment());
  if (auto limit = config::CheckFileLimit(loaded.settings, RaiseFileLimit())) {
    loaded.problems.push_back(*std::move(limit));
  }
  if (check && loaded.problems.empty()) {
    if (const auto stored = storage::CheckUrl(loaded.settings.storage().url()); !stored.ok()) {
      loaded.problems.push_back({"", 0, std::string(stored.message())});
    }
  }
  if (check || !loaded.problems.empty()) {
    std::string found;
    for (const config::Problem& warning : loaded.warnings) {
      absl::StrAppend(&found, config::Format(file, warning, "warning"), "\n");
    }
    for (const config::Problem& problem : loaded.problems) {
      absl::StrAppend(&found, config::Format(file, problem, "error"), "\n");
    }
    Print(STDERR_FILENO, found, kCheckOutputLimit);
    if (!loaded.problems.empty()) return kBadConfiguration;
    Print(STDOUT_FILENO, absl::StrCat(file, ": ok\n"), kCheckOutputLimit);
    return kClean;
  }
  return Run(std::move(loaded));
}

}  // namespace
}  // namespace hongyan

int main(int argc, char** argv) { return hongyan::Main(argc, argv); }
