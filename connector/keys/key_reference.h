#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "connector/base/arn.h"

namespace kms::keys {

/// Which forms of a key reference an operation takes.
enum class Accepts : std::uint8_t {
  any,       // key id, key ARN, alias name, alias ARN
  key_only,  // key id or key ARN
};

/// A key reference that is well formed: exactly one of key_id and alias is set.
struct KeyReference {
  Scope scope;  // from the ARN, else the caller's
  bool from_arn = false;
  std::string key_id;  // lower case
  std::string alias;   // with "alias/"
};

/// Throws InvalidArnException or NotFoundException as AWS does, before anything is looked up.
KeyReference parse_key_reference(std::string_view text, const Scope& caller, Accepts accepts);

/// Whether the text is a UUID or "mrk-" and 32 hex digits, of either case.
bool is_key_id(std::string_view text);

}  // namespace kms::keys
