#include "connector/sts/operation.h"

#include <array>

namespace kms::sts {

const Operation* find_operation(std::string_view name) noexcept {
  static constexpr std::array kOperations{
      Operation{"AssumeRole", assume_role},
      Operation{"GetCallerIdentity", get_caller_identity},
      Operation{"GetSessionToken", get_session_token},
  };
  for (const Operation& operation : kOperations) {
    if (operation.name == name) return &operation;
  }
  return nullptr;
}

}  // namespace kms::sts
