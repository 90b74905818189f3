#include "server/config/yaml_file.h"

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <sstream>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "server/base/text.h"
#include "server/config/yaml_slips.h"

namespace hongyan::config {
namespace {

constexpr char kTooDeep[] = "is nested too deeply; 32 levels are the limit";

// Noncharacters that stand for the braces of ${NAME} while yaml-cpp reads: plain text in a flow
// map, as in { token: ${NAME} }, could not have them.
constexpr absl::string_view kOpen = "\xef\xb7\x90";   // U+FDD0
constexpr absl::string_view kClose = "\xef\xb7\x91";  // U+FDD1

bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7f;
}

bool HasControl(absl::string_view text) { return std::any_of(text.begin(), text.end(), IsControl); }

// yaml-cpp's own tags.
constexpr absl::string_view kPlain = "?";
constexpr absl::string_view kQuoted = "!";  // of scalars, blocks too

// The text with the braces of each ${…} hidden, wherever it stands. Reveal() undoes it.
std::string HideBraces(absl::string_view text) {
  std::string result;
  result.reserve(text.size());
  while (true) {
    const std::size_t start = text.find("${");
    if (start == absl::string_view::npos) break;
    const std::size_t inside = start + 2;
    const std::size_t end = text.find_first_of("{}\"', \t\r\n", inside);
    if (end == absl::string_view::npos || text[end] != '}') {
      absl::StrAppend(&result, text.substr(0, inside));
      text.remove_prefix(inside);
      continue;
    }
    absl::StrAppend(&result, text.substr(0, start + 1), kOpen, text.substr(inside, end - inside),
                    kClose);
    text.remove_prefix(end + 1);
  }
  absl::StrAppend(&result, text);
  return result;
}

std::string Reveal(absl::string_view text) {
  return absl::StrReplaceAll(text, {{kOpen, "{"}, {kClose, "}"}});
}

// Refuses what no YAML file may hold, and what yaml-cpp would take for UTF-16.
bool CheckBytes(const std::vector<absl::string_view>& lines, Findings& findings) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const char* problem = nullptr;
    if (HasControl(lines[i])) problem = "holds a control character";
    if (!base::IsUtf8(lines[i])) problem = "is not UTF-8; save the file as UTF-8";
    if (problem == nullptr) continue;
    findings.RefuseAt("", static_cast<int>(i) + 1, problem);
    return false;
  }
  return true;
}

// Whether `line` or the one before it is indented with a tab: the likely cause of an error there.
bool IsIndentedWithTab(const std::vector<absl::string_view>& lines, int line) {
  for (int i = std::max(0, line - 2); i < line && i < static_cast<int>(lines.size()); ++i) {
    const absl::string_view indent = lines[i].substr(0, lines[i].find_first_not_of(" \t\r"));
    if (absl::StrContains(indent, '\t')) return true;
  }
  return false;
}

// Ends the parse. yaml-cpp's parser can be left in no other way; caught in ParseYaml.
struct Stop final : std::exception {};

// Follows the parser: knows at which key it is, and refuses what a configuration may not hold.
class Guard final : public YAML::EventHandler {
 public:
  // `text` is what the parser reads.
  Guard(absl::string_view text, Findings& findings)
      : lines_(absl::StrSplit(text, '\n')), end_(text.data() + text.size()), findings_(findings) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) Refuse(mark, "a second document starts here; the file may have one only");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    CheckNode(mark, "", anchor);
    if (WantsKey()) Refuse(mark, "a key must be plain text");
    Pass("");
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    Refuse(mark, "aliases (*name) are not taken; write the value out");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const bool quoted = tag == kQuoted;
    CheckNode(mark, quoted ? "" : tag, anchor);
    if (!base::IsUtf8(value)) Refuse(mark, "an escape in this text makes no valid UTF-8");
    if (HasControl(value)) Refuse(mark, "an escape in this text makes a control character");
    if (quoted && IsOpenQuote(TextFrom(mark))) {
      Refuse(mark,
             "a quote is opened here and never closed; full-width quotes (“ ”) are none to YAML");
    }
    Pass(value);
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, /*is_list=*/true);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, /*is_list=*/false);
  }
  void OnMapEnd() override { Close(); }

  bool has_document() const { return documents_ > 0; }

  // The path of what the parser is at.
  std::string Path() const {
    std::string path;
    for (const Frame& frame : open_) {
      if (frame.is_list) path = Join(path, frame.items);
      if (frame.has_key) path = Join(path, Reveal(frame.key));
    }
    return path;
  }

 private:
  // A list or a map that is not closed yet.
  struct Frame {
    bool is_list = false;
    std::size_t items = 0;
    bool has_key = false;  // a key was read, its value comes next
    std::string key = {};
  };

  [[noreturn]] void Refuse(const YAML::Mark& mark, absl::string_view message) {
    findings_.RefuseAt(Path(), mark.line + 1, message);
    throw Stop();
  }

  void CheckNode(const YAML::Mark& mark, absl::string_view tag, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) {
      Refuse(mark, "anchors (&name) are not taken; write the value out");
    }
    if (!tag.empty() && tag != kPlain) {
      Refuse(mark, "tags (!name) are not taken; write the value alone");
    }
    if (++nodes_ > kMaxYamlNodes) {
      Refuse(mark, absl::StrCat("the file has too many values; ", kMaxYamlNodes, " are the limit"));
    }
  }

  bool WantsKey() const { return !open_.empty() && !open_.back().is_list && !open_.back().has_key; }

  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, bool is_list) {
    CheckNode(mark, tag, anchor);
    if (WantsKey()) Refuse(mark, "a key must be plain text");
    if (open_.size() >= kMaxYamlDepth) Refuse(mark, kTooDeep);
    open_.push_back({is_list});
  }
  void Close() {
    open_.pop_back();
    Pass("");
  }

  // Goes on from a key to its value, or from a value to the next key or item.
  void Pass(const std::string& key) {
    if (open_.empty()) return;
    Frame& frame = open_.back();
    frame.has_key = WantsKey();
    frame.key = key;
    ++frame.items;
  }

  // The text from `mark` on.
  absl::string_view TextFrom(const YAML::Mark& mark) const {
    const auto line = static_cast<std::size_t>(mark.line);
    const auto column = static_cast<std::size_t>(mark.column);
    if (line >= lines_.size() || column >= lines_[line].size()) return "";
    const char* begin = lines_[line].data() + column;
    return absl::string_view(begin, static_cast<std::size_t>(end_ - begin));
  }

  const std::vector<absl::string_view> lines_;
  const char* const end_;
  Findings& findings_;
  std::vector<Frame> open_;
  int nodes_ = 0;
  int documents_ = 0;
};

void ExplainSyntax(const YAML::Exception& error, const std::string& path, absl::string_view text,
                   const std::vector<absl::string_view>& lines, Findings& findings) {
  const int line = error.mark.line + 1;
  if (IsIndentedWithTab(lines, line)) {
    findings.RefuseAt(path, line, "the line is indented with a tab; YAML takes spaces only");
  } else if (const std::optional<YamlHint> hint = FindSlip(text, line)) {
    findings.RefuseAt(path, hint->line, hint->message);
  } else {
    // The message may quote one byte of several.
    findings.RefuseAt(path, line, absl::StrCat("is no YAML: ", base::Printable(error.msg)));
  }
}

}  // namespace

std::string GetScalar(const YAML::Node& scalar) { return Reveal(scalar.Scalar()); }

bool IsQuoted(const YAML::Node& scalar) { return scalar.Tag() == kQuoted; }

std::string Join(absl::string_view path, absl::string_view key) {
  const std::string shown = base::Printable(key, 64);
  return path.empty() ? shown : absl::StrCat(path, ".", shown);
}

std::string Join(absl::string_view path, std::size_t index) {
  return absl::StrCat(path, "[", index, "]");
}

std::optional<YAML::Node> ParseYaml(const std::string& text, Findings& findings) {
  const std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  if (!CheckBytes(lines, findings)) return std::nullopt;
  // yaml-cpp counts columns without a byte-order mark.
  const std::string hidden = HideBraces(absl::StripPrefix(text, "\xef\xbb\xbf"));
  Guard guard(hidden, findings);
  try {
    std::istringstream in(hidden);
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(guard)) {
    }
    return guard.has_document() ? YAML::Load(hidden) : YAML::Node(YAML::NodeType::Map);
  } catch (const Stop&) {
  } catch (const YAML::DeepRecursion& error) {
    findings.RefuseAt(guard.Path(), error.mark.line + 1, kTooDeep);
  } catch (const YAML::Exception& error) {
    ExplainSyntax(error, guard.Path(), text, lines, findings);
  } catch (const std::exception& error) {
    findings.RefuseAt(guard.Path(), 0, absl::StrCat("can't be parsed: ", error.what()));
  }
  return std::nullopt;
}

}  // namespace hongyan::config
