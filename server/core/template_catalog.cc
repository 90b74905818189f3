#include "server/core/template_catalog.h"

#include <re2/re2.h>

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "server/base/status.h"
#include "server/base/text.h"

namespace hongyan::core {
namespace {

constexpr absl::Duration kMaxAge = absl::Minutes(10);
constexpr absl::Duration kMinAge = absl::Minutes(1);

re2::StringPiece Piece(absl::string_view text) { return {text.data(), text.size()}; }

bool Matches(absl::string_view value, const RE2& pattern) {
  return RE2::FullMatch(Piece(value), pattern);
}

ValueProblem TooLong(int limit, absl::string_view what, absl::string_view what_zh) {
  return {absl::StrCat("takes at most ", limit, " ", what),
          absl::StrCat("最多 ", limit, " ", what_zh)};
}

bool HasHan(absl::string_view value) {
  static const RE2 kHan(R"(\p{Han})");
  return RE2::PartialMatch(Piece(value), kHan);
}

}  // namespace

std::vector<std::string> ListKeywords(const std::string& content) {
  static const RE2 kPlaceholder(R"(\{\{\s*([A-Za-z0-9_]+)\.DATA\s*\}\})");
  std::vector<std::string> keywords;
  re2::StringPiece rest(content);
  std::string keyword;
  while (RE2::FindAndConsume(&rest, kPlaceholder, &keyword)) {
    if (std::find(keywords.begin(), keywords.end(), keyword) == keywords.end()) {
      keywords.push_back(keyword);
    }
  }
  return keywords;
}

ValueProblem CheckValue(absl::string_view keyword, absl::string_view value) {
  if (value.empty()) return {"must not be empty", "不能为空"};
  static const RE2 kTyped(R"(([a-z_]+?)[0-9]+)");
  std::string type;
  if (!RE2::FullMatch(Piece(keyword), kTyped, &type)) return {};
  const auto units = static_cast<int>(base::Utf16Length(value));
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  const bool typed = type != "keyword" && type != "first" && type != "remark";
  if (typed && std::any_of(value.begin(), value.end(), control)) {
    return {"must not contain line breaks or control characters", "不能含换行或控制字符"};
  }
  if (type == "thing") return units > 20 ? TooLong(20, "characters", "个字符") : ValueProblem{};
  if (type == "number") {
    static const RE2 kNumber(R"([0-9]+(\.[0-9]+)?)");
    if (!Matches(value, kNumber)) return {"takes digits only", "只能是数字"};
    const bool point = value.find('.') != absl::string_view::npos;
    return units - (point ? 1 : 0) > 32 ? TooLong(32, "digits", "位数字") : ValueProblem{};
  }
  if (type == "letter") {
    static const RE2 kLetters("[A-Za-z]+");
    if (!Matches(value, kLetters)) return {"takes letters only", "只能是字母"};
    return units > 32 ? TooLong(32, "letters", "个字母") : ValueProblem{};
  }
  if (type == "symbol") {
    static const RE2 kSymbols(R"([^\pL\pN\s]+)");
    if (!Matches(value, kSymbols)) return {"takes symbols only", "只能是符号"};
    return units > 5 ? TooLong(5, "symbols", "个符号") : ValueProblem{};
  }
  if (type == "character_string") {
    static const RE2 kPrintable("[ -~]+");
    if (!Matches(value, kPrintable)) {
      return {"takes digits, letters and symbols only", "只能是数字、字母或符号"};
    }
    return units > 32 ? TooLong(32, "characters", "个字符") : ValueProblem{};
  }
  if (type == "time" || type == "date") {
    static const std::string clock = R"(([01]?\d|2[0-4]):[0-5]\d(:[0-5]\d)?)";
    static const std::string day = R"(\d{4}[-/年]\d{1,2}[-/月]\d{1,2}日?)";
    static const std::string moment = absl::StrCat("(", day, R"((\s*)", clock, ")?|", clock, ")");
    static const RE2 kTime(absl::StrCat(moment, R"((\s*~\s*)", moment, ")?"));
    // A date needs its day; only the end of a range may be a time of that day.
    static const RE2 kDate(absl::StrCat(day, R"((\s*)", clock, R"()?(\s*~\s*)", moment, ")?"));
    if (Matches(value, type == "time" ? kTime : kDate)) return {};
    if (type == "date") {
      return {"takes a date like 2019年10月1日, with or without a time",
              "应为 2019年10月1日 这样的日期，可带时间"};
    }
    return {"takes a time like 15:01 or 2019年10月1日 15:01",
            "应为 15:01 或 2019年10月1日 15:01 这样的时间"};
  }
  if (type == "amount") {
    static const RE2 kAmount(R"(\p{Sc}?[0-9]{1,10}(\.[0-9]+)?元?)");
    return Matches(value, kAmount)
               ? ValueProblem{}
               : ValueProblem{"takes one currency sign and at most 10 digits, like ¥39.80",
                              "应为一个货币符号加最多 10 位数字，如 ¥39.80"};
  }
  if (type == "phone_number") {
    static const RE2 kPhone(R"([-+0-9() *#]+)");
    if (!Matches(value, kPhone)) return {"takes digits and symbols only", "只能是数字和符号"};
    return units > 17 ? TooLong(17, "digits and symbols", "位数字和符号") : ValueProblem{};
  }
  if (type == "car_number") {
    static const RE2 kPlate(R"([\p{Han}A-Za-z0-9][A-Za-z0-9]*[\p{Han}A-Za-z0-9]?)");
    if (!Matches(value, kPlate)) {
      return {"takes letters and digits, first and last may be Chinese",
              "只能是字母和数字，首尾可为汉字"};
    }
    return units > 8 ? TooLong(8, "characters", "位") : ValueProblem{};
  }
  if (type == "name") {
    static const RE2 kDigit(R"(\pN)");
    if (RE2::PartialMatch(re2::StringPiece(value.data(), value.size()), kDigit)) {
      return {"takes no digits", "不能含数字"};
    }
    const int limit = HasHan(value) ? 10 : 20;
    return units > limit ? TooLong(limit, "characters", "个字符") : ValueProblem{};
  }
  if (type == "phrase") {
    static const RE2 kHanOnly(R"(\p{Han}+)");
    if (!Matches(value, kHanOnly)) return {"takes Chinese characters only", "只能是汉字"};
    return units > 5 ? TooLong(5, "Chinese characters", "个汉字") : ValueProblem{};
  }
  return {};
}

absl::Status CheckAgainst(const wechat::TemplateMessage& message,
                          const wechat::TemplateInfo& info) {
  if (!info.has_content) return absl::OkStatus();
  const std::vector<std::string> keywords = ListKeywords(info.content);
  std::vector<std::pair<std::string, ValueProblem>> problems;
  for (const std::string& keyword : keywords) {
    // first and remark of historic templates are dropped by WeChat since 2023; nobody has to give
    // them.
    if (keyword == "first" || keyword == "remark") continue;
    const auto it = message.data.find(keyword);
    if (it == message.data.end()) {
      problems.push_back({keyword, {"is missing", "缺失"}});
      continue;
    }
    ValueProblem problem = CheckValue(keyword, it->second);
    if (!problem.empty()) problems.push_back({keyword, std::move(problem)});
  }
  for (const auto& [key, value] : message.data) {
    if (key == "first" || key == "remark") continue;
    if (std::find(keywords.begin(), keywords.end(), key) == keywords.end()) {
      problems.push_back({key, {"is no keyword of this template", "不是该模板的关键词"}});
    }
  }
  if (problems.empty()) return absl::OkStatus();
  const auto& [key, first] = problems.front();
  base::ErrorBuilder error(
      absl::StatusCode::kInvalidArgument, base::Reason::kInvalidTemplateValue,
      absl::StrCat(
          "template.data.", key, ": ", first.english,
          problems.size() > 1 ? absl::StrCat(" (and ", problems.size() - 1, " more)") : ""));
  error.Chinese(absl::StrCat("template.data.", key, "：", first.chinese));
  for (const auto& [field, problem] : problems) {
    error.Field(absl::StrCat("template.data.", field), problem.english);
  }
  return error;
}

async::Task<absl::Status> TemplateCatalog::Check(const model::Message& compiled,
                                                 model::CallLimit limit) {
  if (compiled.kind != model::MessageKind::kTemplate) co_return absl::OkStatus();
  const wechat::TemplateMessage message = wechat::ReadTemplate(compiled);
  while (Lacks(message.template_id)) {
    if (fetching_) {
      const auto woken = co_await fetched_.Wait(limit.deadline);
      if (woken == async::WaitList::Woken::kNotified) continue;
      const bool late = woken == async::WaitList::Woken::kDeadline;
      co_return base::ErrorBuilder(
          late ? absl::StatusCode::kDeadlineExceeded : absl::StatusCode::kCancelled,
          late ? base::Reason::kDeadlineTooShort : base::Reason::kCancelled,
          late ? "the deadline passed while waiting for the account's template list"
               : "the call was cancelled while waiting for the account's template list")
          .Chinese(late ? "等待该账号的模板列表时已到截止时间" : "调用方已取消");
    }
    fetching_ = true;
    auto templates = co_await client_.ListTemplates(limit);
    fetching_ = false;
    if (templates.ok()) {
      list_ = *std::move(templates);
      fetched_at_ = clock_.Mono();
    }
    fetched_.NotifyAll();
    // Whoever waited tries himself: this failure may be this caller's own deadline.
    if (!templates.ok()) co_return templates.status();
  }
  const wechat::TemplateInfo* info = Find(message.template_id);
  // Nobody knows whose entries can't be read, so one of them may be this template's.
  if (info == nullptr && list_.unusable > 0) co_return absl::OkStatus();
  if (info == nullptr) {
    co_return base::InvalidField("template.template_id", "is not in the account's template list",
                                 "不在该账号的模板列表中", base::Reason::kInvalidTemplateId);
  }
  co_return CheckAgainst(message, *info);
}

bool TemplateCatalog::Lacks(const std::string& template_id) const {
  if (!fetched_at_) return true;
  const absl::Duration age = async::Between(*fetched_at_, clock_.Mono());
  return age > kMaxAge || (age > kMinAge && Find(template_id) == nullptr);
}

const wechat::TemplateInfo* TemplateCatalog::Find(const std::string& template_id) const {
  for (const wechat::TemplateInfo& info : list_.templates) {
    if (info.template_id == template_id) return &info;
  }
  return nullptr;
}

}  // namespace hongyan::core
