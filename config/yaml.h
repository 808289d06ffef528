#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

// YAML as the configuration takes it: one document of mappings, sequences and scalars. Anchors,
// aliases, merge keys, tags, repeated keys and keys that are not text are refused.
namespace config {

/// One value of the document, with its place.
struct Node {
  enum class Kind : unsigned char { null, scalar, sequence, mapping };

  Kind kind = Kind::null;
  bool quoted = false;
  std::string text;                             // of a scalar
  std::vector<std::unique_ptr<Node>> children;  // in the order of the file
  std::string key;                              // if the parent is a mapping
  std::size_t index = 0;                        // if it is a sequence
  const Node* parent = nullptr;
  int line =
      1;  // of the value, or of its key if the value is empty; counted from 1, columns in bytes
  int column = 1;
  int key_line = 1;  // of the key, where there is one, else as above
  int key_column = 1;

  /// "regions.us-east-1.token.sessions", "listeners[0].port"; "." for the document.
  [[nodiscard]] std::string path() const;
  /// The value of a mapping's key; null if there is none.
  [[nodiscard]] const Node* find(std::string_view name) const;
};

/// `base` and `name` joined as in Node::path.
std::string join_path(const std::string& base, std::string_view name);
/// The text cut to a readable length, control characters replaced: for messages of one line.
std::string printable(std::string_view text);

inline constexpr std::size_t kMaxFileBytes = 1024 * 1024;
inline constexpr std::size_t kMaxDepth = 32;

/// Parses the text of a file; throws Error, which names `file`.
std::unique_ptr<Node> parse_yaml(const std::string& file, std::string_view text);

}  // namespace config
