#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connector/auth/condition.h"

// A policy document in IAM's language (IAM User Guide, "IAM JSON policy elements reference"), as
// values.
namespace kms::auth {

/// Where a policy is attached. It decides what statements must say (a Principal or none, a Resource
/// or none).
enum class PolicyKind : std::uint8_t {
  key,       // resource policy of a KMS key
  identity,  // of a user, role or group; also a permissions boundary
  session,   // passed to AssumeRole
  trust,     // of a role: who may assume it
};

/// Whom a Principal or NotPrincipal element names.
struct PrincipalSet {
  bool inverted = false;  // NotPrincipal
  /// "*", an ARN, or an account's 12 digits, as written.
  std::vector<std::string> aws;
  /// Service, Federated and CanonicalUser principals, which nobody here is: kind and value.
  std::vector<std::pair<std::string, std::string>> others;
  bool operator==(const PrincipalSet&) const = default;
};

/// Action or NotAction; Resource or NotResource.
struct PatternSet {
  bool inverted = false;
  std::vector<std::string> patterns;
  bool operator==(const PatternSet&) const = default;
};

struct Statement {
  std::string sid;
  bool allow = false;
  std::optional<PrincipalSet> principals;  // key and trust policies
  PatternSet actions;
  std::optional<PatternSet> resources;  // key and identity policies
  std::vector<Condition> conditions;    // all must hold
  bool variables = false;               // "${...}" is filled in: since Version 2012-10-17
  bool operator==(const Statement&) const = default;
};

struct Policy {
  std::string version;  // empty: not given
  std::string id;       // empty: not given
  std::vector<Statement> statements;
  bool operator==(const Policy&) const = default;
};

/// A policy with the name under which decisions cite it.
struct NamedPolicy {
  std::string name;
  Policy policy;
};

/// What is wrong with a document, and where.
class PolicyError final : public std::runtime_error {
 public:
  enum class Fault : std::uint8_t { malformed, invalid_arn };
  PolicyError(Fault fault, std::string where, const std::string& text)
      : std::runtime_error(text), fault_(fault), where_(std::move(where)) {}
  [[nodiscard]] Fault fault() const noexcept { return fault_; }
  /// The path of the element: "Statement[1].Condition.StringEquals"; empty: the document as a
  /// whole.
  [[nodiscard]] const std::string& where() const noexcept { return where_; }

 private:
  Fault fault_;
  std::string where_;
};

/// Reads a JSON document; throws PolicyError. Whether the principals exist is not looked at.
Policy parse_policy(std::string_view json, PolicyKind kind);

/// How many of an ARN's six fields the pattern of a Resource lacks. Identity policies are read as
/// if `*` stood there (IAM User Guide, "IAM JSON policy elements: Resource"); no other policy that
/// is given now may lack any.
[[nodiscard]] std::size_t missing_arn_fields(std::string_view pattern);
/// What is said of a Resource that is no ARN.
[[nodiscard]] std::string not_an_arn(const std::string& resource);

/// The document as KMS prints it: GetKeyPolicy does not answer the bytes that were sent.
std::string to_text(const Policy& policy);

}  // namespace kms::auth
