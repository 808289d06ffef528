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

/// An opaque marker, bound to operation, account, Region and `filter`: it continues only the
/// listing it came from.
std::string make_marker(const Call& call, std::string_view filter, std::string_view last);
/// What `last` was; empty without a marker. InvalidMarkerException for one that this listing did
/// not make.
std::string open_marker(const Call& call, std::string_view filter,
                        const std::optional<std::string>& marker);

}  // namespace kms::operations
