#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace kms::api {

/// How many code points; nullopt if the text is not well-formed UTF-8 (Unicode table 3-7: no
/// surrogates, no overlong forms).
[[nodiscard]] std::optional<std::size_t> count_code_points(std::string_view text) noexcept;

/// Takes the first code point off well-formed, non-empty text.
char32_t take_code_point(std::string_view& text) noexcept;

}  // namespace kms::api
