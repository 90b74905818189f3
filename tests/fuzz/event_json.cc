// A push in JSON: the parser that collects leaves, and what becomes of the push; the replies in
// JSON.
#include "server/wechat/event_json.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <string>
#include <utility>
#include <vector>

#include "server/base/text.h"
#include "server/wechat/passive_reply.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/push_checks.h"

namespace hongyan::fuzz {
namespace {

namespace json = boost::json;
using wechat::ParsePush;

std::size_t DepthOf(const json::value& value) {
  std::size_t depth = 0;
  if (const auto* array = value.if_array()) {
    for (const json::value& inner : *array) depth = std::max(depth, DepthOf(inner));
    return depth + 1;
  }
  if (const auto* object = value.if_object()) {
    for (const auto& member : *object) depth = std::max(depth, DepthOf(member.value()));
    return depth + 1;
  }
  return 0;
}

// The leaves of the tree under the names that the server gives them; `texts` has those whose text
// is certain, which that of a number isn't.
struct Leaves {
  std::vector<std::string> names;
  std::vector<std::pair<std::string, std::string>> texts;

  void Add(const json::value& value, const std::string& name, const std::string& prefix) {
    if (const auto* array = value.if_array()) {
      for (const json::value& inner : *array) Add(inner, name, prefix);
    } else if (const auto* object = value.if_object()) {
      for (const auto& member : *object) {
        const std::string inner = prefix + std::string(member.key());
        Add(member.value(), inner, inner + ".");
      }
    } else {
      const std::string clean = wechat::CleanText(name);
      names.push_back(clean);
      if (const auto* text = value.if_string()) {
        texts.emplace_back(clean, wechat::CleanText({text->data(), text->size()}));
      }
      if (value.is_bool()) texts.emplace_back(clean, value.get_bool() ? "true" : "false");
      if (value.is_null()) texts.emplace_back(clean, "");
    }
  }
};

// A parser that keeps the tree takes it too, and finds the same in it, unless a name is there
// twice: then it keeps one.
void CheckTree(absl::string_view body, wechat::PushedEvent::Fields fields) {
  std::string text = base::ToUtf8(body);
  base::MendJsonEscapes(text);
  json::error_code error;
  json::parse_options options;
  options.max_depth = wechat::kMaxPushDepth;
  const json::value tree = json::parse({text.data(), text.size()}, error, {}, options);
  FUZZ_CHECK(!error && tree.is_object());
  FUZZ_CHECK(DepthOf(tree) <= wechat::kMaxPushDepth);

  Leaves leaves;
  leaves.Add(tree, "", "");
  FUZZ_CHECK(leaves.names.size() <= fields.size());
  if (leaves.names.size() < fields.size()) return;
  std::sort(fields.begin(), fields.end());
  std::sort(leaves.names.begin(), leaves.names.end());
  std::sort(leaves.texts.begin(), leaves.texts.end());
  FUZZ_CHECK(std::equal(fields.begin(), fields.end(), leaves.names.begin(), leaves.names.end(),
                        [](const auto& field, const auto& name) { return field.first == name; }));
  FUZZ_CHECK(std::includes(fields.begin(), fields.end(), leaves.texts.begin(), leaves.texts.end()));
}

void CheckReply(absl::string_view content) {
  const auto reply = ParsePush(wechat::WriteReplyJson("openid", "gh_1", absl::UnixEpoch(),
                                                      wechat::TextReply{std::string(content)}));
  FUZZ_CHECK(reply.ok());
  FUZZ_CHECK(reply->fields.size() == 5 && reply->to_user == "openid" && reply->from_user == "gh_1");
  FUZZ_CHECK(reply->content == wechat::CleanText(content));
}

void CheckBody(absl::string_view body) {
  if (const auto fields = wechat::ReadEventJson(body); fields.ok()) CheckTree(body, *fields);
  const auto push = ParsePush(body);
  if (!push.ok() || push->format != model::BodyFormat::kJson) return;
  CheckPush(*push);
  if (HasLongName(*push)) return;
  const auto again = ParsePush(WriteJson(*push));
  FUZZ_CHECK(again.ok());
  CheckSame(*push, *again);
}

}  // namespace
}  // namespace hongyan::fuzz

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const absl::string_view body = hongyan::fuzz::View(data, size);
  hongyan::fuzz::CheckBody(body);
  hongyan::fuzz::CheckReply(body);
  return 0;
}
