// Whether a JSON text names a field twice.
//
// Parsers differ in which of the two they keep, Boost.JSON takes the last; what WeChat does is
// documented nowhere, so a client that sends such a body can't know what it said.
#pragma once

#include <string>
#include <string_view>

namespace hongyan::sandbox {

// The path of the first field that its object has already, as in "text.content", or "". `text` is
// well-formed.
std::string FirstDoubledField(std::string_view text);

}  // namespace hongyan::sandbox
