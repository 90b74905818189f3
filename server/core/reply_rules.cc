#include "server/core/reply_rules.h"

#include <re2/re2.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "server/base/text.h"
#include "server/core/push_type.h"

namespace hongyan::core {
namespace {

absl::Status Wrong(std::size_t rule, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("replies[", rule, "]", what));
}

std::unique_ptr<RE2> Compile(const std::string& match) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(1 << 20);
  return std::make_unique<RE2>(match, options);
}

}  // namespace

absl::Status CheckExpression(const std::string& match) {
  const auto compiled = Compile(match);
  if (compiled->ok()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("is no RE2 expression: ", base::Printable(compiled->error())));
}

ReplyRules::ReplyRules() = default;
ReplyRules::ReplyRules(ReplyRules&&) noexcept = default;
ReplyRules& ReplyRules::operator=(ReplyRules&&) noexcept = default;
ReplyRules::~ReplyRules() = default;

absl::StatusOr<ReplyRules> ReplyRules::Create(std::vector<ReplyRule> rules) {
  ReplyRules result;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    Compiled& compiled = result.rules_.emplace_back();
    compiled.rule = std::move(rules[i]);
    if (const absl::Status status = CheckReply(compiled.rule.reply); !status.ok()) {
      return Wrong(i, absl::StrCat(": ", std::string(status.message())));
    }
    if (compiled.rule.match.empty()) continue;
    compiled.match = Compile(compiled.rule.match);
    if (!compiled.match->ok()) return Wrong(i, ".match: " + compiled.match->error());
  }
  return result;
}

const Reply* ReplyRules::Find(const wechat::PushedEvent& push, const PushClass& push_class) const {
  const bool is_event = push_class.kind == PushClass::Kind::kEvent;
  const std::string& subject = is_event ? push.event_key : push.content;
  for (const Compiled& compiled : rules_) {
    const ReplyRule& rule = compiled.rule;
    if (!IsOn(rule.on, push_class)) continue;
    if (!rule.event_key.empty() && !(is_event && rule.event_key == push.event_key)) continue;
    if (compiled.match && !RE2::PartialMatch(subject, *compiled.match)) continue;
    return &rule.reply;
  }
  return nullptr;
}

}  // namespace hongyan::core
