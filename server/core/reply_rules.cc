#include "server/core/reply_rules.h"

#include <re2/re2.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/core/push_type.h"

namespace hongyan::core {

ReplyRules::ReplyRules() = default;
ReplyRules::ReplyRules(ReplyRules&&) noexcept = default;
ReplyRules& ReplyRules::operator=(ReplyRules&&) noexcept = default;
ReplyRules::~ReplyRules() = default;

absl::StatusOr<ReplyRules> ReplyRules::Create(std::vector<ReplyRule> rules) {
  ReplyRules result;
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    ReplyRule& rule = rules[i];
    Compiled& compiled = result.rules_.emplace_back();
    compiled.on = std::move(rule.on);
    compiled.text = std::move(rule.text);
    if (rule.match.empty()) continue;
    compiled.match = std::make_unique<RE2>(rule.match, options);
    if (!compiled.match->ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("replies[", i, "].match: ", compiled.match->error()));
    }
  }
  return result;
}

const std::string* ReplyRules::Find(const wechat::PushedEvent& push) const {
  const absl::string_view type = PushType(push);
  const std::string word = PushWord(push);
  const bool is_event = push.msg_type == "event";
  // The event LOCATION comes unasked and often; "location" means the message that a user sends.
  const bool by_word = !(is_event && word == "location");
  const std::string& subject = is_event ? push.event_key : push.content;
  for (const Compiled& rule : rules_) {
    if (rule.on != type && !(by_word && rule.on == word)) continue;
    if (rule.match && !RE2::PartialMatch(subject, *rule.match)) continue;
    return &rule.text;
  }
  return nullptr;
}

}  // namespace hongyan::core
