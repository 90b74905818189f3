#include "tests/support/error_details.h"

#include <google/rpc/error_details.pb.h>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace hongyan::support {
namespace {

template <typename Detail>
Detail DetailOf(const absl::Status& status) {
  Detail detail;
  const auto payload =
      status.GetPayload(absl::StrCat("type.googleapis.com/", Detail::descriptor()->full_name()));
  if (payload) detail.ParseFromString(std::string(*payload));
  return detail;
}

}  // namespace

std::vector<std::string> FieldsOf(const absl::Status& status) {
  std::vector<std::string> fields;
  const auto detail = DetailOf<google::rpc::BadRequest>(status);
  for (const auto& violation : detail.field_violations()) {
    fields.push_back(violation.field());
  }
  return fields;
}

int QuotaViolationsOf(const absl::Status& status) {
  return DetailOf<google::rpc::QuotaFailure>(status).violations_size();
}

std::string DomainOf(const absl::Status& status) {
  return DetailOf<google::rpc::ErrorInfo>(status).domain();
}

}  // namespace hongyan::support
