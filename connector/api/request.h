#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "connector/base/bytes.h"

// A request as it came off the wire, without any HTTP library.
namespace kms::api {

/// One header line; its value as sent, without the white space around it.
struct Header {
  std::string name;
  std::string value;
};

/// Whether two header names are the same (ASCII letters in either case).
[[nodiscard]] bool same_header(std::string_view a, std::string_view b) noexcept;

/// The header lines of a message in the order received, repeats kept.
class Headers {
 public:
  Headers() = default;
  Headers(std::initializer_list<Header> lines) : lines_(lines) {}

  void add(std::string name, std::string value) {
    if (lines_.empty()) lines_.reserve(kUsual);
    lines_.push_back({std::move(name), std::move(value)});
  }
  /// The value of the first line of this name.
  [[nodiscard]] std::optional<std::string_view> get(std::string_view name) const noexcept;
  [[nodiscard]] bool has(std::string_view name) const noexcept { return get(name).has_value(); }
  /// The values of all lines of this name, in order.
  [[nodiscard]] std::vector<std::string_view> all(std::string_view name) const;

  [[nodiscard]] std::size_t size() const noexcept { return lines_.size(); }
  [[nodiscard]] bool empty() const noexcept { return lines_.empty(); }
  [[nodiscard]] auto begin() const noexcept { return lines_.begin(); }
  [[nodiscard]] auto end() const noexcept { return lines_.end(); }

 private:
  /// More than the SDKs send, and than we answer with.
  static constexpr std::size_t kUsual = 16;

  std::vector<Header> lines_;
};

/// The media type of the first Content-Type, without its parameters; empty if there is none.
[[nodiscard]] std::string_view media_type(const Headers& headers) noexcept;

/// The TLS connection a request came over, as CloudTrail's tlsDetails names things.
struct TlsInfo {
  std::string version;                      // "TLSv1.3"
  std::string cipher;                       // "TLS_AES_128_GCM_SHA256"
  std::optional<std::string> server_name;   // SNI, if the client sent one
  std::optional<std::string> key_exchange;  // group of the key exchange, if known
};

/// One request. Move-only: its body may hold plaintext and is wiped when freed.
struct Request {
  std::string method;
  std::string uri;  // as sent: path and query, nothing decoded
  Headers headers;
  SecretBytes body;
  std::string peer_address;  // without the port
  std::optional<TlsInfo> tls;
};

}  // namespace kms::api
