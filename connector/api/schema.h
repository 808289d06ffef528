#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "connector/api/error_code.h"

// The API model as data: what decode, encode and redact walk over. The tables themselves are
// generated (tables.cpp). Values are reached through void*, so that one walk in one .cpp serves all
// 54 operations; member.h makes the accessors and checks each against the type of the member it
// names.
namespace kms::api {

/// How a shape is held in C++.
enum class Kind : std::uint8_t {
  string,         // std::string
  secret_string,  // SecretString
  enumeration,    // an enum class over std::uint8_t
  blob,           // Blob
  secret_blob,    // SecretBytes
  integer,        // std::int32_t
  boolean,        // bool
  timestamp,      // Timestamp
  list,           // std::vector
  map,            // StringMap
  structure,
};

/// A regular expression of the model that the whole of a value has to match. Most are one class of
/// characters with a repeat: those carry the class as a bit set over U+0000 to U+00FF; for the
/// others `characters` is unused.
struct Pattern {
  std::string_view text;  // as the model spells it, and as a violation prints it
  bool is_class = false;
  std::array<std::uint64_t, 4> characters{};
  std::uint32_t min = 0;
  std::uint32_t max = 0xFFFFFFFF;
};

/// Access to a std::vector.
struct ListAccess {
  void* (*append)(void* list);
  std::size_t (*size)(const void* list);
  const void* (*at)(const void* list, std::size_t index);
};

struct Structure;

/// What the model says of a value. A limit is on code points, bytes, elements or the number itself.
struct Shape {
  Kind kind{};
  bool has_min = false;
  bool has_max = false;
  bool confidential = false;  // violations do not echo the value
  std::int32_t min = 0;
  std::int32_t max = 0;
  const Pattern* pattern = nullptr;
  std::span<const std::string_view> values{};   // enumeration: by enumerator
  std::span<const std::string_view> printed{};  // enumeration: the set a violation lists
  const Shape* element = nullptr;               // list
  const ListAccess* list = nullptr;
  const Structure* structure = nullptr;
};

/// A member of a structure.
struct Member {
  std::string_view name;  // as on the wire
  const Shape* shape;
  bool required;
  bool audited;                      // its value goes into the audit record
  std::string_view audited_default;  // what goes there if it is absent, JSON; empty: nothing
  /// The member's value in `object`; an optional one is made first.
  void* (*emplace)(void* object);
  /// The member's value in `object`, null if it is absent.
  const void* (*get)(const void* object);
};

using ErasedObject = std::unique_ptr<void, void (*)(void*)>;

/// A structure of the model and its members in the model's order.
struct Structure {
  std::string_view name;
  std::span<const Member> members;
  /// A new object with nothing set.
  ErasedObject (*create)();
};

/// The description of a generated struct.
template <class T>
const Structure& structure_of() noexcept;

/// An operation of the API.
struct OperationInfo {
  std::string_view name;
  const Structure* input;
  const Structure* output;            // null: answers with an empty body
  std::span<const ErrorCode> errors;  // those the model declares, without the common ones
  bool read_only;                     // as CloudTrail's readOnly says
};

/// All operations of the model, in the order of their names.
[[nodiscard]] std::span<const OperationInfo> operations() noexcept;
/// nullptr if the model has no such operation.
[[nodiscard]] const OperationInfo* find_operation(std::string_view name) noexcept;

/// The patterns that are more than one class of characters.
[[nodiscard]] std::span<const Pattern* const> regular_expressions() noexcept;

}  // namespace kms::api
