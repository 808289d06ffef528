#include <algorithm>

#include "connector/api/schema.h"

namespace kms::api {

const OperationInfo* find_operation(std::string_view name) noexcept {
  const auto all = operations();
  const auto found = std::ranges::lower_bound(all, name, {}, &OperationInfo::name);
  return found != all.end() && found->name == name ? &*found : nullptr;
}

}  // namespace kms::api
