#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "connector/auth/canonical.h"
#include "connector/auth/signing_keys.h"
#include "connector/base/encodings.h"
#include "tests/connector/auth/fixture.h"

// tests/vectors/sigv4/cases.vec: every stage of Signature Version 4 as botocore computes it, and
// what AWS published.
namespace kms::auth {
namespace {

using test::kAccessKeyId;
using test::kNow;
using test::kSecret;

struct Vector {
  std::string name;
  api::Request request;
  std::string signed_headers;
  std::string canonical_request;
  std::string string_to_sign;
  std::string signature;
};

/// "POST /path", headers, an empty line, the body; a line that starts with a space continues the
/// header before it.
api::Request parse_request(const std::string& text) {
  api::Request request;
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  const std::size_t space = line.find(' ');
  request.method = line.substr(0, space);
  request.uri = line.substr(space + 1);
  std::vector<api::Header> headers;
  while (std::getline(lines, line) && !line.empty()) {
    if (line.front() == ' ') {
      headers.back().value += "\n" + line;
    } else {
      const std::size_t colon = line.find(':');
      headers.push_back({line.substr(0, colon), line.substr(colon + 1)});
    }
  }
  for (api::Header& header : headers) request.headers.add(header.name, header.value);
  const std::string body(std::istreambuf_iterator<char>(lines), {});
  request.body = SecretBytes::copy_of(body);
  return request;
}

std::vector<Vector> read_vectors() {
  std::ifstream file(KMS_SOURCE_DIR "/tests/vectors/sigv4/cases.vec");
  std::vector<Vector> vectors;
  std::string request;
  std::string* part = nullptr;
  std::vector<std::string> requests;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("# ")) continue;
    if (line.starts_with("=== ")) {
      vectors.push_back({});
      vectors.back().name = line.substr(4);
      part = &requests.emplace_back();
    } else if (line == "--- signed headers") {
      part = &vectors.back().signed_headers;
    } else if (line == "--- canonical request") {
      part = &vectors.back().canonical_request;
    } else if (line == "--- string to sign") {
      part = &vectors.back().string_to_sign;
    } else if (line == "--- signature") {
      part = &vectors.back().signature;
    } else {
      part->append(line).append("\n");
    }
  }
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    Vector& made = vectors[i];
    for (std::string* text : {&requests[i], &made.signed_headers, &made.canonical_request,
                              &made.string_to_sign, &made.signature}) {
      text->pop_back();
    }
    made.request = parse_request(requests[i]);
  }
  return vectors;
}

/// The third line of a string to sign.
std::string scope_of(const Vector& vector) {
  std::istringstream lines(vector.string_to_sign);
  std::string line;
  for (int i = 0; i < 3; ++i) std::getline(lines, line);
  return line;
}

std::string service_of(const Vector& vector) {
  std::istringstream elements(scope_of(vector));
  std::string element;
  for (int i = 0; i < 3; ++i) std::getline(elements, element, '/');
  return element;
}

TEST(Sigv4Vectors, AreAllThere) { EXPECT_EQ(read_vectors().size(), 50U); }

TEST(Sigv4Vectors, CanonicalRequest) {
  for (const Vector& vector : read_vectors()) {
    EXPECT_EQ(canonical_request(vector.request, SignedHeaders(vector.signed_headers),
                                to_hex(sha256(vector.request.body.view()))),
              vector.canonical_request)
        << vector.name;
  }
}

TEST(Sigv4Vectors, StringToSign) {
  for (const Vector& vector : read_vectors()) {
    EXPECT_EQ(string_to_sign(kNow, scope_of(vector), vector.canonical_request),
              vector.string_to_sign)
        << vector.name;
  }
}

TEST(Sigv4Vectors, Signature) {
  for (const Vector& vector : read_vectors()) {
    const SecretBytes key = derive_signing_key(SecretBytes::copy_of(kSecret), "20150830",
                                               "us-east-1", service_of(vector));
    EXPECT_EQ(to_hex(hmac_sha256(key.view(), as_bytes(vector.string_to_sign))), vector.signature)
        << vector.name;
  }
}

TEST(Sigv4Vectors, AreAcceptedByTheVerifier) {
  const config::Config config = test::example_config();
  const test::StandingClock clock;
  const IdentityDirectory identities(std::make_shared<const Identities>(config));
  const SignatureVerifier verifier(config, {.identities = identities, .clock = clock});
  int accepted = 0;
  for (Vector& vector : read_vectors()) {
    if (service_of(vector) != "kms") continue;
    const std::string start = "AWS4-HMAC-SHA256 Credential=" + std::string(kAccessKeyId) + "/" +
                              scope_of(vector) + ", SignedHeaders=" + vector.signed_headers +
                              ", Signature=";
    api::Headers headers = vector.request.headers;
    vector.request.headers.add("Authorization", start + vector.signature);
    const bool with_token = headers.has("X-Amz-Security-Token");
    EXPECT_EQ(
        test::verdict(verifier, vector.request),
        with_token
            ? "UnrecognizedClientException: The security token included in the request is invalid"
            : "accepted")
        << vector.name;
    ++accepted;

    vector.signature.back() = vector.signature.back() == '0' ? '1' : '0';
    headers.add("Authorization", start + vector.signature);
    vector.request.headers = headers;
    EXPECT_EQ(test::verdict(verifier, vector.request), test::kMismatch) << vector.name;
  }
  EXPECT_EQ(accepted, 45);
}

TEST(Sigv4Vectors, SigningKeyOfTheManual) {
  EXPECT_EQ(
      to_hex(
          derive_signing_key(SecretBytes::copy_of(kSecret), "20150830", "us-east-1", "iam").view()),
      "c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9");
}

}  // namespace
}  // namespace kms::auth
