#include "connector/tool/explain_options.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <string_view>

#include "connector/api/schema.h"

namespace kms::tool {
namespace {

/// Decided by identity policies alone, about "*".
constexpr std::array<std::string_view, 10> kWithoutKey{"ConnectCustomKeyStore",
                                                       "CreateCustomKeyStore",
                                                       "CreateKey",
                                                       "DeleteCustomKeyStore",
                                                       "DescribeCustomKeyStores",
                                                       "DisconnectCustomKeyStore",
                                                       "GenerateRandom",
                                                       "ListAliases",
                                                       "ListKeys",
                                                       "UpdateCustomKeyStore"};

std::string read_text(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  if (!in) throw ExplainFault(file + ": cannot be read");
  return text;
}

bool is_option(std::string_view word) { return word.starts_with("--"); }

/// Takes the pairs that follow --context; false: there is none, or one is no pair.
bool take_pairs(std::span<const char* const>& words, ExplainOptions& options) {
  if (words.empty() || is_option(words[0])) return false;
  for (; !words.empty() && !is_option(words[0]); words = words.subspan(1)) {
    const std::string pair = words[0];
    const auto equals = pair.find('=');
    if (equals == std::string::npos || equals == 0) return false;
    options.context.emplace_back(pair.substr(0, equals), pair.substr(equals + 1));
  }
  return true;
}

void check_action(const ExplainOptions& options) {
  constexpr std::string_view kPrefix = "kms:";
  std::string_view name = options.action;
  if (name.starts_with(kPrefix)) name.remove_prefix(kPrefix.size());
  // ReEncrypt asks for two others.
  const bool part = name == "ReEncryptFrom" || name == "ReEncryptTo";
  const bool known = part || (name != "ReEncrypt" && api::find_operation(name) != nullptr);
  if (!options.action.starts_with(kPrefix) || !known) {
    throw ExplainFault("no such action: " + options.action);
  }
  if (name == "RetireGrant" || name == "ListRetirableGrants") {
    throw ExplainFault(options.action + " is not about a key");
  }
  const bool without_key = std::ranges::count(kWithoutKey, name) != 0;
  if (without_key == options.key.empty()) return;
  throw ExplainFault(options.action + (without_key ? " is not about a key" : " needs --key"));
}

}  // namespace

std::optional<ExplainOptions> parse_explain(std::span<const char* const> words) {
  ExplainOptions options;
  const std::array<std::pair<std::string_view, std::string*>, 5> texts{
      {{"--config", &options.config},
       {"--principal", &options.principal},
       {"--action", &options.action},
       {"--key", &options.key},
       {"--region", &options.region}}};
  while (!words.empty()) {
    const std::string_view name = words[0];
    words = words.subspan(1);
    if (name == "--context") {
      if (!take_pairs(words, options)) return std::nullopt;
      continue;
    }
    if (words.empty()) return std::nullopt;
    const std::string value = words[0];
    words = words.subspan(1);
    if (name == "--policy") {
      options.policy = read_text(value);
      continue;
    }
    const auto* const known =
        std::ranges::find_if(texts, [&](const auto& text) { return text.first == name; });
    if (known == texts.end() || !known->second->empty() || value.empty()) return std::nullopt;
    *known->second = value;
  }
  if (options.config.empty() || options.principal.empty() || options.action.empty()) {
    return std::nullopt;
  }
  check_action(options);
  return options;
}

}  // namespace kms::tool
