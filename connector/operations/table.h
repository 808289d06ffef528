#pragma once

#include <span>
#include <string_view>

#include "connector/operations/operation.h"

// The list of operations. A test compares it with the model: each of the 54 is in it.
namespace kms::operations {

/// By name.
std::span<const Operation* const> operations();
/// nullptr if the model has no such operation.
const Operation* find_operation(std::string_view name);

}  // namespace kms::operations
