#include "tests/support/signer.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cctype>
#include <ctime>
#include <stdexcept>
#include <utility>
#include <vector>

namespace kms::test {
namespace {

using Digest = std::array<std::uint8_t, 32>;

Digest hmac(const void* key, std::size_t key_size, std::string_view message) {
  Digest digest{};
  unsigned size = 0;
  if (HMAC(EVP_sha256(), key, static_cast<int>(key_size),
           reinterpret_cast<const unsigned char*>(message.data()), message.size(), digest.data(),
           &size) == nullptr) {
    throw std::runtime_error("HMAC failed");
  }
  return digest;
}

Digest hmac(const Digest& key, std::string_view message) {
  return hmac(key.data(), key.size(), message);
}

Digest sha256(std::string_view message) {
  Digest digest{};
  if (EVP_Digest(message.data(), message.size(), digest.data(), nullptr, EVP_sha256(), nullptr) !=
      1) {
    throw std::runtime_error("SHA-256 failed");
  }
  return digest;
}

std::string hex(const Digest& digest) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t byte : digest) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::string basic_time(Timestamp time) {
  const std::time_t seconds =
      std::chrono::floor<std::chrono::seconds>(time).time_since_epoch().count();
  std::tm civil{};
  gmtime_r(&seconds, &civil);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &civil)};
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

}  // namespace

const Credentials& admin() {
  static const Credentials caller{"AKIAIOSFODNN7EXAMPLE",
                                  "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ""};
  return caller;
}

const Credentials& alice() {
  static const Credentials caller{"AKIAI44QH8DHBEXAMPLE",
                                  "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbEXAMPLEKEY", ""};
  return caller;
}

const Credentials& bob() {
  static const Credentials caller{"AKIAEXAMPLEBOB000001",
                                  "c2VjcmV0LWZvci1ib2ItaW4tYW5vdGhlci1hY2N0", ""};
  return caller;
}

Signer::Signer(Credentials credentials, std::string region, std::string host, std::string service)
    : credentials_(std::move(credentials)),
      region_(std::move(region)),
      host_(std::move(host)),
      service_(std::move(service)) {}

const Signer::Digest& Signer::signing_key(std::string_view date) {
  if (date_ != date) {
    const std::string start = "AWS4" + credentials_.secret;
    Digest key = hmac(start.data(), start.size(), date);
    key = hmac(key, region_);
    key = hmac(key, service_);
    signing_key_ = hmac(key, "aws4_request");
    date_ = date;
  }
  return signing_key_;
}

void Signer::sign(api::Request& request, Timestamp time) {
  if (request.uri != "/") throw std::logic_error("the signer knows the path \"/\" only");
  const std::string amz_date = basic_time(time);
  const std::string date = amz_date.substr(0, 8);
  request.headers.add("X-Amz-Date", amz_date);
  if (!credentials_.session_token.empty()) {
    request.headers.add("X-Amz-Security-Token", credentials_.session_token);
  }
  std::vector<std::pair<std::string, std::string_view>> lines;
  for (const api::Header& header : request.headers)
    lines.emplace_back(lower(header.name), header.value);
  std::ranges::stable_sort(lines, {}, &std::pair<std::string, std::string_view>::first);

  std::string canonical = request.method + "\n/\n\n";
  std::string names;
  for (const auto& [name, value] : lines) {
    canonical.append(name).append(":").append(value).append("\n");
    names.append(names.empty() ? "" : ";").append(name);
  }
  canonical.append("\n").append(names).append("\n").append(hex(sha256(request.body.text())));
  const std::string scope = date + "/" + region_ + "/" + service_ + "/aws4_request";
  const std::string to_sign =
      "AWS4-HMAC-SHA256\n" + amz_date + "\n" + scope + "\n" + hex(sha256(canonical));
  request.headers.add("Authorization", "AWS4-HMAC-SHA256 Credential=" + credentials_.access_key_id +
                                           "/" + scope + ", SignedHeaders=" + names +
                                           ", Signature=" + hex(hmac(signing_key(date), to_sign)));
}

api::Request Signer::sign(std::string_view operation, std::string_view body, Timestamp time) {
  api::Request request;
  request.method = "POST";
  request.uri = "/";
  request.headers = {{"Host", host_},
                     {"X-Amz-Target", "TrentService." + std::string(operation)},
                     {"Content-Type", "application/x-amz-json-1.1"}};
  request.body = pkcs11::SecretBytes::copy_of(body);
  request.peer_address = "127.0.0.1";
  sign(request, time);
  request.headers.add("Accept-Encoding", "identity");
  request.headers.add("User-Agent", "kms-connector-test/1.0");
  request.headers.add("Content-Length", std::to_string(body.size()));
  return request;
}

api::Request Signer::sign_form(std::string_view form, Timestamp time) {
  api::Request request;
  request.method = "POST";
  request.uri = "/";
  request.headers = {{"Host", host_},
                     {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
  request.body = pkcs11::SecretBytes::copy_of(form);
  request.peer_address = "127.0.0.1";
  sign(request, time);
  request.headers.add("Content-Length", std::to_string(form.size()));
  return request;
}

api::Request sign(std::string_view operation, std::string_view body, std::string_view access_key_id,
                  std::string_view secret, std::string_view region, Timestamp time) {
  Signer signer({std::string(access_key_id), std::string(secret), ""}, std::string(region));
  return signer.sign(operation, body, time);
}

}  // namespace kms::test
