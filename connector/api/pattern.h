#pragma once

#include <string_view>

#include "connector/api/schema.h"

namespace kms::api {

/// Whether the whole of `text` (valid UTF-8) matches. Thread-safe; needs no stack in proportion to
/// the text.
[[nodiscard]] bool matches(const Pattern& pattern, std::string_view text);

/// Whether a tag may hold the text (valid UTF-8): letters, digits and spaces of any script, and
/// _ . : / = + - @. The model has no pattern for it; KMS answers a TagException.
[[nodiscard]] bool is_tag_text(std::string_view text);

}  // namespace kms::api
