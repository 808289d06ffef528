#pragma once

#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace kms::tool {

/// A request that might be made.
struct ExplainOptions {
  std::string config;                 // the file
  std::string principal;              // ARN of a user, role, root or role session
  std::string action;                 // "kms:Decrypt"
  std::string key;                    // id, ARN, alias name or alias ARN; empty: there is none
  std::string region;                 // empty: that of the key's ARN, or the default one
  std::optional<std::string> policy;  // the document that stands for the key's policy
  /// Pairs of the encryption context; condition keys ("aws:SourceIp").
  std::vector<std::pair<std::string, std::string>> context;
};

/// What is wrong with the question.
class ExplainFault final : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// `words` after "explain"; nullopt: no such command line. Reads the file of --policy. Throws
/// ExplainFault.
std::optional<ExplainOptions> parse_explain(std::span<const char* const> words);

}  // namespace kms::tool
