#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "config/config.h"

// Every option of the configuration, described once. The loader, print(), the full example and the
// reference page follow these tables; the defaults are the member initialisers of config.h.
namespace config {

enum class Type : std::uint8_t {
  text,
  path,  // relative to the configuration file's directory
  boolean,
  number,
  size,      // bytes: 4096, 64KiB, 1MiB
  duration,  // 500ms, 5s, 10m, 1h, 1d, 0
  choice,
  secret,   // SecretForm
  section,  // a mapping with the keys of another table
  list,
  mapping,  // of names chosen by the user
  policy,   // in IAM's language: a document, or a list of statements
};

struct Option {
  std::string_view name;
  Type type;
  std::string_view doc;
  bool required = false;
  std::int64_t min = 0;  // of a number, size (bytes) or duration (milliseconds)
  std::int64_t max = 0;
  std::string_view choices = {};   // separated by spaces
  std::string_view fallback = {};  // what the page says where the default is no value
  std::string_view example = {};   // YAML for the full example where there is no default
};

/// Where a scalar option is kept; monostate: the loader and print() treat it by hand.
template <class T>
using Member = std::variant<std::monostate, std::string T::*, bool T::*, std::uint16_t T::*,
                            std::size_t T::*, std::chrono::seconds T::*,
                            std::chrono::milliseconds T::*, std::optional<pkcs11::GcmIv> T::*>;

template <class T>
struct Field {
  Option option;
  Member<T> member = {};
};

/// How a secret is given: exactly one of these.
struct SecretForm {
  std::string file;
  std::string credential;
  std::string env;
};

template <class T>
std::span<const Field<T>> fields();
template <>
std::span<const Field<Config>> fields<Config>();
template <>
std::span<const Field<Storage>> fields<Storage>();
template <>
std::span<const Field<Audit>> fields<Audit>();
template <>
std::span<const Field<Listener>> fields<Listener>();
template <>
std::span<const Field<TlsFiles>> fields<TlsFiles>();
template <>
std::span<const Field<Region>> fields<Region>();
template <>
std::span<const Field<Cluster>> fields<Cluster>();
template <>
std::span<const Field<Token>> fields<Token>();
template <>
std::span<const Field<pkcs11::Quirks>> fields<pkcs11::Quirks>();
template <>
std::span<const Field<Principal>> fields<Principal>();
template <>
std::span<const Field<AccessKey>> fields<AccessKey>();
template <>
std::span<const Field<Group>> fields<Group>();
template <>
std::span<const Field<SecretForm>> fields<SecretForm>();
template <>
std::span<const Field<Limits>> fields<Limits>();
template <>
std::span<const Field<Sigv4>> fields<Sigv4>();
template <>
std::span<const Field<Jobs>> fields<Jobs>();

std::string_view name_of(pkcs11::GcmIv iv);
std::optional<pkcs11::GcmIv> gcm_iv_named(std::string_view name);

/// "5s", "500ms", "1h", "0"; the largest unit that divides it.
std::string format_duration(std::chrono::milliseconds duration);
/// "1MiB", "1000".
std::string format_size(std::uint64_t bytes);
/// A scalar as YAML reads it back as the same text: quoted where it must be.
std::string yaml_text(std::string_view text);

/// The member's value as YAML; nullopt for what is unset or empty.
template <class T>
std::optional<std::string> format_member(const Field<T>& field, const T& object) {
  return std::visit(
      [&](auto member) -> std::optional<std::string> {
        using M = decltype(member);
        if constexpr (std::is_same_v<M, std::monostate>) {
          return std::nullopt;
        } else {
          const auto& value = object.*member;
          using V = std::remove_cvref_t<decltype(value)>;
          if constexpr (std::is_same_v<V, std::string>) {
            return value.empty() ? std::nullopt : std::optional(yaml_text(value));
          } else if constexpr (std::is_same_v<V, std::optional<pkcs11::GcmIv>>) {
            return value ? std::optional(std::string(name_of(*value))) : std::nullopt;
          } else if constexpr (std::is_same_v<V, bool>) {
            return std::string(value ? "true" : "false");
          } else if constexpr (std::is_integral_v<V>) {
            return field.option.type == Type::size ? format_size(value) : std::to_string(value);
          } else {
            return format_duration(value);
          }
        }
      },
      field.member);
}

}  // namespace config
