#include "config/policy.h"

#include <cstdio>
#include <string_view>

namespace config {
namespace {

void append_json(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.append({'\\', c});
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
      out += escaped;
    } else {
      out += c;
    }
  }
  out += '"';
}

constexpr std::string_view kStatement = "Statement";

/// Writes a tree as JSON, two spaces a level, and notes where each of its elements stands.
class PolicyWriter {
 public:
  explicit PolicyWriter(Policy& policy) : policy_(policy) {}

  void write(const Node& node, const std::string& path) {
    note(path, node);
    // A lone statement is also the first of a list.
    if ((path == kStatement && node.kind == Node::Kind::mapping) ||
        path.starts_with("Statement.")) {
      note("Statement[0]" + path.substr(kStatement.size()), node);
    }
    switch (node.kind) {
      case Node::Kind::null:
        policy_.json += "null";
        return;
      case Node::Kind::scalar:
        append_json(policy_.json, node.text);
        return;
      case Node::Kind::sequence:
        elements(node, '[', ']', [&](const Node& child) {
          write(child, path + '[' + std::to_string(child.index) + ']');
        });
        return;
      case Node::Kind::mapping:
        elements(node, '{', '}', [&](const Node& child) {
          append_json(policy_.json, child.key);
          policy_.json += ": ";
          write(child, path.empty() ? child.key : path + '.' + child.key);
        });
        return;
    }
  }

  /// The document that a list of statements stands for.
  void write_document_of(const Node& statements) {
    policy_.json += "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": ";
    ++depth_;
    write(statements, std::string(kStatement));
    --depth_;
    policy_.json += "\n}";
    policy_.places.emplace("", policy_.places.at(std::string(kStatement)));
  }

 private:
  void note(const std::string& path, const Node& node) {
    policy_.places.try_emplace(
        path, Place{.line = node.line, .column = node.column, .key_path = node.path()});
  }

  template <class Body>
  void elements(const Node& node, char open, char close, const Body& body) {
    policy_.json += open;
    if (node.children.empty()) {
      policy_.json += close;
      return;
    }
    ++depth_;
    for (const auto& child : node.children) {
      policy_.json += child == node.children.front() ? "\n" : ",\n";
      policy_.json.append(2 * depth_, ' ');
      body(*child);
    }
    --depth_;
    policy_.json.append("\n").append(2 * depth_, ' ');
    policy_.json += close;
  }

  Policy& policy_;
  std::size_t depth_ = 0;
};

}  // namespace

const Place& Policy::place_of(std::string_view path) const {
  static const Place kNowhere;
  for (;;) {
    if (const auto found = places.find(path); found != places.end()) return found->second;
    if (path.empty()) return kNowhere;
    const std::size_t end = path.find_last_of(".[");
    path = end == std::string_view::npos ? std::string_view{} : path.substr(0, end);
  }
}

Policy read_policy(const Reader& reader, const Node& node, const std::string& name) {
  Policy policy;
  policy.name = name;
  policy.file = reader.file();
  PolicyWriter writer(policy);
  switch (node.kind) {
    case Node::Kind::mapping:
      writer.write(node, "");
      break;
    case Node::Kind::sequence:
      writer.write_document_of(node);
      break;
    case Node::Kind::null:
    case Node::Kind::scalar:
      reader.refuse(node, "expected a policy: a document, or a list of statements");
  }
  return policy;
}

std::vector<Policy> read_policies(const Reader& reader, const Node& owner) {
  std::vector<Policy> policies;
  const Node* one = owner.find("policy");
  const Node* several = owner.find("policies");
  if (one != nullptr && several != nullptr) {
    reader.refuse_key(*several, "policy is given as well; name that one here too");
  }
  if (one != nullptr) policies.push_back(read_policy(reader, *one, "policy"));
  if (several != nullptr) {
    reader.expect_mapping(*several);
    for (const auto& child : several->children) {
      policies.push_back(read_policy(reader, *child, child->key));
    }
  }
  return policies;
}

}  // namespace config
