#include "server/config/yaml_slips.h"

#include <algorithm>
#include <cstddef>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace hongyan::config {
namespace {

constexpr absl::string_view kWideColon = "：";
constexpr absl::string_view kWideComma = "，";
// Full-width and no-break.
constexpr absl::string_view kOddSpaces[] = {"\xe3\x80\x80", "\xc2\xa0"};
constexpr absl::string_view kWideQuotes[] = {"“", "”", "‘", "’", "＂", "＇", "「", "」"};

bool IsWordByte(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_'; }

absl::string_view Word(absl::string_view text) {
  std::size_t end = 0;
  while (end < text.size() && IsWordByte(text[end])) ++end;
  return text.substr(0, end);
}

constexpr char kOddIndent[] =
    "the line is indented with a full-width or no-break space; YAML takes ordinary spaces only";

bool StartsWithOddSpace(absl::string_view text) {
  return absl::c_any_of(kOddSpaces,
                        [&](absl::string_view each) { return absl::StartsWith(text, each); });
}

bool HoldsWideQuote(absl::string_view text) {
  return absl::c_any_of(kWideQuotes,
                        [&](absl::string_view each) { return absl::StrContains(text, each); });
}

// Without what stands between ordinary quotes, and without a comment.
std::string Bare(absl::string_view line) {
  std::string bare;
  char quote = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
    } else if (c == '#' && (i == 0 || line[i - 1] == ' ')) {
      break;
    } else {
      bare += c;
    }
  }
  return bare;
}

// `rest` is what follows the key.
std::optional<KeySlip> SlipBehind(absl::string_view key, absl::string_view rest) {
  const auto slip = [&](absl::string_view what) {
    return KeySlip{std::string(key), absl::StrCat(what, " ", key, "; write \"", key, ": …\"")};
  };
  if (absl::ConsumePrefix(&rest, ":")) {
    if (StartsWithOddSpace(rest)) {
      return slip("there is a full-width or no-break space behind the colon of");
    }
    // An address is no key.
    if (rest.empty() || absl::ascii_isspace(rest.front()) || absl::StartsWith(rest, "//")) {
      return std::nullopt;
    }
    return slip("there is no blank behind the colon of");
  }
  if (absl::StartsWith(rest, kWideColon)) return slip("there is a full-width colon (：) behind");
  const absl::string_view next = absl::StripLeadingAsciiWhitespace(rest);
  if (absl::StartsWith(next, "=")) return slip("there is \"=\" instead of a colon behind");
  if (absl::StartsWith(next, kWideColon)) return slip("there is a full-width colon (：) behind");
  return std::nullopt;
}

// What is wrong with one line of a file; empty: nothing that could be told.
std::string SlipIn(absl::string_view line) {
  absl::string_view rest = line;
  while (!rest.empty()) {
    if (StartsWithOddSpace(rest)) {
      return kOddIndent;
    }
    if (rest.front() != ' ' && rest.front() != '\t') break;
    rest.remove_prefix(1);
  }
  if (absl::ConsumePrefix(&rest, "-")) {
    if (StartsWithOddSpace(rest)) {
      return "there is a full-width or no-break space behind the dash; write an ordinary one";
    }
    const absl::string_view key = Word(rest);
    if (!key.empty() && absl::StartsWith(rest.substr(key.size()), ":")) {
      return absl::StrCat("there is no blank behind the dash; write \"- ", key, ": …\"");
    }
    rest = absl::StripLeadingAsciiWhitespace(rest);
  }
  const absl::string_view key = Word(rest);
  if (!key.empty()) {
    if (const auto slip = SlipBehind(key, rest.substr(key.size()))) return slip->message;
  }
  const std::string bare = Bare(line);
  if (absl::StrContains(bare, kWideComma) && bare.find_first_of("{[") != std::string::npos) {
    return "there is a full-width comma (，); between braces and brackets YAML wants an ordinary "
           "one and a blank";
  }
  return "";
}

std::size_t Indent(absl::string_view line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

// Whether `line` is a key that stands deeper than the one above it, which has a value of its own.
bool IsTooDeep(absl::string_view above, absl::string_view line) {
  absl::string_view rest = absl::StripAsciiWhitespace(above);
  if (absl::ConsumePrefix(&rest, "- ")) return false;
  const absl::string_view key = Word(rest);
  return !key.empty() && absl::StartsWith(rest.substr(key.size()), ": ") &&
         absl::StrContains(line, ": ") && Indent(line) > Indent(above);
}

bool HasContent(absl::string_view line) {
  const absl::string_view text = absl::StripAsciiWhitespace(line);
  return !text.empty() && text.front() != '#';
}

// Whether an ordinary quote opens in this line, and a full-width one was meant to close it.
bool OpensQuoteForGood(absl::string_view line) {
  return (std::count(line.begin(), line.end(), '"') % 2 == 1 ||
          std::count(line.begin(), line.end(), '\'') % 2 == 1) &&
         HoldsWideQuote(line);
}

}  // namespace

std::optional<YamlHint> FindSlip(absl::string_view text, int line) {
  const std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  const int last = std::min(line, static_cast<int>(lines.size()));
  int below = 0;
  for (int i = last; i >= 1; --i) {
    if (!HasContent(lines[i - 1])) continue;
    std::string message = SlipIn(lines[i - 1]);
    if (!message.empty()) return YamlHint{i, std::move(message)};
    if (below != 0) {
      if (!IsTooDeep(lines[i - 1], lines[below - 1])) break;
      return YamlHint{below,
                      "is indented deeper than the line above, which has a value already; keys of "
                      "one section stand below each other"};
    }
    below = i;
  }
  for (int i = 1; i <= last; ++i) {
    if (HasContent(lines[i - 1]) && OpensQuoteForGood(lines[i - 1])) {
      return YamlHint{
          i, "a quote is opened here and not closed; full-width quotes (“ ”) are none to YAML"};
    }
  }
  return std::nullopt;
}

std::optional<KeySlip> FindKeySlip(absl::string_view words) {
  if (StartsWithOddSpace(words)) {
    for (const absl::string_view each : kOddSpaces) words = absl::StripPrefix(words, each);
    return KeySlip{std::string(Word(absl::StripLeadingAsciiWhitespace(words))), kOddIndent};
  }
  const absl::string_view key = Word(words);
  if (key.empty() || key.size() == words.size()) return std::nullopt;
  const absl::string_view rest = words.substr(key.size());
  if (auto slip = SlipBehind(key, rest)) return slip;
  if (!absl::ascii_isspace(rest.front()) && !StartsWithOddSpace(rest)) return std::nullopt;
  return KeySlip{std::string(key),
                 absl::StrCat("there is no colon behind ", key, "; write \"", key, ": …\"")};
}

std::string FindVariableSlip(absl::string_view value) {
  const auto message = [](absl::string_view name) {
    return absl::StrCat("names a variable in a way that isn't known here; write ${", name, "}");
  };
  if (value.size() > 2 && value.front() == '%' && value.back() == '%') {
    const absl::string_view name = Word(value.substr(1));
    if (name.size() == value.size() - 2) return message(name);
  }
  for (std::size_t i = value.find('$'); i != absl::string_view::npos; i = value.find('$', i + 1)) {
    absl::string_view rest = value.substr(i + 1);
    absl::string_view opening;
    for (const absl::string_view each : {"(", "｛"}) {
      if (absl::ConsumePrefix(&rest, each)) opening = each;
    }
    const absl::string_view name = Word(rest);
    // Without brackets only what looks like a variable: $5 is none.
    const bool is_name = name.size() > 1 && !absl::ascii_isdigit(name.front());
    const bool is_upper = std::none_of(name.begin(), name.end(), absl::ascii_islower);
    if (is_name && (is_upper || !opening.empty())) return message(name);
  }
  return "";
}

bool IsOpenQuote(absl::string_view text) {
  if (text.empty() || (text.front() != '"' && text.front() != '\'')) return false;
  const char quote = text.front();
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (quote == '"' && text[i] == '\\') {
      ++i;
    } else if (text[i] == quote) {
      // '' in a single-quoted text is one quote of it.
      if (quote == '"' || i + 1 >= text.size() || text[i + 1] != quote) return false;
      ++i;
    }
  }
  return true;
}

bool HasFullWidthQuotes(absl::string_view value) {
  const auto begins = [&](absl::string_view quote) { return absl::StartsWith(value, quote); };
  const auto ends = [&](absl::string_view quote) { return absl::EndsWith(value, quote); };
  return absl::c_any_of(kWideQuotes, begins) && absl::c_any_of(kWideQuotes, ends);
}

}  // namespace hongyan::config
