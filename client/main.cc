// hongyan: WeChat notifications from the command line.
#include <google/protobuf/stubs/logging.h>
#include <grpc/support/log.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "client/cli/run.h"

namespace {

std::string FromEnvironment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

int TerminalColumns() {
  winsize size = {};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

}  // namespace

int main(int argc, char** argv) {
  // The libraries' own logs would mix with our output, and quote raw what came from outside.
  // Whoever sets gRPC's variable wants to see them.
  if (std::getenv("GRPC_VERBOSITY") == nullptr) {
    gpr_set_log_function([](gpr_log_func_args*) {});
    google::protobuf::SetLogHandler(nullptr);
  }
  // A reader that goes away is an error of the stream, not our death in the middle of a batch.
  std::signal(SIGPIPE, SIG_IGN);
  std::ios::sync_with_stdio(false);
  hongyan::cli::Console console{.in = std::cin,
                                .out = std::cout,
                                .err = std::cerr,
                                .out_is_terminal = isatty(STDOUT_FILENO) == 1,
                                .err_is_terminal = isatty(STDERR_FILENO) == 1,
                                .columns = TerminalColumns(),
                                .language = hongyan::cli::ReadLanguage(FromEnvironment),
                                .zone = absl::LocalTimeZone(),
                                .out_descriptor = STDOUT_FILENO};
  return hongyan::cli::Run({argv + 1, argv + argc}, FromEnvironment, console);
}
