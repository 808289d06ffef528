#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "connector/api/schema.h"
#include "connector/api/types.h"
#include "connector/base/clock.h"

// Makes the accessors of the generated tables; only tables.cpp includes this.
namespace kms::api::detail {

template <class T>
struct Unwrap {
  using type = T;
  static constexpr bool is_optional = false;
};
template <class T>
struct Unwrap<std::optional<T>> {
  using type = T;
  static constexpr bool is_optional = true;
};

template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};

template <class T>
consteval Kind kind_of() {
  if constexpr (std::is_same_v<T, std::string>) return Kind::string;
  if constexpr (std::is_same_v<T, SecretString>) return Kind::secret_string;
  if constexpr (std::is_enum_v<T>) return Kind::enumeration;
  if constexpr (std::is_same_v<T, Blob>) return Kind::blob;
  if constexpr (std::is_same_v<T, SecretBytes>) return Kind::secret_blob;
  if constexpr (std::is_same_v<T, std::int32_t>) return Kind::integer;
  if constexpr (std::is_same_v<T, bool>) return Kind::boolean;
  if constexpr (std::is_same_v<T, Timestamp>) return Kind::timestamp;
  if constexpr (IsVector<T>::value) return Kind::list;
  if constexpr (std::is_same_v<T, StringMap>) return Kind::map;
  return Kind::structure;
}

template <class List>
inline constexpr ListAccess kListAccess{
    .append = [](void* list) -> void* { return &static_cast<List*>(list)->emplace_back(); },
    .size = [](const void* list) { return static_cast<const List*>(list)->size(); },
    .at = [](const void* list, std::size_t index) -> const void* {
      return &(*static_cast<const List*>(list))[index];
    }};

template <class Object, class Type>
struct MemberPointer {
  using object = Object;
  using type = Type;
};
template <class Object, class Type>
MemberPointer<Object, Type> split(Type Object::*);

/// Does not compile if the shape is of another kind than the member, or `required` does not fit the
/// optional.
template <auto M, const Shape& S, bool Required, bool Audited>
constexpr Member member(std::string_view name, std::string_view audited_default = {}) {
  using Parts = decltype(split(M));
  using Object = typename Parts::object;
  using Wrapped = Unwrap<typename Parts::type>;
  static_assert(kind_of<typename Wrapped::type>() == S.kind);
  static_assert(Wrapped::is_optional != Required);
  return {.name = name,
          .shape = &S,
          .required = Required,
          .audited = Audited,
          .audited_default = audited_default,
          .emplace = [](void* object) -> void* {
            auto& value = static_cast<Object*>(object)->*M;
            if constexpr (Wrapped::is_optional) {
              return &value.emplace();
            } else {
              return &value;
            }
          },
          .get = [](const void* object) -> const void* {
            const auto& value = static_cast<const Object*>(object)->*M;
            if constexpr (Wrapped::is_optional) {
              return value ? &*value : nullptr;
            } else {
              return &value;
            }
          }};
}

template <class T>
ErasedObject create() {
  return {new T{}, [](void* object) { delete static_cast<T*>(object); }};
}

template <class Enum, std::size_t Size>
std::optional<Enum> find(const std::array<std::string_view, Size>& values,
                         std::string_view text) noexcept {
  for (std::size_t i = 0; i < Size; ++i) {
    if (values[i] == text) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace kms::api::detail
