#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "connector/base/encodings.h"
#include "connector/base/log.h"
#include "connector/service/application.h"
#include "tests/fuzz/support.h"
#include "tests/support/signer.h"
#include "tests/support/softhsm.h"
#include "tests/support/temp_dir.h"

namespace {

using kms::fuzz::require;
using pkcs11::SecretBytes;

constexpr const char* kAccount = "123456789012";
constexpr const char* kOtherAccount = "111122223333";
constexpr const char* kRegion = "us-east-1";
constexpr const char* kCluster = "cluster-abcdefg2345";
constexpr const char* kStorePassword = "kmsPswd-1";
constexpr std::string_view kTrustAnchor =
    "MIIBfDCCASGgAwIBAgIUKhKIWZhMhodx8O2KKEuhhhQZMF4wCgYIKoZIzj0EAwIwEjEQMA4GA1UEAwwHY2x1c3RlcjAg"
    "Fw0yNjExMjMxOTUzNDRaGA8yMTI2MTAzMDE5NTM0NFowEjEQMA4GA1UEAwwHY2x1c3RlcjBZMBMGByqGSM49AgEGCCqG"
    "SM49AwEHA0IABDVK8sxfnTyJexs5csckGWPnkAL5pI3tWnT5wvHzpen2/p1UpIAhaaL4E7YXgG0nlqaBvSt4akZPKEhd"
    "kCHK1i2jUzBRMB0GA1UdDgQWBBQ4AdKnjXx7p5pMEggftADnCkWxYTAfBgNVHSMEGDAWgBQ4AdKnjXx7p5pMEggftADn"
    "CkWxYTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0kAMEYCIQCPnoB6ljHLRVx5plc54YzBT0EzaqCurY0a+Ssy"
    "HKOj9AIhAO9KWJ4LA/AheMtURVuqof/iIFXJ6fPAxj2NorwbpZtV";
// SoftHSM gets slow with many objects: a fresh service begins after so many changes.
constexpr int kChangesOfOneService = 500;

config::Token token_of(const char* label) {
  config::Token token;
  token.module = kms::test::SoftHsm::module_path();
  token.selector.label = label;
  token.sessions = 2;
  return token;
}

config::Principal principal(const std::string& account, const std::string& name,
                            const kms::test::Credentials& credentials) {
  config::Principal made;
  made.arn = "arn:aws:iam::" + account + ":user/" + name;
  made.account = account;
  made.name = name;
  made.unique_id = "AIDA" + name;
  made.access_keys.push_back(
      {.id = credentials.access_key_id, .secret = SecretBytes::copy_of(credentials.secret)});
  return made;
}

/// A running service with one key, and what requests say to it.
class Running {
 public:
  Running();

  kms::api::Response handle(kms::api::Request& request) {
    kms::api::Response response = application_->service().handle(request);
    check(response);
    check_audit();
    return response;
  }
  kms::api::Response call(std::string_view operation, std::string_view body, int caller = 0) {
    kms::api::Request request = signers_[caller].sign(operation, body, kms::SystemClock().now());
    return handle(request);
  }
  /// Puts the ids of what there is in place of $KEY, $ARN, $BLOB, $STORE and $ANCHOR.
  [[nodiscard]] std::string filled_in(std::string_view body) const;
  /// Undoes what would make most later inputs pointless.
  void repair();

  kms::test::Signer& signer(int caller) { return signers_[caller]; }

 private:
  void check(const kms::api::Response& response) const;
  void check_audit();
  std::string ok(std::string_view operation, const std::string& body, std::string_view member);

  kms::test::SoftHsm hsm_;
  kms::test::TempDir dir_;
  config::Config config_;
  std::unique_ptr<kms::service::Application> application_;
  kms::test::Signer signers_[3]{kms::test::Signer(kms::test::admin(), kRegion),
                                kms::test::Signer(kms::test::alice(), kRegion),
                                kms::test::Signer(kms::test::bob(), kRegion)};
  std::map<std::string, std::string> names_;  // by placeholder
  std::ifstream audit_;
};

Running::Running() {
  hsm_.add_token(kRegion);
  hsm_.add_token(kCluster, kStorePassword);
  config::Region& region = config_.regions.emplace_back();
  region.name = kRegion;
  region.token = token_of(kRegion);
  region.pin = SecretBytes::copy_of(std::string_view(kms::test::SoftHsm::kUserPin));
  config::Cluster& cluster = config_.clusters.emplace_back();
  cluster.id = kCluster;
  cluster.account = kAccount;
  cluster.region = kRegion;
  cluster.token = token_of(kCluster);
  cluster.trust_anchor = kms::from_base64(kTrustAnchor).value();
  config_.accounts = {kAccount, kOtherAccount};
  config_.default_region = kRegion;
  config_.principals.push_back(principal(kAccount, "admin", kms::test::admin()));
  config_.principals.push_back(principal(kAccount, "alice", kms::test::alice()));
  config_.principals.push_back(principal(kOtherAccount, "bob", kms::test::bob()));
  for (const std::size_t number : {0U, 2U}) {
    config_.principals[number].policies.push_back(
        {.name = "policy",
         .json = R"({"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]})"});
  }
  config_.storage.sqlite = (dir_.path() / "kms.sqlite").string();
  config_.audit.file = (dir_.path() / "audit.jsonl").string();
  config_.audit.rotate_bytes = 4 * 1024 * 1024;
  config_.audit.keep_files = 1;
  // A slow machine is no finding.
  config_.limits.request_deadline = std::chrono::minutes(1);
  config_.limits.failed_signatures_per_minute = 0;

  application_ = std::make_unique<kms::service::Application>(config_, nullptr);
  while (!application_->ready()) std::this_thread::yield();
  names_["$KEY"] = ok("CreateKey", "{}", "\"KeyId\":\"");
  names_["$ARN"] =
      std::string("arn:aws:kms:") + kRegion + ":" + kAccount + ":key/" + names_["$KEY"];
  names_["$BLOB"] = ok("Encrypt", filled_in(R"({"KeyId":"$KEY","Plaintext":"c2VjcmV0"})"),
                       "\"CiphertextBlob\":\"");
  names_["$ANCHOR"] = "-----BEGIN CERTIFICATE-----\\n" + std::string(kTrustAnchor) +
                      "\\n-----END CERTIFICATE-----\\n";
  names_["$STORE"] = "cks-1234567890abcdef0";
  repair();
}

std::string Running::ok(std::string_view operation, const std::string& body,
                        std::string_view member) {
  const kms::api::Response response = call(operation, body);
  const std::string_view text = response.body.text();
  require(response.status == 200, "the set-up works", text);
  const std::size_t at = text.find(member) + member.size();
  return std::string(text.substr(at, text.find('"', at) - at));
}

std::string Running::filled_in(std::string_view body) const {
  std::string text(body);
  for (const auto& [placeholder, name] : names_) {
    for (std::size_t at = text.find(placeholder); at != std::string::npos;
         at = text.find(placeholder, at + name.size())) {
      text.replace(at, placeholder.size(), name);
    }
  }
  return text;
}

void Running::repair() {
  static_cast<void>(call("CancelKeyDeletion", filled_in(R"({"KeyId":"$KEY"})")));
  static_cast<void>(call("EnableKey", filled_in(R"({"KeyId":"$KEY"})")));
  static_cast<void>(
      call("CreateAlias", filled_in(R"({"AliasName":"alias/a","TargetKeyId":"$KEY"})")));
  static_cast<void>(
      call("CreateCustomKeyStore",
           filled_in(R"({"CustomKeyStoreName":"a","CloudHsmClusterId":")" + std::string(kCluster) +
                     R"(","TrustAnchorCertificate":"$ANCHOR","KeyStorePassword":")" +
                     kStorePassword + R"("})")));
  constexpr std::string_view kMember = "\"CustomKeyStoreId\":\"";
  const kms::api::Response stores = call("DescribeCustomKeyStores", "{}");
  const std::size_t at = stores.body.text().find(kMember);
  if (at == std::string_view::npos) return;
  const std::string_view rest = stores.body.text().substr(at + kMember.size());
  names_["$STORE"] = rest.substr(0, rest.find('"'));
}

void Running::check(const kms::api::Response& response) const {
  const std::string_view body = response.body.text();
  require(response.status == 200 || (response.status >= 400 && response.status < 500),
          "a request is served or its sender's fault", body);
  require(response.status == 200 || !body.empty(), "an error has a body");
  if (!body.empty() && body.front() != '<') require(kms::fuzz::is_json(body), "JSON", body);
  require(response.headers.has("x-amzn-RequestId"), "each response has an id");
  for (const kms::api::Header& header : response.headers) {
    require(header.value.find_first_of("\r\n") == std::string::npos, "a header is a line",
            header.value);
  }
}

/// Every finished line since the last time is JSON.
void Running::check_audit() {
  std::error_code error;
  const auto size = std::filesystem::file_size(config_.audit.file, error);
  if (error) return;
  if (!audit_.is_open() || size < static_cast<std::uintmax_t>(audit_.tellg())) {
    audit_ = std::ifstream(config_.audit.file, std::ios::binary);
  }
  for (std::string line;;) {
    const auto before = audit_.tellg();
    if (!std::getline(audit_, line) || audit_.eof()) {
      audit_.clear();
      audit_.seekg(before);
      return;
    }
    require(kms::fuzz::is_json(line), "an audit record is JSON", line);
  }
}

std::unique_ptr<Running>& running() {
  static std::unique_ptr<Running> service;
  return service;
}

/// The service ends before the statics of the libraries that it loaded.
void start() {
  running().reset();
  static const std::filesystem::path memory = "/dev/shm";
  if (std::filesystem::is_directory(memory)) ::setenv("TMPDIR", memory.c_str(), 0);
  kms::set_log_level(kms::LogLevel::error);
  running() = std::make_unique<Running>();
  std::atexit([] { running().reset(); });
}

/// The second byte: what is odd about the request.
enum Odd : unsigned {
  kCallerMask = 3,   // alice, bob; else the administrator
  kBodyHash = 4,     // with X-Amz-Content-Sha256
  kContentType = 8,  // with parameters
};

/// Tells the status.
int call(std::string_view operation, std::string_view input) {
  Running& service = *running();
  const unsigned odd = kms::fuzz::take_byte(input);
  const int caller = (odd & kCallerMask) == 3 ? 0 : static_cast<int>(odd & kCallerMask);
  const std::string body = service.filled_in(input);
  kms::api::Request request;
  request.method = "POST";
  request.uri = "/";
  request.headers = {{"Host", "127.0.0.1:8080"},
                     {"X-Amz-Target", "TrentService." + std::string(operation)},
                     {"Content-Type", std::string("application/x-amz-json-1.1") +
                                          ((odd & kContentType) != 0 ? "; charset=utf-8" : "")}};
  if ((odd & kBodyHash) != 0) {
    request.headers.add("X-Amz-Content-Sha256", kms::to_hex(kms::sha256(kms::as_bytes(body))));
  }
  request.body = SecretBytes::copy_of(body);
  request.peer_address = "127.0.0.1";
  service.signer(caller).sign(request, kms::SystemClock().now());
  return service.handle(request).status;
}

void call_raw(bool sign, std::string_view input) {
  Running& service = *running();
  kms::api::Request request = kms::fuzz::parse_request(service.filled_in(input));
  if (sign && request.uri == "/") service.signer(0).sign(request, kms::SystemClock().now());
  static_cast<void>(service.handle(request));
}

}  // namespace

// "!" and a raw request, "*" and one that is signed; else an operation, a byte of oddities and the
// body, signed correctly.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static int changes = kChangesOfOneService;
  std::string_view input(reinterpret_cast<const char*>(data), size);
  if (changes >= kChangesOfOneService) {
    start();
    changes = 0;
  }
  if (input.starts_with('!') || input.starts_with('*')) {
    call_raw(input.front() == '*', input.substr(1));
    return 0;
  }
  const kms::api::OperationInfo& operation = kms::fuzz::take_operation(input);
  if (call(operation.name, input) == 200 && !operation.read_only) {
    running()->repair();
    ++changes;
  }
  return 0;
}
