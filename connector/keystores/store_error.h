#pragma once

#include <string>

#include "connector/api/error.h"

// What the operations on custom key stores refuse. No answer of AWS is recorded for these, so each
// says what the API reference says of it.
namespace kms::keystores {

[[nodiscard]] api::Error cluster_in_use();
[[nodiscard]] api::Error cluster_invalid_configuration();
[[nodiscard]] api::Error cluster_not_active();
[[nodiscard]] api::Error cluster_not_found();
[[nodiscard]] api::Error cluster_not_related();
[[nodiscard]] api::Error incorrect_trust_anchor();
[[nodiscard]] api::Error store_has_keys();
[[nodiscard]] api::Error store_invalid_state();
[[nodiscard]] api::Error store_name_in_use();
[[nodiscard]] api::Error store_not_found();
[[nodiscard]] api::Error too_many_stores();
/// KMSInvalidStateException of a key whose store is not CONNECTED.
[[nodiscard]] api::Error key_unavailable(const std::string& key_arn);

}  // namespace kms::keystores
