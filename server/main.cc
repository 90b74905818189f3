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
#include <csignal>
#include <future>
#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "server/base/log.h"
#include "server/config/loader.h"
#include "server/doors/grpc/grpc_server.h"
#include "server/process.h"
#include "server/service.h"
#include "server/storage/database.h"

namespace hongyan {
namespace {

constexpr int kClean = 0;
constexpr int kFailed = 1;
constexpr int kBadConfiguration = 2;

std::string Versions() {
  return absl::StrCat("hongyand ", HONGYAN_VERSION, " (", HONGYAN_REVISION, ")\ngRPC ",
                      grpc::Version(), ", protobuf ", GOOGLE_PROTOBUF_VERSION, ", Boost ",
                      BOOST_LIB_VERSION, ", ", curl_version());
}

// Sleeps for `span` unless a second SIGTERM or SIGINT comes; that one ends the process at once.
void WaitOrEndAtOnce(absl::Duration span, const std::future<void>* until = nullptr) {
  const absl::Time end = absl::Now() + span;
  while (absl::Now() < end) {
    if (until != nullptr && until->wait_for(std::chrono::seconds(0)) == std::future_status::ready) {
      return;
    }
    const auto step = std::min(end - absl::Now(), absl::Milliseconds(20));
    const auto signal = WaitForSignal(std::max(step, absl::ZeroDuration()));
    if (!signal || *signal == SIGHUP) continue;
    base::Log(base::Level::kWarn, "second signal: ending at once");
    base::StopLog();
    _exit(kClean);
  }
}

// Lets gRPC end its threads here and now. Without it the last channel's end would do so on a thread of its own, while the
// process exits.
class GrpcLibrary {
 public:
  GrpcLibrary() { grpc_init(); }
  GrpcLibrary(const GrpcLibrary&) = delete;
  GrpcLibrary& operator=(const GrpcLibrary&) = delete;
  ~GrpcLibrary() { grpc_shutdown_blocking(); }
};

int Run(const config::LoadResult& loaded) {
  const config::Settings& settings = loaded.settings;
  HardenProcess();
  BlockSignals();
  base::StartLog(settings.log.level, settings.log.format);
  doors::PrepareGrpc();
  curl_global_init(CURL_GLOBAL_DEFAULT);
  for (const config::Problem& warning : loaded.warnings) {
    base::Log(base::Level::kWarn, "configuration",
              {{"path", warning.path}, {"line", warning.line}, {"problem", warning.message}});
  }

  const GrpcLibrary grpc_library;
  Service service(settings);
  if (const absl::Status started = service.Start(); !started.ok()) {
    base::StopLog();
    std::cerr << "hongyand: " << std::string(started.message()) << std::endl;
    return kFailed;
  }
  for (const auto& [name, address] : service.Listeners()) {
    std::cout << "listening " << name << " " << address << std::endl;
  }

  while (true) {
    const auto signal = WaitForSignal(absl::Hours(24));
    if (!signal) continue;
    if (*signal != SIGHUP) break;
    base::Log(base::Level::kWarn, "SIGHUP: this version reads its configuration at start only");
  }
  base::Log(base::Level::kInfo, "draining");
  service.BeginDrain();
  WaitOrEndAtOnce(settings.shutdown.delay);
  std::future<void> stopped = std::async(std::launch::async, [&service] { service.Stop(); });
  WaitOrEndAtOnce(absl::InfiniteDuration(), &stopped);
  stopped.wait();
  base::Log(base::Level::kInfo, "stopped");
  base::StopLog();
  return kClean;
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
    return app.exit(error) == 0 ? kClean : kBadConfiguration;
  }

  config::LoadResult loaded = config::Load(file, config::SystemEnvironment());
  if (auto limit = config::CheckFileLimit(loaded.settings, RaiseFileLimit())) {
    loaded.problems.push_back(*std::move(limit));
  }
  if (check && loaded.problems.empty()) {
    if (const auto stored = storage::Database::Check(loaded.settings.storage.url); !stored.ok()) {
      loaded.problems.push_back({"", 0, std::string(stored.message())});
    }
  }
  if (check || !loaded.problems.empty()) {
    for (const config::Problem& warning : loaded.warnings) {
      std::cerr << config::Format(file, warning, "warning") << "\n";
    }
    for (const config::Problem& problem : loaded.problems) {
      std::cerr << config::Format(file, problem, "error") << "\n";
    }
    if (!loaded.problems.empty()) return kBadConfiguration;
    std::cout << file << ": ok" << std::endl;
    return kClean;
  }
  return Run(loaded);
}

}  // namespace
}  // namespace hongyan

int main(int argc, char** argv) { return hongyan::Main(argc, argv); }
