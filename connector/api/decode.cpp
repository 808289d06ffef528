#include "connector/api/decode.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#include "connector/api/base64.h"
#include "connector/api/json_document.h"
#include "connector/api/pattern.h"
#include "connector/api/redact.h"
#include "connector/api/types.h"
#include "connector/api/utf8.h"
#include "connector/api/violations.h"
#include "connector/base/clock.h"

namespace kms::api {
namespace {

using rapidjson::Value;

std::string_view text_of(const Value& value) {
  return {value.GetString(), value.GetStringLength()};
}

[[noreturn]] void fail(std::string message) {
  throw Error(ErrorCode::serialization, std::move(message));
}

/// AWS's name of a scalar.
std::string token(const Value& value) {
  if (value.IsString()) return "STRING_VALUE";
  if (value.IsNumber()) return "NUMBER_VALUE";
  return value.IsTrue() ? "TRUE_VALUE" : "FALSE_VALUE";
}

void refuse_list(const Value& value) {
  if (value.IsArray()) fail("Start of list found where not expected");
}

void refuse_object(const Value& value) {
  if (value.IsObject()) fail("Start of structure or map found where not expected.");
}

/// `what` completes "can not be converted to ...".
[[noreturn]] void fail_conversion(const Value& value, std::string_view what) {
  refuse_list(value);
  refuse_object(value);
  fail(token(value).append(" can not be converted to ").append(what));
}

std::string_view string_of(const Value& value) {
  if (!value.IsString()) fail_conversion(value, "a String");
  return text_of(value);
}

bool bool_of(const Value& value) {
  if (!value.IsBool()) fail_conversion(value, "a Boolean");
  return value.GetBool();
}

/// Fractions are cut off, as AWS does; what 64 bits cannot hold becomes the nearest that they can.
std::int64_t integer_of(const Value& value) {
  if (!value.IsNumber()) fail_conversion(value, "an Integer");
  using Limits = std::numeric_limits<std::int64_t>;
  if (value.IsInt64()) return value.GetInt64();
  if (value.IsUint64()) return Limits::max();
  const double number = std::trunc(value.GetDouble());
  constexpr double kBeyond = 9223372036854775808.0;
  if (number >= kBeyond) return Limits::max();
  if (number < -kBeyond) return Limits::min();
  return static_cast<std::int64_t>(number);
}

Timestamp timestamp_of(const Value& value) {
  if (!value.IsNumber()) fail_conversion(value, "milliseconds since epoch");
  // The years 1 to 9999: what ISO 8601 can tell.
  const double seconds = std::clamp(value.GetDouble(), -62135596800.0, 253402300799.0);
  return Timestamp(std::chrono::milliseconds(std::llround(seconds * 1000)));
}

/// Checked base64, still as text.
std::string_view base64_of(const Shape& shape, const Value& value) {
  if (!value.IsString()) fail_conversion(value, "a Blob");
  const std::string_view text = text_of(value);
  if (const std::string fault = base64_fault(text, shape.confidential); !fault.empty()) {
    // A secret is not told back, not even a faulty one.
    if (shape.confidential) fail("STRING_VALUE can not be converted to a Blob: " + fault);
    fail("'" + std::string(text) + "' can not be converted to a Blob: " + fault);
  }
  return text;
}

const Value* find(const Value& object, std::string_view name) {
  for (const auto& member : object.GetObject()) {
    if (text_of(member.name) == name) return member.value.IsNull() ? nullptr : &member.value;
  }
  return nullptr;
}

/// One walk over a request: a value of the wrong type throws, a value that the model forbids is
/// noted.
class Decoder {
 public:
  void structure(const Structure& structure, void* object, const Value& json);
  [[nodiscard]] const Violations& violations() const noexcept { return violations_; }

 private:
  void value(const Shape& shape, void* place, const Value& json);
  void enumeration(const Shape& shape, void* place, const Value& json);
  void integer(const Shape& shape, void* place, const Value& json);
  void list(const Shape& shape, void* place, const Value& json);
  static void map(void* place, const Value& json);

  void check_text(const Shape& shape, std::string_view text);
  void check_length(const Shape& shape, std::size_t length, std::string_view echo);

  Violations violations_;
  std::string path_;
  bool in_list_of_scalars_ = false;  // their violations are the list's
  bool element_is_bad_ = false;
};

void Decoder::structure(const Structure& structure, void* object, const Value& json) {
  const std::size_t parent = path_.size();
  for (const Member& member : structure.members) {
    if (parent != 0) path_.push_back('.');
    const std::size_t name = path_.size();
    path_.append(member.name);
    if (path_[name] >= 'A' && path_[name] <= 'Z')
      path_[name] = static_cast<char>(path_[name] - 'A' + 'a');
    if (const Value* const found = find(json, member.name); found != nullptr) {
      value(*member.shape, member.emplace(object), *found);
    } else if (member.required) {
      violations_.missing(*member.shape, path_);
    }
    path_.resize(parent);
  }
}

void Decoder::value(const Shape& shape, void* place, const Value& json) {
  switch (shape.kind) {
    case Kind::string: {
      const std::string_view text = string_of(json);
      static_cast<std::string*>(place)->assign(text);
      return check_text(shape, text);
    }
    case Kind::secret_string: {
      const std::string_view text = string_of(json);
      *static_cast<SecretString*>(place) = SecretString::copy_of(text);
      return check_text(shape, text);
    }
    case Kind::enumeration:
      return enumeration(shape, place, json);
    case Kind::blob: {
      Bytes bytes = decode_base64(base64_of(shape, json));
      check_length(shape, bytes.size(), {});
      *static_cast<Blob*>(place) = Blob(std::move(bytes));
      return;
    }
    case Kind::secret_blob: {
      SecretBytes bytes = decode_secret_base64(base64_of(shape, json));
      check_length(shape, bytes.size(), {});
      *static_cast<SecretBytes*>(place) = std::move(bytes);
      return;
    }
    case Kind::integer:
      return integer(shape, place, json);
    case Kind::boolean:
      *static_cast<bool*>(place) = bool_of(json);
      return;
    case Kind::timestamp:
      *static_cast<Timestamp*>(place) = timestamp_of(json);
      return;
    case Kind::list:
      return list(shape, place, json);
    case Kind::map:
      return map(place, json);
    case Kind::structure:
      refuse_list(json);
      if (!json.IsObject()) fail("Expected null");
      return structure(*shape.structure, place, json);
  }
}

void Decoder::enumeration(const Shape& shape, void* place, const Value& json) {
  const std::string_view text = string_of(json);
  const auto found = std::ranges::find(shape.values, text);
  if (found != shape.values.end()) {
    // Every generated enumeration counts its values from 0 in a std::uint8_t.
    *static_cast<std::uint8_t*>(place) = static_cast<std::uint8_t>(found - shape.values.begin());
  } else if (in_list_of_scalars_) {
    element_is_bad_ = true;
  } else {
    violations_.add(shape, path_, text, satisfies_enum(shape));
  }
}

void Decoder::integer(const Shape& shape, void* place, const Value& json) {
  const std::int64_t number = integer_of(json);
  if (shape.has_min && number < shape.min) {
    violations_.add(shape, path_, std::to_string(number), value_at_least(shape.min));
  }
  if (shape.has_max && number > shape.max) {
    violations_.add(shape, path_, std::to_string(number), value_at_most(shape.max));
  }
  using Limits = std::numeric_limits<std::int32_t>;
  *static_cast<std::int32_t*>(place) = static_cast<std::int32_t>(
      std::clamp(number, std::int64_t{Limits::min()}, std::int64_t{Limits::max()}));
}

void Decoder::list(const Shape& shape, void* place, const Value& json) {
  refuse_object(json);
  if (!json.IsArray()) fail("Expected list or null");
  const Shape& element = *shape.element;
  const bool scalars = element.kind != Kind::structure;
  const std::size_t list_path = path_.size();
  std::string echo = "[";
  element_is_bad_ = false;
  std::size_t count = 0;
  for (const Value& item : json.GetArray()) {
    if (item.IsNull()) continue;
    ++count;
    if (scalars) {
      in_list_of_scalars_ = true;
      value(element, shape.list->append(place), item);
      in_list_of_scalars_ = false;
      if (item.IsString() && !element.confidential) {
        if (echo.size() != 1) echo.append(", ");
        echo.append(text_of(item));
      }
    } else {
      path_.append(".").append(std::to_string(count)).append(".member");
      value(element, shape.list->append(place), item);
      path_.resize(list_path);
    }
  }
  echo.push_back(']');
  check_length(shape, count, echo);
  if (scalars && std::exchange(element_is_bad_, false)) {
    violations_.add(element, path_, echo, satisfies_element_rules(element));
  }
}

/// The generator refuses a model whose maps have constraints on keys or values.
void Decoder::map(void* place, const Value& json) {
  refuse_list(json);
  if (!json.IsObject()) fail("Expected map or null");
  auto& entries = *static_cast<StringMap*>(place);
  for (const auto& member : json.GetObject()) {
    if (!member.value.IsNull()) entries.emplace(text_of(member.name), string_of(member.value));
  }
}

void Decoder::check_text(const Shape& shape, std::string_view text) {
  if (shape.has_min || shape.has_max) {
    check_length(shape, count_code_points(text).value_or(0), text);
  }
  if (shape.pattern == nullptr || matches(*shape.pattern, text)) return;
  if (in_list_of_scalars_) {
    element_is_bad_ = true;
  } else {
    violations_.add(shape, path_, text, satisfies_pattern(*shape.pattern));
  }
}

void Decoder::check_length(const Shape& shape, std::size_t length, std::string_view echo) {
  const bool too_short = shape.has_min && std::cmp_less(length, shape.min);
  const bool too_long = shape.has_max && std::cmp_greater(length, shape.max);
  if (in_list_of_scalars_) {
    element_is_bad_ = element_is_bad_ || too_short || too_long;
    return;
  }
  if (too_short) violations_.add(shape, path_, echo, length_at_least(shape.min));
  if (too_long) violations_.add(shape, path_, echo, length_at_most(shape.max));
}

}  // namespace

void decode_into(const Structure& structure, void* object, std::span<char> body) {
  // The nodes of most requests fit here; they hold addresses and numbers, the texts stay in the
  // body.
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-member-init)
  std::array<char, 4096> nodes;
  rapidjson::MemoryPoolAllocator<> pool(nodes.data(), nodes.size());
  rapidjson::Document document(&pool);
  if (!parse_in_place(body, document)) throw Error(ErrorCode::serialization);
  refuse_list(document);
  if (!document.IsObject()) throw Error(ErrorCode::serialization);
  Decoder decoder;
  decoder.structure(structure, object, document);
  decoder.violations().raise_if_any();
}

std::string decode_any(const OperationInfo& operation, std::span<char> body) {
  const ErasedObject object = operation.input->create();
  decode_into(*operation.input, object.get(), body);
  return audit_json(*operation.input, object.get());
}

}  // namespace kms::api
