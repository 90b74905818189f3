#include "value_rules.h"

#include <algorithm>

#include "text.h"

namespace hongyan::sandbox {
namespace {

using Text = std::u32string;

bool IsDigit(char32_t c) { return c >= U'0' && c <= U'9'; }
bool IsLetter(char32_t c) { return (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z'); }
bool IsChinese(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || c == 0x3007 ||
         (c >= 0x20000 && c <= 0x3134F);
}
bool IsPrintableAscii(char32_t c) { return c >= 0x20 && c < 0x7F; }
bool IsControl(char32_t c) { return c < 0x20 || (c >= 0x7F && c < 0xA0); }

template <class Predicate>
bool All(const Text& text, Predicate predicate) {
  return std::all_of(text.begin(), text.end(), predicate);
}

// Reads along a text; each method consumes what it recognises and says whether it did.
class Cursor {
 public:
  explicit Cursor(const Text& text) : text_(text) {}

  bool AtEnd() const { return at_ == text_.size(); }
  bool Take(char32_t c) {
    if (AtEnd() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void SkipBlanks() {
    while (Take(U' ')) {
    }
  }
  bool Number(size_t smallest_digits, size_t most_digits, int smallest, int largest) {
    size_t digits = 0;
    int number = 0;
    while (!AtEnd() && IsDigit(text_[at_]) && digits < most_digits) {
      number = number * 10 + static_cast<int>(text_[at_++] - U'0');
      ++digits;
    }
    return digits >= smallest_digits && number >= smallest && number <= largest;
  }
  // 2019年10月1日, 2019-10-01, 2019/10/1
  bool Date() {
    if (!Number(4, 4, 1000, 9999)) return false;
    const bool chinese = Take(U'年');
    const char32_t separator = chinese ? U'月' : (Take(U'-') ? U'-' : U'/');
    if (separator == U'/' && !Take(U'/')) return false;
    if (!Number(1, 2, 1, 12) || !Take(separator) || !Number(1, 2, 1, 31)) return false;
    return !chinese || Take(U'日') || Take(U'号');
  }
  // 15:01, 15:01:30
  bool TimeOfDay() {
    if (!Number(1, 2, 0, 24) || !Take(U':') || !Number(2, 2, 0, 59)) return false;
    return !Take(U':') || Number(2, 2, 0, 59);
  }
  bool DateAndPerhapsTime() {
    if (!Date()) return false;
    SkipBlanks();
    if (AtEnd() || text_[at_] == U'~') return true;
    return TimeOfDay();
  }
  size_t position() const { return at_; }
  void Return(size_t position) { at_ = position; }

 private:
  const Text& text_;
  size_t at_ = 0;
};

bool TimePoint(Cursor& cursor, bool date_needed) {
  const size_t start = cursor.position();
  if (cursor.DateAndPerhapsTime()) return true;
  cursor.Return(start);
  return !date_needed && cursor.TimeOfDay();
}

bool IsTime(const Text& text, bool date_needed) {
  Cursor cursor(text);
  if (!TimePoint(cursor, date_needed)) return false;
  cursor.SkipBlanks();
  if (cursor.Take(U'~')) {
    cursor.SkipBlanks();
    if (!TimePoint(cursor, false)) return false;
  }
  return cursor.AtEnd();
}

bool IsAmount(const Text& text) {
  constexpr std::u32string_view kCurrencies = U"¥￥$€£₩₽฿₫元";
  size_t begin = 0;
  size_t end = text.size();
  if (begin < end && kCurrencies.find(text[begin]) != std::u32string_view::npos) ++begin;
  if (end > begin && text[end - 1] == U'元') --end;
  size_t whole = 0;
  size_t decimals = 0;
  bool point = false;
  for (size_t i = begin; i < end; ++i) {
    if (text[i] == U'.' && !point) {
      point = true;
    } else if (IsDigit(text[i])) {
      ++(point ? decimals : whole);
    } else {
      return false;
    }
  }
  return whole >= 1 && whole <= 10 && decimals <= 10 && (!point || decimals >= 1);
}

bool IsNumber(const Text& text) {
  const auto points = std::count(text.begin(), text.end(), U'.');
  return text.size() <= 32 && points <= 1 && text.front() != U'.' && text.back() != U'.' &&
         All(text, [](char32_t c) { return IsDigit(c) || c == U'.'; });
}

bool IsCarNumber(const Text& text) {
  if (text.size() > 8) return false;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool edge = i == 0 || i + 1 == text.size();
    if (!IsDigit(text[i]) && !IsLetter(text[i]) && !(edge && IsChinese(text[i]))) return false;
  }
  return true;
}

bool IsName(const Text& text) {
  if (!All(text, [](char32_t c) { return !IsDigit(c); })) return false;
  const bool has_chinese = std::any_of(text.begin(), text.end(), IsChinese);
  return Utf16Length(text) <= (has_chinese ? 10 : 20);
}

bool IsPhoneNumber(const Text& text) {
  return text.size() <= 17 &&
         All(text, [](char32_t c) { return IsPrintableAscii(c) && !IsLetter(c); });
}

bool IsSymbol(const Text& text) {
  return Utf16Length(text) <= 5 &&
         All(text, [](char32_t c) { return !IsDigit(c) && !IsLetter(c) && !IsChinese(c); });
}

}  // namespace

std::string_view KeywordType(std::string_view key) {
  while (!key.empty() && key.back() >= '0' && key.back() <= '9') key.remove_suffix(1);
  return key;
}

bool IsAllowedValue(std::string_view key, std::string_view value,
                    const std::vector<std::string>& listed) {
  Text text;
  if (!DecodeUtf8(value, &text) || text.empty()) return false;
  const std::string_view type = KeywordType(key);
  if (type == "keyword" || type == "first" || type == "remark") return true;
  if (std::any_of(text.begin(), text.end(), IsControl)) return false;
  if (All(text, [](char32_t c) { return c == U' '; })) return false;

  if (type == "thing" || type == "short_thing") return Utf16Length(text) <= 20;
  if (type == "number") return IsNumber(text);
  if (type == "letter") return text.size() <= 32 && All(text, IsLetter);
  if (type == "symbol") return IsSymbol(text);
  if (type == "character_string") return text.size() <= 32 && All(text, IsPrintableAscii);
  if (type == "time") return IsTime(text, false);
  if (type == "date") return IsTime(text, true);
  if (type == "amount") return IsAmount(text);
  if (type == "phone_number") return IsPhoneNumber(text);
  if (type == "car_number") return IsCarNumber(text);
  if (type == "name") return IsName(text);
  if (type == "phrase") return text.size() <= 5 && All(text, IsChinese);
  if (type == "enum" || type == "const") {
    return listed.empty() ||
           std::find(listed.begin(), listed.end(), std::string(value)) != listed.end();
  }
  return true;
}

}  // namespace hongyan::sandbox
