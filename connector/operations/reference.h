#pragma once

#include <span>
#include <string>
#include <string_view>

namespace kms::operations {

/// What an operation of the model needs of a PKCS#11 token, in words.
struct Need {
  std::string_view operation;
  std::string_view of_token;
};

/// One row an operation, by name.
std::span<const Need> needs();

/// The table of operations in README.md, in Markdown.
std::string reference();

}  // namespace kms::operations
