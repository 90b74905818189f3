#include "server/wechat/xml_scan.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/strip.h"
#include "server/wechat/pushed_event.h"

namespace hongyan::wechat {
namespace {

constexpr char kReplacement[] = "\xEF\xBF\xBD";
constexpr char kBlanks[] = " \t\r\n";

bool IsNameStart(char c) {
  return absl::ascii_isalpha(c) || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

// Long names would be multiplied by what is inside them.
constexpr std::size_t kMaxName = 256;

bool IsName(absl::string_view name) {
  return !name.empty() && name.size() <= kMaxName && IsNameStart(name[0]) &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return IsNameStart(c) || absl::ascii_isdigit(c) || c == '-' || c == '.' || c == ':';
         });
}

// Whether XML allows the character that "#65" or "#x41" means.
bool IsLawfulReference(absl::string_view digits) {
  absl::ConsumePrefix(&digits, "#");
  const bool hex = absl::ConsumePrefix(&digits, "x");
  std::uint32_t code = 0;
  if (digits.empty()) return false;
  for (const char c : digits) {
    if (hex ? !absl::ascii_isxdigit(c) : !absl::ascii_isdigit(c)) return false;
    const int digit = absl::ascii_isdigit(c) ? c - '0' : absl::ascii_tolower(c) - 'a' + 10;
    code = code * (hex ? 16 : 10) + static_cast<std::uint32_t>(digit);
    if (code > 0x10FFFF) return false;
  }
  if (code < 0x20) return code == '\t' || code == '\n' || code == '\r';
  return !(code >= 0xD800 && code <= 0xDFFF) && code != 0xFFFE && code != 0xFFFF;
}

bool StartsEntity(absl::string_view text) {
  return absl::StartsWith(text, "&amp;") || absl::StartsWith(text, "&lt;") ||
         absl::StartsWith(text, "&gt;") || absl::StartsWith(text, "&quot;") ||
         absl::StartsWith(text, "&apos;");
}

class Scanner {
 public:
  explicit Scanner(std::string body) : body_(std::move(body)), rest_(body_) {}

  absl::StatusOr<std::string> Run() {
    if (absl::ConsumePrefix(&rest_, "<?xml")) {
      const absl::string_view declaration = Until("?>");
      if (failed_ || declaration.empty() || !absl::StrContains(kBlanks, declaration[0])) {
        return Wrong("broken declaration");
      }
    }
    while (!rest_.empty() && !failed_) {
      if (rest_[0] == '<') {
        Markup();
      } else {
        Text();
      }
    }
    if (failed_) return Wrong(problem_);
    if (!seen_root_ || !open_.empty()) return Wrong("not well-formed XML");
    return std::move(out_);
  }

 private:
  static absl::Status Wrong(absl::string_view problem) {
    return absl::InvalidArgumentError(problem);
  }

  void Fail(absl::string_view problem) {
    failed_ = true;
    problem_ = problem;
  }

  // What stands before `end`, which is consumed too.
  absl::string_view Until(absl::string_view end) {
    const std::size_t at = rest_.find(end);
    if (at == absl::string_view::npos) {
      Fail("not well-formed XML");
      return {};
    }
    const absl::string_view inside = rest_.substr(0, at);
    rest_.remove_prefix(at + end.size());
    return inside;
  }

  void Markup() {
    if (absl::ConsumePrefix(&rest_, "<!--")) {
      Until("-->");
    } else if (absl::StartsWith(rest_, "<![CDATA[")) {
      if (open_.empty()) return Fail("text outside of the root");
      const absl::string_view from = rest_;
      Until("]]>");
      Append(from.substr(0, from.size() - rest_.size()));
    } else if (absl::StartsWith(rest_, "<!")) {
      Fail("a DTD is not allowed");
    } else if (absl::StartsWith(rest_, "<?")) {
      Fail("a processing instruction is not allowed");
    } else if (absl::ConsumePrefix(&rest_, "</")) {
      EndTag(Until(">"));
    } else {
      rest_.remove_prefix(1);
      StartTag(Until(">"));
    }
  }

  void EndTag(absl::string_view name) {
    if (failed_) return;
    Append(absl::string_view(name.data() - 2, name.size() + 3));
    while (!name.empty() && absl::StrContains(kBlanks, name.back())) name.remove_suffix(1);
    if (open_.empty() || open_.back() != name) return Fail("not well-formed XML");
    open_.pop_back();
  }

  void StartTag(absl::string_view name) {
    if (failed_) return;
    Append(absl::string_view(name.data() - 1, name.size() + 2));
    const bool empty = absl::ConsumeSuffix(&name, "/");
    while (!name.empty() && absl::StrContains(kBlanks, name.back())) name.remove_suffix(1);
    if (name.find_first_of(kBlanks) != absl::string_view::npos) {
      return Fail("an attribute is not allowed");
    }
    if (!IsName(name)) return Fail("not well-formed XML");
    if (open_.empty() && std::exchange(seen_root_, true)) return Fail("a second root");
    if (open_.empty() && name != "xml") return Fail("the root is not <xml>");
    if (++elements_ > kMaxPushFields) return Fail("too many elements");
    if (open_.size() >= kMaxPushDepth) return Fail("nested too deep");
    if (!empty) open_.push_back(name);
  }

  void Text() {
    const absl::string_view text = rest_.substr(0, std::min(rest_.find('<'), rest_.size()));
    rest_.remove_prefix(text.size());
    if (open_.empty() && text.find_first_not_of(kBlanks) != absl::string_view::npos) {
      return Fail("text outside of the root");
    }
    for (std::size_t i = 0; i < text.size();) {
      const std::size_t reference = std::min(text.find('&', i), text.size());
      Append(text.substr(i, reference - i));
      if (reference == text.size()) break;
      if (!absl::StartsWith(text.substr(reference + 1), "#")) {
        if (!StartsEntity(text.substr(reference))) return Fail("an entity that XML doesn't have");
        Append("&");
        i = reference + 1;
        continue;
      }
      const std::size_t end = text.find_first_not_of("#xX0123456789abcdefABCDEF", reference + 1);
      const bool closed = end != absl::string_view::npos && text[end] == ';';
      const std::size_t stop = std::min(end, text.size());
      const absl::string_view inside = text.substr(reference + 1, stop - reference - 1);
      i = closed ? stop + 1 : stop;
      if (closed && IsLawfulReference(inside)) {
        Append(text.substr(reference, i - reference));
      } else {
        Append(kReplacement);
      }
    }
  }

  void Append(absl::string_view piece) { out_.append(piece.data(), piece.size()); }

  const std::string body_;
  absl::string_view rest_;
  std::string out_;
  std::vector<absl::string_view> open_;
  std::size_t elements_ = 0;
  bool seen_root_ = false;
  bool failed_ = false;
  absl::string_view problem_;
};

}  // namespace

absl::StatusOr<std::string> ScanXml(absl::string_view body) {
  return Scanner(CleanText(body)).Run();
}

}  // namespace hongyan::wechat
