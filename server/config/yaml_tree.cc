#include "server/config/yaml_tree.h"

#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <set>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "server/base/text.h"
#include "server/config/yaml_slips.h"

namespace hongyan::config {
namespace {

constexpr char kTooDeep[] = "is nested too deeply; 32 levels are the limit";

// Noncharacters that stand for the braces of ${NAME} while yaml-cpp looks on: plain text in a flow map, as in
// { token: ${NAME} }, could not have them.
constexpr absl::string_view kOpen = "\xef\xb7\x90";   // U+FDD0
constexpr absl::string_view kClose = "\xef\xb7\x91";  // U+FDD1

// Ends the parse. yaml-cpp's parser can be left in no other way; caught in ParseYaml.
struct Stop final : std::exception {};

bool IsControl(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') || byte == 0x7f;
}

// The text with the braces of each ${…} hidden, wherever it stands; Revealed() undoes it in every scalar.
std::string Hidden(absl::string_view text) {
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

std::string Revealed(const std::string& text) {
  return absl::StrReplaceAll(text, {{kOpen, "{"}, {kClose, "}"}});
}

// Builds the tree from the parser's events and watches the limits.
class Builder final : public YAML::EventHandler {
 public:
  // `text` is what the parser reads.
  Builder(absl::string_view text, Findings& findings) : text_(text), findings_(findings) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) Refuse(mark, "a second document starts here; the file may have one only");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    CheckAnchor(mark, anchor);
    Add(mark, {});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    Refuse(mark, "aliases (*name) are not taken; write the value out");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    CheckAnchor(mark, anchor);
    // yaml-cpp's own marks: "?" for plain scalars, "!" for quoted ones.
    if (!tag.empty() && tag != "?" && tag != "!") RefuseTag(mark);
    if (!base::IsUtf8(value)) Refuse(mark, "an escape in this text makes no valid UTF-8");
    if (std::any_of(value.begin(), value.end(), IsControl)) {
      Refuse(mark, "an escape in this text makes a control character");
    }
    YamlNode node;
    node.kind = YamlNode::Kind::kScalar;
    node.scalar = Revealed(value);
    node.quoted = tag == "!";
    if (node.quoted && IsOpenQuote(text_, mark.line + 1, mark.column)) {
      Refuse(mark,
             "a quote is opened here and never closed; full-width quotes (“ ”) are none to YAML");
    }
    Add(mark, std::move(node));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, YamlNode::Kind::kList);
  }
  void OnSequenceEnd() override { Close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    Open(mark, tag, anchor, YamlNode::Kind::kMap);
  }
  void OnMapEnd() override { Close(); }

  // The whole tree, once the parser is done. Without a document: an empty map.
  YamlNode Take() {
    if (documents_ == 0) {
      root_.kind = YamlNode::Kind::kMap;
      root_.line = 1;
    }
    return std::move(root_);
  }
  // The path of what the parser is at.
  std::string Path() const {
    std::string path;
    for (const Frame& frame : open_) {
      if (frame.node.kind == YamlNode::Kind::kList) {
        path = Join(path, frame.node.children.size());
      } else if (frame.has_key) {
        path = Join(path, frame.key);
      }
    }
    return path;
  }

 private:
  // A collection that is not closed yet.
  struct Frame {
    YamlNode node;
    bool has_key = false;  // a key was read, its value comes next
    std::string key;
    int key_line = 0;
    std::set<std::string> keys;
  };

  [[noreturn]] void Refuse(const YAML::Mark& mark, absl::string_view message) {
    findings_.RefuseAt(Path(), mark.line + 1, message);
    throw Stop();
  }
  [[noreturn]] void RefuseTag(const YAML::Mark& mark) {
    Refuse(mark, "tags (!name) are not taken; write the value alone");
  }
  void CheckAnchor(const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (anchor != YAML::NullAnchor) {
      Refuse(mark, "anchors (&name) are not taken; write the value out");
    }
  }
  void Count(const YAML::Mark& mark) {
    if (++nodes_ > kMaxYamlNodes) {
      Refuse(mark, absl::StrCat("the file has too many values; ", kMaxYamlNodes, " are the limit"));
    }
  }
  bool WantsKey() const {
    return !open_.empty() && open_.back().node.kind == YamlNode::Kind::kMap &&
           !open_.back().has_key;
  }

  void Open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            YamlNode::Kind kind) {
    CheckAnchor(mark, anchor);
    if (!tag.empty() && tag != "?") RefuseTag(mark);
    Count(mark);
    if (WantsKey()) Refuse(mark, "a key must be plain text");
    if (open_.size() >= static_cast<std::size_t>(kMaxYamlDepth)) Refuse(mark, kTooDeep);
    Frame frame;
    frame.node.kind = kind;
    frame.node.line = mark.line + 1;
    frame.node.value_line = frame.node.line;
    open_.push_back(std::move(frame));
  }

  void Close() {
    YamlNode node = std::move(open_.back().node);
    open_.pop_back();
    Attach(std::move(node));
  }

  void Add(const YAML::Mark& mark, YamlNode node) {
    Count(mark);
    node.line = mark.line + 1;
    node.value_line = node.line;
    if (!WantsKey()) return Attach(std::move(node));
    if (node.kind != YamlNode::Kind::kScalar) Refuse(mark, "a key must be plain text");
    Frame& frame = open_.back();
    frame.has_key = true;
    frame.key = std::move(node.scalar);
    frame.key_line = node.line;
  }

  // Puts a finished node into the collection that is open.
  void Attach(YamlNode node) {
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = open_.back();
    if (frame.node.kind == YamlNode::Kind::kMap) {
      node.line = frame.key_line;
      const bool first = frame.keys.insert(frame.key).second;
      if (!first) findings_.RefuseAt(Path(), frame.key_line, "stands here a second time");
      frame.has_key = false;
      if (!first) return;
      node.key = std::move(frame.key);
    }
    frame.node.children.push_back(std::move(node));
  }

  const absl::string_view text_;
  Findings& findings_;
  std::vector<Frame> open_;
  YamlNode root_;
  int nodes_ = 0;
  int documents_ = 0;
};

// Refuses what no YAML file may hold, and what yaml-cpp would take for UTF-16.
bool CheckBytes(const std::string& text, Findings& findings) {
  int line = 1;
  std::size_t start = 0;
  while (start < text.size()) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    const absl::string_view bytes = absl::string_view(text).substr(start, end - start);
    if (!base::IsUtf8(bytes)) {
      findings.RefuseAt("", line, "is not UTF-8; save the file as UTF-8");
      return false;
    }
    if (std::any_of(bytes.begin(), bytes.end(), IsControl)) {
      findings.RefuseAt("", line, "holds a control character");
      return false;
    }
    start = end + 1;
    ++line;
  }
  return true;
}

// Whether `line` or the one before it is indented with a tab: the likely cause of an error there.
bool IndentedWithTab(const std::string& text, int line) {
  std::istringstream lines(text);
  std::string here;
  for (int i = 1; i <= line && std::getline(lines, here); ++i) {
    if (i < line - 1) continue;
    const std::string indent = here.substr(0, here.find_first_not_of(" \t\r"));
    if (indent.find('\t') != std::string::npos) return true;
  }
  return false;
}

}  // namespace

std::string Join(const std::string& path, const std::string& key) {
  const std::string shown = base::Printable(key, 64);
  return path.empty() ? shown : absl::StrCat(path, ".", shown);
}

std::string Join(const std::string& path, std::size_t index) {
  return absl::StrCat(path, "[", index, "]");
}

std::optional<YamlNode> ParseYaml(const std::string& text, Findings& findings) {
  if (!CheckBytes(text, findings)) return std::nullopt;
  const std::string hidden = Hidden(text);
  std::istringstream in(hidden);
  Builder builder(hidden, findings);
  try {
    YAML::Parser parser(in);
    while (parser.HandleNextDocument(builder)) {
    }
    return builder.Take();
  } catch (const Stop&) {
    return std::nullopt;
  } catch (const YAML::DeepRecursion& error) {
    findings.RefuseAt(builder.Path(), error.mark.line + 1, kTooDeep);
  } catch (const YAML::Exception& error) {
    const int line = error.mark.line + 1;
    if (IndentedWithTab(text, line)) {
      findings.RefuseAt(builder.Path(), line,
                        "the line is indented with a tab; YAML takes spaces only");
    } else if (const std::optional<YamlHint> hint = FindSlip(text, line)) {
      findings.RefuseAt(builder.Path(), hint->line, hint->message);
    } else {
      // It may quote one byte of several.
      findings.RefuseAt(builder.Path(), line,
                        absl::StrCat("is no YAML: ", base::Printable(error.msg)));
    }
  } catch (const std::exception& error) {
    findings.RefuseAt(builder.Path(), 0, absl::StrCat("can't be parsed: ", error.what()));
  }
  return std::nullopt;
}

}  // namespace hongyan::config
