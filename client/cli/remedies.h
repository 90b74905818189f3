// What to do about an error: one sentence for each reason, in both languages.
//
// Contract: every reason of hongyan.v1.ErrorReason has an entry; a test holds the two lists against
//           each other.
// Source:   protos/hongyan/v1/errors.proto.
#pragma once

#include <string>

#include "client/cli/language.h"
#include "hongyan_client/error.h"

namespace hongyan::cli {

// Which call failed: a lost send may have gone out, a lost read harms nobody.
enum class Operation { kSend, kRead };

// Never empty. `target` is where the call went.
std::string RemedyFor(const client::Error& error, Operation operation, const std::string& target,
                      Language language);

}  // namespace hongyan::cli
