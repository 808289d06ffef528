#include "tests/connector/keystores/fixture.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <thread>

#include "connector/api/error.h"
#include "connector/base/log.h"
#include "connector/keys/key_spec.h"
#include "connector/storage/open_store.h"

namespace kms::test {
namespace {

using keystores::KeyStores;

config::Token token(const std::string& label) {
  config::Token token;
  token.module = SoftHsm::proxy_path();
  token.selector.label = label;
  token.sessions = 4;
  return token;
}

}  // namespace

Certificate::Certificate(const std::string& name) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
  X509_set_pubkey(certificate, key);
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
  X509_set_issuer_name(certificate, subject);
  X509_sign(certificate, key, EVP_sha256());
  der.resize(static_cast<std::size_t>(i2d_X509(certificate, nullptr)));
  unsigned char* out = der.data();
  i2d_X509(certificate, &out);
  BIO* text = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(text, certificate);
  char* data = nullptr;
  const long size = BIO_get_mem_data(text, &data);
  pem.assign(data, static_cast<std::size_t>(size));
  BIO_free(text);
  X509_free(certificate);
  EVP_PKEY_free(key);
}

KeyStoresTest::KeyStoresTest() {
  set_log_level(LogLevel::error);
  for (const char* region : {"us-east-1", "eu-west-1"}) {
    hsm_.add_token(region);
    config::Region configured;
    configured.name = region;
    configured.token = token(region);
    configured.pin = SecretBytes::copy_of(std::string_view(SoftHsm::kUserPin));
    config_.regions.push_back(std::move(configured));
  }
  for (const char* id : {kCluster, kOtherCluster, kThirdCluster}) {
    hsm_.add_token(id, kPassword);
    certificates_.emplace_back(id);
    config::Cluster cluster;
    cluster.id = id;
    cluster.account = kHere.account;
    cluster.region = kHere.region;
    cluster.token = token(id);
    cluster.trust_anchor = certificates_.back().der;
    if (id != std::string(kThirdCluster)) cluster.related_group = "group";
    config_.clusters.push_back(std::move(cluster));
  }
  config_.storage.sqlite = (dir_.path() / "kms.sqlite").string();
  config_.limits.request_deadline = std::chrono::seconds{30};
  proxy().reset();
  start();
}

KeyStoresTest::~KeyStoresTest() {
  proxy().reset();
  stop();
}

void KeyStoresTest::begin() {
  db_ = storage::open_sqlite(config_.storage.sqlite);
  modules_ = std::make_unique<pkcs11::Modules>();
  stores_ = std::make_unique<KeyStores>(config_, *modules_, *db_, clock_, random_);
  stores_->start();
}

void KeyStoresTest::start() {
  begin();
  // It does not wait long for tokens; a machine that stalls may have it return before the first
  // try.
  const auto untried = [](const keystores::TokenStatus& one) {
    return one.detail == "not opened yet";
  };
  const auto until = soon();
  while (std::ranges::any_of(stores_->status(), untried) &&
         std::chrono::steady_clock::now() < until) {
    std::this_thread::yield();
  }
}

void KeyStoresTest::stop() {
  if (stores_) stores_->stop();
  stores_.reset();
  modules_.reset();
  db_.reset();
}

pkcs11_proxy::Control& KeyStoresTest::proxy() {
  return pkcs11_proxy::control(SoftHsm::proxy_path());
}

keystores::Deadline KeyStoresTest::soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds{60};
}

std::string KeyStoresTest::outcome(const std::function<void()>& call) {
  try {
    call();
    return "OK";
  } catch (const api::Error& error) {
    return std::to_string(error.http_status()) + " " + std::string(error.wire_code()) + ": " +
           error.message().value_or("-");
  }
}

namespace {

/// "OK" or the wire code of the refusal.
std::string code_of(const std::function<void()>& call) {
  try {
    call();
    return "OK";
  } catch (const api::Error& error) {
    return std::string(error.wire_code());
  }
}

}  // namespace

KeyStores::NewStore KeyStoresTest::request(const std::string& name, const std::string& cluster,
                                           const std::string& password) const {
  std::string anchor = certificates_.front().pem;
  for (std::size_t i = 0; i < config_.clusters.size() && i < certificates_.size(); ++i) {
    if (config_.clusters[i].id == cluster) anchor = certificates_[i].pem;
  }
  return {.name = name,
          .cluster_id = cluster,
          .trust_anchor = anchor,
          .password = SecretString::copy_of(password)};
}

std::string KeyStoresTest::create(const std::string& name, const std::string& cluster,
                                  const std::string& password) {
  return create(request(name, cluster, password));
}

std::string KeyStoresTest::create(KeyStores::NewStore request) {
  std::string id;
  const std::string code = code_of([&] {
    id = stores().create(kHere, std::move(request), soon(),
                         [&](std::vector<storage::Change> changes, const keys::KeyStoreRecord&) {
                           db().commit(changes);
                         });
  });
  return code == "OK" ? id : code;
}

std::string KeyStoresTest::connect(const std::string& id) {
  return code_of([&] {
    const auto record = stores().prepare_connect(kHere, id);
    if (!record) return;
    const storage::Change put = storage::Put<keys::KeyStoreRecord>{*record};
    db().commit({&put, 1});
    stores().connect(kHere, id);
  });
}

std::string KeyStoresTest::disconnect(const std::string& id) {
  return code_of([&] {
    const storage::Change put =
        storage::Put<keys::KeyStoreRecord>{stores().prepare_disconnect(kHere, id)};
    db().commit({&put, 1});
    stores().disconnect(kHere, id);
  });
}

std::string KeyStoresTest::update(const std::string& id, KeyStores::StoreUpdate update) {
  return code_of([&] {
    stores().update(kHere, id, std::move(update), soon(),
                    [&](std::vector<storage::Change> changes, const keys::KeyStoreRecord&) {
                      db().commit(changes);
                    });
  });
}

std::string KeyStoresTest::set_password(const std::string& id, const std::string& password) {
  KeyStores::StoreUpdate change;
  change.password = SecretString::copy_of(password);
  return update(id, std::move(change));
}

std::string KeyStoresTest::remove(const std::string& id) {
  return code_of([&] {
    const storage::Change erase =
        storage::Erase<keys::KeyStoreRecord>{stores().prepare_delete(kHere, id)};
    db().commit({&erase, 1});
  });
}

std::string KeyStoresTest::connected(const std::string& id) {
  const std::string code = connect(id);
  if (code != "OK") return code;
  stores().wait_idle();
  return state(id);
}

std::string KeyStoresTest::disconnected(const std::string& id) {
  const std::string code = disconnect(id);
  if (code != "OK") return code;
  stores().wait_idle();
  return state(id);
}

std::string KeyStoresTest::state(const std::string& id) {
  const keys::KeyStorePtr record = db().key_store(kHere, id);
  if (!record) return "(none)";
  std::string text(api::to_string(record->state));
  if (record->error) text.append(" ").append(api::to_string(*record->error));
  return text;
}

bool KeyStoresTest::reaches(const std::string& id, const std::string& wanted) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{60};
  while (state(id) != wanted) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::yield();
  }
  return true;
}

keys::KeyPtr KeyStoresTest::make_key(const std::string& store_id, pkcs11::KeyKind kind) {
  const auto store =
      store_id.empty() ? stores().region(kHere.region) : stores().custom(kHere, store_id);
  keys::KeyRecord key;
  key.scope = kHere;
  key.id = make_uuid(random_);
  key.spec = keys::key_spec(kind).spec;
  key.usage = keys::key_spec(kind).usages.front();
  key.created = clock_.now();
  key.custom_key_store_id = store_id;
  key.current_material = make_hex_id(random_, 32);
  key.materials = {{.id = key.current_material, .created = key.created, .generations = {}}};
  const auto reserved = store->reserve(kind, soon());
  if (reserved) {
    key.materials.front().generations = {{.number = 1, .ref = *reserved}};
    const storage::Change intent = storage::Put<keys::KeyRecord>{key};
    db().commit({&intent, 1});
    ++key.version;
  }
  key.materials.front().generations = {
      {.number = 1, .ref = store->make(kind, reserved, key.arn(), soon())}};
  key.state = keys::StoredState::enabled;
  const storage::Change put = storage::Put<keys::KeyRecord>{key};
  db().commit({&put, 1});
  return db().key(kHere, key.id);
}

keys::KeyPtr KeyStoresTest::fresh(const keys::KeyPtr& key) { return db().key(key->scope, key->id); }

keys::AuthorizedKey KeyStoresTest::authorized(keys::KeyPtr key) {
  return auth::Authorizer::for_service(std::move(key), {"Test"});
}

std::string KeyStoresTest::encrypt(const keys::KeyPtr& key, Bytes* blob,
                                   std::chrono::milliseconds within) {
  return outcome([&] {
    const keystores::Encrypted made =
        stores().of(*key)->encrypt(authorized(fresh(key)), as_bytes("plain"), {{"who", "alice"}},
                                   std::chrono::steady_clock::now() + within);
    if (blob != nullptr) *blob = made.ciphertext;
  });
}

std::string KeyStoresTest::decrypt(const keys::KeyPtr& key, const Bytes& blob,
                                   std::chrono::milliseconds within) {
  std::string plaintext = "(not authentic)";
  const std::string result = outcome([&] {
    const auto parsed = keys::parse_ciphertext(blob);
    ASSERT_TRUE(parsed);
    const auto opened =
        stores().of(*key)->decrypt(authorized(fresh(key)), *parsed, {{"who", "alice"}},
                                   std::chrono::steady_clock::now() + within);
    if (opened) plaintext = opened->text();
  });
  return result == "OK" ? plaintext : result;
}

}  // namespace kms::test
