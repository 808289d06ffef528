#pragma once

#include <span>
#include <string_view>

#include "connector/operations/operation.h"

// The list of operations. A test compares it with the model: each of the 54 is in exactly one of
// the two lists.
namespace kms::operations {

/// What is built, by name.
std::span<const Operation* const> operations();
/// What the model has and is not built yet.
std::span<const std::string_view> unsupported_operations();

/// nullptr if no such operation is built.
const Operation* find_operation(std::string_view name);
bool is_unsupported(std::string_view name);

}  // namespace kms::operations
