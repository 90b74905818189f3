// --type of the commands that show events.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "client/cli/command.h"

namespace hongyan::cli {

template <typename Request>
void AddTypes(Command& command, const std::shared_ptr<Request>& request) {
  command.AddList("--type", "TYPE",
                  [request](const std::vector<std::string>& types) {
                    request->mutable_types()->Assign(types.begin(), types.end());
                  },
                  {"Only these, such as text or subscribe; may be repeated",
                   "只看这些类型，如 text、subscribe；可重复给出"});
}

}  // namespace hongyan::cli
