#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "connector/auth/policy.h"
#include "tests/fuzz/support.h"

namespace {

using kms::auth::Policy;
using kms::auth::PolicyError;
using kms::auth::PolicyKind;

std::optional<Policy> parse(std::string_view text, PolicyKind kind) {
  try {
    return kms::auth::parse_policy(text, kind);
  } catch (const PolicyError&) {
    return std::nullopt;
  }
}

}  // namespace

// Whatever the text, a policy comes out or a PolicyError; what KMS prints of a policy is the same
// policy.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  for (const PolicyKind kind :
       {PolicyKind::key, PolicyKind::identity, PolicyKind::session, PolicyKind::trust}) {
    const auto policy = parse(input, kind);
    if (!policy) continue;
    kms::fuzz::require(!policy->statements.empty(), "a policy has statements");
    const std::string text = kms::auth::to_text(*policy);
    kms::fuzz::require(kms::fuzz::is_json(text), "a policy is JSON", text);
    const auto again = parse(text, kind);
    kms::fuzz::require(again == policy, "what is printed is the same policy", text);
    kms::fuzz::require(kms::auth::to_text(*again) == text, "and is printed the same", text);
  }
  return 0;
}
