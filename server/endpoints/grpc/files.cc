#include "server/endpoints/grpc/files.h"

#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"

namespace hongyan::endpoints {

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  if (!file || content.str().empty()) {
    return absl::FailedPreconditionError(absl::StrCat("can't read ", path));
  }
  return content.str();
}

}  // namespace hongyan::endpoints
