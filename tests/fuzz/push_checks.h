// What must hold for every push that was parsed, whatever its form; for the targets of both forms.
//
// Contract: each function ends the program when something doesn't hold. Truths are taken from
//           elsewhere where there is one: protobuf's own check of UTF-8, its descriptors, a writer
//           that shares nothing with the server's.
// Threads:  any; pure.
#pragma once

#include <string>

#include "server/wechat/pushed_event.h"

namespace hongyan::fuzz {

// Bounds and text of the fields; the type; the key that tells repeats; the Event of the API.
void CheckPush(const wechat::PushedEvent& push);

// `again` has the fields of `push`, in order, and all that is made of them is equal.
void CheckSame(const wechat::PushedEvent& push, const wechat::PushedEvent& again);

// A body with the fields of `push`, flat. In XML their names must be lawful, which those of an XML
// push are.
std::string WriteXml(const wechat::PushedEvent& push);
std::string WriteJson(const wechat::PushedEvent& push);

// Whether a name is too long to be read back in one piece: those of nested fields add up.
bool HasLongName(const wechat::PushedEvent& push);

// CleanText() as XML's readers hand it on: line ends are one LF.
std::string WithLineFeeds(absl::string_view text);

}  // namespace hongyan::fuzz
