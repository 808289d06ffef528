#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "connector/operations/call.h"

namespace kms::operations {

/// How far a listing may go in one answer.
struct PageLimits {
  std::int32_t standard;  // without Limit
  std::int32_t maximum;   // more is capped silently
};
std::size_t page_size(const std::optional<std::int32_t>& limit, PageLimits limits);

/// What is listed.
struct Listing {
  std::string_view operation;
  const Scope& scope;
  std::string_view filter;
};
/// An opaque marker, bound to the listing: it continues only the one it came from. `position` is
/// not empty.
std::string make_marker(const Listing& listing, std::string_view position);
/// What `position` was; empty without a marker. InvalidMarkerException for one that this listing
/// did not make.
std::string open_marker(const Listing& listing, const std::optional<std::string>& marker);

/// The same for what a call lists.
inline std::string make_marker(const Call& call, std::string_view filter,
                               std::string_view position) {
  return make_marker({call.operation(), call.scope(), filter}, position);
}
inline std::string open_marker(const Call& call, std::string_view filter,
                               const std::optional<std::string>& marker) {
  return open_marker({call.operation(), call.scope(), filter}, marker);
}

}  // namespace kms::operations
