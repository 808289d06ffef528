#include "tests/support/service/harness.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include <chrono>
#include <fstream>
#include <stdexcept>
#include <thread>

#include "connector/base/encodings.h"

namespace kms::test {
namespace {

config::Token token_of(const std::string& label) {
  config::Token token;
  token.module = SoftHsm::module_path();
  token.selector.label = label;
  token.sessions = 8;
  return token;
}

config::Principal principal(const std::string& account, const std::string& name,
                            const Credentials& credentials, const std::string& action) {
  config::Principal result;
  result.arn = "arn:aws:iam::" + account + ":user/" + name;
  result.account = account;
  result.name = name;
  result.unique_id = "AIDA" + name;
  result.access_keys.push_back({.id = credentials.access_key_id,
                                .secret = SecretBytes::copy_of(credentials.secret),
                                .active = true});
  if (!action.empty()) {
    result.policies.push_back(
        {.name = "policy",
         .json = R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":")" + action +
                 R"(","Resource":"*"}]})"});
  }
  return result;
}

/// A self-signed certificate for a cluster, DER.
Bytes make_certificate(const std::string& name) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
  X509_set_pubkey(certificate, key);
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate, subject);
  X509_sign(certificate, key, EVP_sha256());
  Bytes der(static_cast<std::size_t>(i2d_X509(certificate, nullptr)));
  unsigned char* out = der.data();
  i2d_X509(certificate, &out);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return der;
}

std::string to_pem(ByteView der) {
  const unsigned char* in = der.data();
  X509* certificate = d2i_X509(nullptr, &in, static_cast<long>(der.size()));
  BIO* bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(bio, certificate);
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  std::string pem(text, static_cast<std::size_t>(size));
  BIO_free(bio);
  X509_free(certificate);
  return pem;
}

std::string text_of(const rapidjson::Value& value) {
  if (value.IsString()) return {value.GetString(), value.GetStringLength()};
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> writer(buffer);
  value.Accept(writer);
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace

std::string Answer::outcome() const {
  if (status == 200) return "200";
  const std::string message =
      json.IsObject() && json.HasMember("message")   ? text_of(json["message"])
      : json.IsObject() && json.HasMember("Message") ? text_of(json["Message"])
                                                     : "-";
  return std::to_string(status) + " " + at("__type") + ": " + message;
}

std::string Answer::at(std::string_view path) const {
  const rapidjson::Value* value = &json;
  while (!path.empty()) {
    const auto dot = path.find('.');
    const std::string name(path.substr(0, dot));
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
    if (value->IsArray()) {
      const auto index = static_cast<rapidjson::SizeType>(std::stoul(name));
      if (index >= value->Size()) return "(absent)";
      value = &(*value)[index];
    } else if (value->IsObject() && value->HasMember(name.c_str())) {
      value = &(*value)[name.c_str()];
    } else {
      return "(absent)";
    }
  }
  return text_of(*value);
}

Harness::Harness() {
  for (const char* region : {"us-east-1", "us-west-2"}) {
    hsm_.add_token(region);
    config::Region entry;
    entry.name = region;
    entry.token = token_of(region);
    entry.pin = SecretBytes::copy_of(SoftHsm::kUserPin);
    config_.regions.push_back(std::move(entry));
  }
  for (const char* id : {kCluster, kOtherCluster}) {
    hsm_.add_token(id, kStorePassword);
    config::Cluster cluster;
    cluster.id = id;
    cluster.account = kAccount;
    cluster.region = "us-east-1";
    cluster.token = token_of(id);
    cluster.trust_anchor = make_certificate(id);
    config_.clusters.push_back(std::move(cluster));
  }
  config_.accounts = {kAccount, kOtherAccount};
  config_.default_region = "us-east-1";
  config_.principals.push_back(principal(kAccount, "admin", admin(), "*"));
  config_.principals.push_back(principal(kAccount, "alice", alice(), ""));
  config_.principals.push_back(principal(kOtherAccount, "bob", bob(), "kms:*"));
  config_.storage.sqlite = (dir_.path() / "kms.sqlite").string();
  config_.audit.file = (dir_.path() / "audit.jsonl").string();
  config_.limits.request_deadline = std::chrono::seconds{60};
  config_.jobs.due_confirmation = std::chrono::seconds{0};
  config_.jobs.max_clock_jump = std::chrono::seconds{0};
  config_.jobs.interval = std::chrono::milliseconds{20};
  start();
}

Harness::~Harness() = default;

void Harness::begin() { application_ = std::make_unique<service::Application>(config_, nullptr); }

void Harness::start() {
  begin();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!application_->ready()) {
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("the tokens did not become ready");
    std::this_thread::yield();
  }
}

void Harness::restart() {
  stop();
  start();
}

Answer Harness::handle(api::Request& request) {
  api::Response response = application_->service().handle(request);
  Answer answer;
  answer.status = response.status;
  answer.headers = std::move(response.headers);
  answer.body = std::string(response.body.text());
  answer.json.Parse(answer.body.data(), answer.body.size());
  return answer;
}

Answer Harness::call(std::string_view operation, std::string_view body, const Credentials& caller,
                     const std::string& region) {
  api::Request request = Signer(caller, region).sign(operation, body, now());
  return handle(request);
}

Answer Harness::ok(std::string_view operation, std::string_view body) {
  Answer answer = call(operation, body);
  EXPECT_EQ(answer.outcome(), "200") << operation << " " << body;
  return answer;
}

std::string Harness::create_key(std::string_view body) {
  return ok("CreateKey", body).at("KeyMetadata.KeyId");
}

std::string Harness::create_store_body(const std::string& name, const std::string& cluster,
                                       const std::string& password) const {
  std::string pem;
  for (const config::Cluster& entry : config_.clusters) {
    if (entry.id == cluster) pem = to_pem(entry.trust_anchor);
  }
  return "{\"CustomKeyStoreName\":" + json_string(name) +
         ",\"CloudHsmClusterId\":" + json_string(cluster) +
         ",\"TrustAnchorCertificate\":" + json_string(pem) +
         ",\"KeyStorePassword\":" + json_string(password) + "}";
}

std::string Harness::connected_store(const std::string& name) {
  const std::string id = ok("CreateCustomKeyStore", create_store_body(name)).at("CustomKeyStoreId");
  ok("ConnectCustomKeyStore", "{\"CustomKeyStoreId\":\"" + id + "\"}");
  await_state(id, "CONNECTED");
  return id;
}

void Harness::await_state(const std::string& store_id, const std::string& state) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  std::string seen;
  do {
    seen = ok("DescribeCustomKeyStores", "{\"CustomKeyStoreId\":\"" + store_id + "\"}")
               .at("CustomKeyStores.0.ConnectionState");
    if (seen == state) return;
    std::this_thread::yield();
  } while (std::chrono::steady_clock::now() < deadline);
  FAIL() << "the key store is " << seen << ", not " << state;
}

std::vector<std::string> Harness::audit_lines() {
  std::ifstream file(config_.audit.file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

Timestamp Harness::now() { return SystemClock().now(); }

std::string Harness::arn(const std::string& key_id) const {
  return "arn:aws:kms:us-east-1:" + std::string(kAccount) + ":key/" + key_id;
}

std::string base64_json(std::string_view bytes) { return "\"" + to_base64(as_bytes(bytes)) + "\""; }

std::string decode_base64(std::string_view text) {
  const auto bytes = from_base64(text);
  return bytes ? std::string(bytes->begin(), bytes->end()) : "(no base64)";
}

}  // namespace kms::test
