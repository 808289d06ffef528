#include "config/yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <sstream>
#include <unordered_map>

#include "config/load.h"

namespace config {
namespace {

constexpr std::size_t kMaxKeyBytes = 512;

/// The number of bytes of the UTF-8 sequence at `text`'s start; 0 if it is none (RFC 3629).
std::size_t utf8_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = at(0);
  std::size_t length = 0;
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) length = 2;
  if (first >= 0xE0 && first <= 0xEF) length = 3;
  if (first >= 0xF0 && first <= 0xF4) length = 4;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
  }
  const std::uint8_t second = at(1);
  const bool overlong = (first == 0xE0 && second < 0xA0) || (first == 0xF0 && second < 0x90);
  const bool surrogate = first == 0xED && second >= 0xA0;
  const bool beyond = first == 0xF4 && second >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

// yaml-cpp guesses UTF-16 and UTF-32, replaces what it cannot decode, and takes the byte 4 for the
// end of the file; none of that must decide what a configuration says.
void check_characters(const std::string& file, std::string_view text) {
  int line = 1;
  int column = 1;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text.substr(i));
    if (length == 0) throw Error(file, line, column, ".", "not UTF-8");
    const auto byte = static_cast<std::uint8_t>(text[i]);
    // A carriage return alone ends no line here, nor for the reader of the file.
    const bool line_end = byte == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
    if ((byte < 0x20 && byte != '\t' && byte != '\n' && !line_end) || byte == 0x7F) {
      throw Error(file, line, column, ".", "control character");
    }
    if (byte == '\n') {
      ++line;
      column = 1;
    } else {
      column += static_cast<int>(length);
    }
    i += length;
  }
}

/// Builds the tree from yaml-cpp's events, which, unlike its nodes, still tell a repeated key.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(const std::string& file) : file_(file) {}

  std::unique_ptr<Node> take() { return std::move(root_); }
  [[nodiscard]] std::string open_path() const {
    return stack_.empty() ? "." : stack_.back().node->path();
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (started_) refuse(mark, "a second YAML document; one file is one document");
    started_ = true;
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_anchor(mark, anchor);
    if (expects_key()) refuse(mark, "an empty key");
    add(mark, Node::Kind::null);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(mark, "anchors and aliases are not supported");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (expects_key()) {
      take_key(mark, value);
      return;
    }
    Node& node = add(mark, Node::Kind::scalar);
    node.text = value;
    node.quoted = tag == "!";
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::sequence);
  }
  void OnSequenceEnd() override { stack_.pop_back(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::mapping);
  }
  void OnMapEnd() override { stack_.pop_back(); }

 private:
  struct PendingKey {
    std::string text;
    int line;
    int column;
  };
  struct Level {
    Node* node;
    std::optional<PendingKey> key;
    std::unordered_map<std::string, int> lines;  // of the keys seen
  };

  [[noreturn]] void refuse(const YAML::Mark& mark, const std::string& text) const {
    throw Error(file_, mark.line + 1, mark.column + 1, open_path(), text);
  }
  void refuse_anchor(const YAML::Mark& mark, YAML::anchor_t anchor) const {
    if (anchor != YAML::NullAnchor) refuse(mark, "anchors and aliases are not supported");
  }
  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    // "?" is yaml-cpp's word for a plain scalar or collection, "!" for a quoted scalar.
    if (!tag.empty() && tag != "?" && tag != "!") refuse(mark, "tags are not supported");
  }
  [[nodiscard]] bool expects_key() const {
    return !stack_.empty() && stack_.back().node->kind == Node::Kind::mapping && !stack_.back().key;
  }

  void take_key(const YAML::Mark& mark, const std::string& value) {
    Level& level = stack_.back();
    const int line = mark.line + 1;
    const int column = mark.column + 1;
    if (value == "<<") refuse(mark, "merge keys are not supported");
    if (value.size() > kMaxKeyBytes) refuse(mark, "a key of more than 512 bytes");
    const auto [seen, first] = level.lines.try_emplace(value, line);
    if (!first) {
      throw Error(file_, line, column, join_path(open_path(), value),
                  "repeated key; first in line " + std::to_string(seen->second));
    }
    level.key = PendingKey{value, line, column};
  }

  Node& add(const YAML::Mark& mark, Node::Kind kind) {
    auto node = std::make_unique<Node>();
    Node& added = *node;
    added.kind = kind;
    added.line = added.key_line = mark.line + 1;
    added.column = added.key_column = mark.column + 1;
    if (stack_.empty()) {
      root_ = std::move(node);
      return added;
    }
    Level& level = stack_.back();
    added.parent = level.node;
    added.index = level.node->children.size();
    if (level.key) {
      added.key = std::move(level.key->text);
      added.key_line = level.key->line;
      added.key_column = level.key->column;
      level.key.reset();
      // yaml-cpp places an empty value at whatever token comes next.
      if (kind == Node::Kind::null) {
        added.line = added.key_line;
        added.column = added.key_column;
      }
    }
    level.node->children.push_back(std::move(node));
    return added;
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
            Node::Kind kind) {
    refuse_anchor(mark, anchor);
    refuse_tag(mark, tag);
    if (expects_key()) refuse(mark, "a key that is not text");
    if (stack_.size() == kMaxDepth) {
      refuse(mark, "nested deeper than " + std::to_string(kMaxDepth) + " levels");
    }
    Node& node = add(mark, kind);
    stack_.push_back(Level{&node, std::nullopt, {}});
  }

  const std::string& file_;
  std::unique_ptr<Node> root_;
  std::vector<Level> stack_;
  bool started_ = false;
};

}  // namespace

std::string printable(std::string_view text) {
  constexpr std::size_t kShown = 128;
  std::string shown;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = std::max<std::size_t>(utf8_length(text.substr(i)), 1);
    if (i + length > kShown) return shown + "...";
    const auto byte = static_cast<std::uint8_t>(text[i]);
    // C1 control characters are C2 80 to C2 9F in UTF-8.
    const bool control =
        byte < 0x20 || byte == 0x7F ||
        (byte == 0xC2 && length == 2 && static_cast<std::uint8_t>(text[i + 1]) < 0xA0);
    if (control) {
      shown += '?';
    } else {
      shown += text.substr(i, length);
    }
    i += length;
  }
  return shown;
}

std::string join_path(const std::string& base, std::string_view name) {
  std::string segment = printable(name);
  // A dot, bracket or space of the key's own would read as structure.
  if (segment.empty() || segment.find_first_of(".[] \"") != std::string::npos) {
    segment = '"' + segment + '"';
  }
  return base == "." ? segment : base + '.' + segment;
}

std::string Node::path() const {
  if (parent == nullptr) return ".";
  if (parent->kind == Kind::mapping) return join_path(parent->path(), key);
  const std::string base = parent->path();
  return (base == "." ? "" : base) + '[' + std::to_string(index) + ']';
}

const Node* Node::find(std::string_view name) const {
  const auto found = std::find_if(children.begin(), children.end(),
                                  [&](const auto& child) { return child->key == name; });
  return kind == Kind::mapping && found != children.end() ? found->get() : nullptr;
}

std::unique_ptr<Node> parse_yaml(const std::string& file, std::string_view text) {
  if (text.size() > kMaxFileBytes) throw Error(file, 1, 1, ".", "larger than 1 MiB");
  check_characters(file, text);
  TreeBuilder builder(file);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    const bool placed = !error.mark.is_null();
    throw Error(file, placed ? error.mark.line + 1 : 1, placed ? error.mark.column + 1 : 1,
                builder.open_path(), "not YAML: " + printable(error.msg));
  }
  auto root = builder.take();
  if (root == nullptr || root->kind == Node::Kind::null) throw Error(file, 1, 1, ".", "empty");
  return root;
}

}  // namespace config
