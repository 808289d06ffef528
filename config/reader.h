#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "config/load.h"
#include "config/options.h"
#include "config/yaml.h"

// Typed access to the tree of one file, with every fault told at its place.
namespace config {

class Reader {
 public:
  explicit Reader(std::string file);

  [[nodiscard]] const std::string& file() const { return file_; }
  /// `path` as the process can open it: relative ones start at the file's directory.
  [[nodiscard]] std::string resolve(const std::string& path) const;

  /// A fault of the value, or of the key it stands under.
  [[noreturn]] void refuse(const Node& node, const std::string& text) const;
  [[noreturn]] void refuse_key(const Node& node, const std::string& text) const;
  /// A fault of something that `mapping` lacks.
  [[noreturn]] void refuse_missing(const Node& mapping, std::string_view name) const;

  void expect_mapping(const Node& node) const;
  void expect_list(const Node& node) const;
  /// A mapping with no key but those of the table, and with all that are required.
  template <class T>
  void expect_section(const Node& node) const {
    std::vector<const Option*> options;
    for (const Field<T>& field : fields<T>()) options.push_back(&field.option);
    expect_keys(node, options);
  }

  [[nodiscard]] std::string text(const Node& node) const;  // may be empty
  [[nodiscard]] std::string path(const Node& node) const;  // resolved
  [[nodiscard]] bool boolean(const Node& node) const;
  [[nodiscard]] std::int64_t number(const Node& node, const Option& option) const;
  [[nodiscard]] std::uint64_t size(const Node& node, const Option& option) const;
  [[nodiscard]] std::chrono::milliseconds duration(const Node& node, const Option& option,
                                                   bool whole_seconds) const;
  [[nodiscard]] std::string choice(const Node& node, const Option& option) const;

  /// Checks the mapping and fills in every member that the table binds and the mapping gives.
  template <class T>
  void read(const Node& mapping, T& object) const {
    expect_section<T>(mapping);
    for (const Field<T>& field : fields<T>()) {
      if (const Node* value = mapping.find(field.option.name)) read_member(*value, field, object);
    }
  }

 private:
  void expect_keys(const Node& node, const std::vector<const Option*>& options) const;

  template <class T>
  void read_member(const Node& node, const Field<T>& field, T& object) const {
    const Option& option = field.option;
    std::visit(
        [&](auto member) {
          using M = decltype(member);
          if constexpr (!std::is_same_v<M, std::monostate>) {
            auto& value = object.*member;
            using V = std::remove_reference_t<decltype(value)>;
            if constexpr (std::is_same_v<V, std::string>) {
              value = option.type == Type::path     ? path(node)
                      : option.type == Type::choice ? choice(node, option)
                                                    : text(node);
              if (option.required && value.empty()) refuse(node, "must not be empty");
            } else if constexpr (std::is_same_v<V, std::optional<pkcs11::GcmIv>>) {
              value = gcm_iv_named(choice(node, option));
            } else if constexpr (std::is_same_v<V, bool>) {
              value = boolean(node);
            } else if constexpr (std::is_integral_v<V>) {
              value = option.type == Type::size ? static_cast<V>(size(node, option))
                                                : static_cast<V>(number(node, option));
            } else {
              constexpr bool kWholeSeconds = std::is_same_v<V, std::chrono::seconds>;
              value = std::chrono::duration_cast<V>(duration(node, option, kWholeSeconds));
            }
          }
        },
        field.member);
  }

  std::string file_;
  std::string directory_;
};

/// The option of T's table with this name, which must be there.
template <class T>
const Option& option_of(std::string_view name) {
  for (const Field<T>& field : fields<T>()) {
    if (field.option.name == name) return field.option;
  }
  throw std::logic_error("no such option");
}

}  // namespace config
