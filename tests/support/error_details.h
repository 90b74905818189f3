// Reads the google.rpc details of a status, independently of the code that writes them.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"

namespace hongyan::support {

// The fields of BadRequest's violations, in their order.
std::vector<std::string> FieldsOf(const absl::Status& status);
// How many violations QuotaFailure has.
int QuotaViolationsOf(const absl::Status& status);
// ErrorInfo.domain.
std::string DomainOf(const absl::Status& status);

}  // namespace hongyan::support
