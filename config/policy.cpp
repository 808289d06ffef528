#include "config/policy.h"

#include <algorithm>
#include <array>

namespace config {
namespace {

// Known to IAM, not yet to us; a policy that says more than we enforce must not load.
constexpr std::array<std::string_view, 5> kLater{"Condition", "NotAction", "NotResource",
                                                 "Principal", "NotPrincipal"};

bool is_action(std::string_view text) {
  constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz0123456789-";
  constexpr std::string_view kName =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789*?";
  if (text == "*") return true;
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view service = text.substr(0, colon);
  const std::string_view name = text.substr(colon + 1);
  return !service.empty() && service.find_first_not_of(kLower) == std::string_view::npos &&
         !name.empty() && name.find_first_not_of(kName) == std::string_view::npos;
}

std::string read_action(const Reader& reader, const Node& node) {
  std::string action = reader.text(node);
  if (!is_action(action))
    reader.refuse(node, "expected an action such as kms:Encrypt, kms:Describe* or *");
  return action;
}

void check_resource(const Reader& reader, const Node& node) {
  const bool listed = node.kind == Node::Kind::sequence && node.children.size() == 1;
  const Node& resource = listed ? *node.children.front() : node;
  if (resource.kind != Node::Kind::scalar || resource.text != "*") {
    reader.refuse(node, "only \"*\" is supported for now; single resources come with key policies");
  }
}

Statement read_statement(const Reader& reader, const Node& node) {
  reader.expect_mapping(node);
  for (const auto& child : node.children) {
    if (std::find(kLater.begin(), kLater.end(), child->key) != kLater.end()) {
      reader.refuse_key(*child, "not supported for now; it comes with key policies");
    }
  }
  Statement statement;
  reader.read(node, statement);
  statement.allow = reader.choice(*node.find("Effect"), option_of<Statement>("Effect")) == "Allow";
  const Node& action = *node.find("Action");
  if (action.kind == Node::Kind::sequence) {
    if (action.children.empty()) reader.refuse(action, "names no action");
    for (const auto& child : action.children)
      statement.actions.push_back(read_action(reader, *child));
  } else {
    statement.actions.push_back(read_action(reader, action));
  }
  check_resource(reader, *node.find("Resource"));
  return statement;
}

/// The Statement of a policy document, after its other keys have been checked.
const Node& statements_of(const Reader& reader, const Node& document) {
  for (const auto& child : document.children) {
    if (child->key == "Version") {
      if (reader.text(*child) != "2012-10-17") reader.refuse(*child, "expected \"2012-10-17\"");
    } else if (child->key == "Id") {
      static_cast<void>(reader.text(*child));
    } else if (child->key != "Statement") {
      reader.refuse_key(*child, "unknown key; known here: Version Id Statement");
    }
  }
  const Node* statements = document.find("Statement");
  if (statements == nullptr) reader.refuse_missing(document, "Statement");
  return *statements;
}

}  // namespace

std::vector<Statement> read_policy(const Reader& reader, const Node& node) {
  const Node& statements = node.kind == Node::Kind::mapping ? statements_of(reader, node) : node;
  std::vector<Statement> policy;
  if (&statements != &node && statements.kind == Node::Kind::mapping) {
    policy.push_back(read_statement(reader, statements));
    return policy;
  }
  reader.expect_list(statements);
  for (const auto& statement : statements.children)
    policy.push_back(read_statement(reader, *statement));
  return policy;
}

}  // namespace config
