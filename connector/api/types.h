#pragma once

#include <map>
#include <string>
#include <utility>

#include "connector/base/bytes.h"

// The building blocks of the generated shapes.
namespace kms::api {

/// Bytes that travel as base64. Its own type, so that it is never taken for a list.
class Blob {
 public:
  Blob() = default;
  explicit Blob(Bytes bytes) : bytes_(std::move(bytes)) {}
  static Blob copy_of(ByteView bytes) { return Blob(Bytes(bytes.begin(), bytes.end())); }

  [[nodiscard]] const Bytes& bytes() const noexcept { return bytes_; }
  [[nodiscard]] ByteView view() const noexcept { return bytes_; }
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }
  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }
  [[nodiscard]] Bytes release() && noexcept { return std::move(bytes_); }
  bool operator==(const Blob&) const = default;

 private:
  Bytes bytes_;
};

/// A map of strings, such as an encryption context, in the order of its keys' bytes.
using StringMap = std::map<std::string, std::string, std::less<>>;

/// What an operation without an output shape answers: an empty body.
struct NoOutput {
  bool operator==(const NoOutput&) const = default;
};

}  // namespace kms::api
