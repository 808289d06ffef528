#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "connector/base/arn.h"
#include "connector/base/bytes.h"
#include "pkcs11/module.h"

// The clusters of the configuration and what is known of their tokens without logging in.
namespace kms::keystores {

/// Null unless this account and Region may name the cluster.
[[nodiscard]] const config::Cluster* find_cluster(const config::Config& config, const Scope& scope,
                                                  std::string_view cluster_id);
/// Whether the two share a backup history.
[[nodiscard]] bool share_history(const config::Cluster& a, const config::Cluster& b);
/// The one certificate in the text as DER; nullopt for anything else.
[[nodiscard]] std::optional<Bytes> certificate_der(std::string_view pem);
/// The tokens now present that the selector fits. With `rescan`, the module looks again if there
/// are none. Throws pkcs11::Error.
[[nodiscard]] std::vector<pkcs11::TokenInfo> present_tokens(pkcs11::Modules& modules,
                                                            const config::Token& token, bool rescan,
                                                            pkcs11::Deadline deadline);
/// Whether the two name the same physical token, as far as can be told by the deadline.
[[nodiscard]] bool same_token(pkcs11::Modules& modules, const config::Token& a,
                              const config::Token& b, pkcs11::Deadline deadline);

}  // namespace kms::keystores
