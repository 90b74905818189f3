// The running service: every object and the order in which they start and stop.
//
// Contract: Start() opens the storage, listens and begins to fetch tokens; a bad account doesn't
//           stop it. BeginDrain() says NOT_SERVING while calls are still answered; Stop() then
//           closes the listeners, lets what is in flight finish for at most `grace`, gives it half
//           a second more to say what became of it, and ends the background, the loop and the
//           storage. Each of these has its limit, eight seconds together.
// Errors:   Start: UNAVAILABLE or INVALID_ARGUMENT naming the listener's key; those of
//           Database::Open naming storage.url.
// Threads:  any but the loop's and gRPC's, one at a time; the loop runs on one of its own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "server/config/settings.h"

namespace hongyan {

class Service {
 public:
  explicit Service(config::Settings settings);
  ~Service();

  absl::Status Start();
  // Name and address of each listener: {"grpc", "127.0.0.1:9090"} …
  std::vector<std::pair<std::string, std::string>> Listeners() const;
  void BeginDrain();
  // False: something didn't end within its limit and was given up, as the log says. Nothing that
  //        was acknowledged is
  // lost, but threads still use this object, so the process must end by _exit().
  bool Stop();

 private:
  struct Graph;
  config::Settings settings_;  // until Start() takes them
  std::unique_ptr<Graph> graph_;
};

}  // namespace hongyan
