#include <algorithm>
#include <atomic>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "tests/connector/keystores/fixture.h"

namespace kms::test {
namespace {

using keystores::KeyStores;

// Cryptoki's numbers for the answers that the proxy is told to give.
constexpr unsigned long kGeneralError = 0x05;
constexpr unsigned long kDeviceError = 0x30;
constexpr unsigned long kUserAlreadyLoggedIn = 0x100;
constexpr unsigned long kUserPinNotInitialized = 0x102;
constexpr unsigned long kAnotherAlreadyLoggedIn = 0x104;
constexpr unsigned long kForever = pkcs11_proxy::kForever;

constexpr const char* kUnreachable =
    "400 KMSInvalidStateException: KMS cannot communicate with your CloudHSM cluster";

class CreateCustomKeyStore : public KeyStoresTest {};

TEST_F(CreateCustomKeyStore, MakesADisconnectedStore) {
  const std::string id = create("first");
  ASSERT_EQ(id.size(), 21U) << id;
  EXPECT_EQ(id.substr(0, 4), "cks-");
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef", 4), std::string::npos);
  const keys::KeyStorePtr record = db().key_store(kHere, id);
  ASSERT_TRUE(record);
  EXPECT_EQ(record->name, "first");
  EXPECT_EQ(record->cluster_id, kCluster);
  EXPECT_EQ(record->trust_anchor, certificates_[0].pem);
  EXPECT_EQ(record->created, clock_.now());
  EXPECT_EQ(state(id), "DISCONNECTED");
}

TEST_F(CreateCustomKeyStore, SealsThePassword) {
  const std::string id = create();
  stop();
  for (const auto& file : std::filesystem::directory_iterator(dir_.path())) {
    EXPECT_EQ(read_file(file.path()).find(kPassword), std::string::npos) << file.path();
  }
  start();
  EXPECT_EQ(connected(id), "CONNECTED");
}

TEST_F(CreateCustomKeyStore, WithTheSamePropertiesGivesTheSameStore) {
  const std::string id = create();
  EXPECT_EQ(create(), id);
  EXPECT_EQ(db().key_stores(&kHere).size(), 1U);
}

TEST_F(CreateCustomKeyStore, WithTheSamePropertiesButConnectedIsInUse) {
  const std::string id = create();
  ASSERT_EQ(connected(id), "CONNECTED");
  EXPECT_EQ(create(), "CustomKeyStoreNameInUseException");
}

TEST_F(CreateCustomKeyStore, WithAnotherPasswordIsNotTheSame) {
  (void)create();
  EXPECT_EQ(create("store", kCluster, "another-1"), "CustomKeyStoreNameInUseException");
}

TEST_F(CreateCustomKeyStore, NameIsUniqueInAccountAndRegion) {
  (void)create("name", kCluster);
  EXPECT_EQ(create("name", kThirdCluster), "CustomKeyStoreNameInUseException");
}

TEST_F(CreateCustomKeyStore, ClusterMustBeConfigured) {
  EXPECT_EQ(create("store", "cluster-unknown2345"), "CloudHsmClusterNotFoundException");
}

TEST_F(CreateCustomKeyStore, ClusterBelongsToAccountAndRegion) {
  const auto commit = [](std::vector<storage::Change>, const keys::KeyStoreRecord&) { FAIL(); };
  for (const Scope& elsewhere :
       {Scope{kHere.account, "eu-west-1"}, Scope{"111122223333", kHere.region}}) {
    EXPECT_EQ(
        outcome([&] { (void)stores().create(elsewhere, request(), soon(), commit); }),
        "400 CloudHsmClusterNotFoundException: The request was rejected because KMS cannot find "
        "the CloudHSM cluster with the specified cluster ID. Retry the request with a "
        "different cluster ID.");
  }
}

TEST_F(CreateCustomKeyStore, ClusterServesOneStore) {
  (void)create("first");
  EXPECT_EQ(create("second"), "CloudHsmClusterInUseException");
}

TEST_F(CreateCustomKeyStore, ClustersThatShareABackupHistoryServeOneStore) {
  (void)create("first", kCluster);
  EXPECT_EQ(create("second", kOtherCluster), "CloudHsmClusterInUseException");
  EXPECT_EQ(create("third", kThirdCluster).substr(0, 4), "cks-");
}

TEST_F(CreateCustomKeyStore, OneTokenServesOneStore) {
  config_.clusters[2].token = config_.clusters[0].token;
  (void)create("first", kCluster);
  EXPECT_EQ(create("second", kThirdCluster), "CloudHsmClusterInUseException");
}

TEST_F(CreateCustomKeyStore, ARegionsTokenServesNoStore) {
  config_.clusters[0].token = config_.regions[1].token;
  EXPECT_EQ(create(), "CloudHsmClusterInvalidConfigurationException");
}

TEST_F(CreateCustomKeyStore, TrustAnchorIsComparedAsCertificate) {
  KeyStores::NewStore same = request();
  same.trust_anchor = "customerCA.crt\n\n" + same.trust_anchor + "\n";
  EXPECT_EQ(create(std::move(same)).substr(0, 4), "cks-");
}

TEST_F(CreateCustomKeyStore, TrustAnchorMustBeTheClusters) {
  const std::string own = certificates_[0].pem;
  const std::string other = certificates_[1].pem;
  for (const std::string& wrong :
       {other, std::string("no certificate"), own + other, own.substr(0, 300)}) {
    KeyStores::NewStore bad = request();
    bad.trust_anchor = wrong;
    EXPECT_EQ(create(std::move(bad)), "IncorrectTrustAnchorException");
  }
}

TEST_F(CreateCustomKeyStore, ClusterNeedsAnHsm) {
  proxy().absent_until_restored(kCluster);
  EXPECT_EQ(create(), "CloudHsmClusterNotActiveException");
  proxy().restore();
  EXPECT_EQ(create().substr(0, 4), "cks-");
}

TEST_F(CreateCustomKeyStore, ClusterOfSeveralTokensIsAnInvalidConfiguration) {
  config_.clusters[0].token.selector.label = "twin";
  hsm_.add_token("twin", kPassword);
  hsm_.add_token("twin", kPassword);
  EXPECT_EQ(create(), "CloudHsmClusterInvalidConfigurationException");
}

TEST_F(CreateCustomKeyStore, FindsATokenThatWasMadeMeanwhile) {
  config_.clusters[0].token.selector.label = "late";
  EXPECT_EQ(create(), "CloudHsmClusterNotActiveException");
  hsm_.add_token("late", kPassword);
  const std::string id = create();
  EXPECT_EQ(connected(id), "CONNECTED");
}

TEST_F(CreateCustomKeyStore, ModuleThatCannotBeLoadedIsAnInvalidConfiguration) {
  config_.clusters[0].token.module = "/nonexistent/module.so";
  EXPECT_EQ(create(), "CloudHsmClusterInvalidConfigurationException");
}

TEST_F(CreateCustomKeyStore, QuotaIsChecked) {
  config_.limits.key_stores_per_account = 1;
  const std::string id = create("first");
  EXPECT_EQ(create("second", kThirdCluster), "LimitExceededException");
  EXPECT_EQ(create("first"), id);
}

TEST_F(CreateCustomKeyStore, OfOneNameAtOnceMakesOne) {
  std::vector<std::string> results(4);
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < results.size(); ++i) {
    threads.emplace_back(
        [&, i] { results[i] = create("same", i % 2 == 0 ? kCluster : kThirdCluster, kPassword); });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(db().key_stores(&kHere).size(), 1U);
}

class ConnectCustomKeyStore : public KeyStoresTest {};

TEST_F(ConnectCustomKeyStore, ConnectsInTheBackground) {
  const std::string id = create();
  EXPECT_EQ(connect(id), "OK");
  EXPECT_TRUE(reaches(id, "CONNECTED"));
  EXPECT_EQ(connect(id), "OK");
  EXPECT_EQ(state(id), "CONNECTED");
}

TEST_F(ConnectCustomKeyStore, UnknownStoreIsNotFound) {
  EXPECT_EQ(connect("cks-0"), "CustomKeyStoreNotFoundException");
  EXPECT_EQ(disconnect("cks-0"), "CustomKeyStoreNotFoundException");
  EXPECT_EQ(remove("cks-0"), "CustomKeyStoreNotFoundException");
  EXPECT_EQ(update("cks-0", {}), "CustomKeyStoreNotFoundException");
}

TEST_F(ConnectCustomKeyStore, WrongPasswordIsTriedOnce) {
  const std::string id = create("store", kCluster, "wrong-pass");
  proxy().zero_counters();
  EXPECT_EQ(connected(id), "FAILED INVALID_CREDENTIALS");
  EXPECT_EQ(proxy().count("C_Login").errors, 1U);
  EXPECT_EQ(connect(id), "CustomKeyStoreInvalidStateException");
  EXPECT_EQ(disconnected(id), "DISCONNECTED");
  EXPECT_EQ(connected(id), "FAILED INVALID_CREDENTIALS");
  EXPECT_EQ(proxy().count("C_Login").errors, 1U);
}

TEST_F(ConnectCustomKeyStore, WrongPasswordIsNotTriedAgainAfterARestart) {
  const std::string id = create("store", kCluster, "wrong-pass");
  EXPECT_EQ(connected(id), "FAILED INVALID_CREDENTIALS");
  restart();
  EXPECT_EQ(state(id), "FAILED INVALID_CREDENTIALS");
  EXPECT_EQ(disconnected(id), "DISCONNECTED");
  proxy().zero_counters();
  EXPECT_EQ(connected(id), "FAILED INVALID_CREDENTIALS");
  EXPECT_EQ(proxy().count("C_Login").errors, 0U);
  EXPECT_EQ(disconnected(id), "DISCONNECTED");
  EXPECT_EQ(set_password(id, kPassword), "OK");
  EXPECT_EQ(connected(id), "CONNECTED");
}

TEST_F(ConnectCustomKeyStore, WrongPasswordOfADeletedStoreIsNotTriedAgainEither) {
  const std::string id = create("store", kCluster, "wrong-pass");
  EXPECT_EQ(connected(id), "FAILED INVALID_CREDENTIALS");
  EXPECT_EQ(disconnected(id), "DISCONNECTED");
  EXPECT_EQ(remove(id), "OK");
  const std::string again = create("again", kCluster, "wrong-pass");
  proxy().zero_counters();
  EXPECT_EQ(connected(again), "FAILED INVALID_CREDENTIALS");
  EXPECT_EQ(proxy().count("C_Login").errors, 0U);
}

TEST_F(ConnectCustomKeyStore, APasswordThatIsSetAgainIsTriedOnceMore) {
  const std::string id = create("store", kCluster, "later-pass");
  EXPECT_EQ(connected(id), "FAILED INVALID_CREDENTIALS");
  EXPECT_EQ(disconnected(id), "DISCONNECTED");
  // The order of AWS's procedure: the password in the cluster first, then UpdateCustomKeyStore.
  hsm_.change_user_pin(kCluster, kPassword, "later-pass");
  restart();  // SoftHSM reads a changed PIN when it is initialised
  EXPECT_EQ(set_password(id, "later-pass"), "OK");
  EXPECT_EQ(connected(id), "CONNECTED");
}

TEST_F(ConnectCustomKeyStore, EachUpdateOfThePasswordAllowsOneTry) {
  const std::string id = create("store", kCluster, "wrong-pass");
  proxy().zero_counters();
  for (unsigned tries = 1; tries <= 2; ++tries) {
    for (int i = 0; i < 2; ++i) {
      EXPECT_EQ(connected(id), "FAILED INVALID_CREDENTIALS");
      EXPECT_EQ(disconnected(id), "DISCONNECTED");
    }
    // The other tokens are logged in to again when the module reads its tokens anew.
    EXPECT_EQ(proxy().count("C_Login").errors, tries);
    EXPECT_EQ(set_password(id, "wrong-pass"), "OK");
  }
}

TEST_F(ConnectCustomKeyStore, LockedPinIsUserLockedOut) {
  proxy().pin_lock(1);
  const std::string id = create("store", kCluster, "wrong-pass");
  EXPECT_EQ(connected(id), "FAILED INVALID_CREDENTIALS");
  EXPECT_EQ(disconnected(id), "DISCONNECTED");
  EXPECT_EQ(set_password(id, kPassword), "OK");
  EXPECT_EQ(connected(id), "FAILED USER_LOCKED_OUT");
}

TEST_F(ConnectCustomKeyStore, PinThatIsNotInitializedIsUserNotFound) {
  const std::string id = create();
  proxy().fail("C_Login", kUserPinNotInitialized);
  EXPECT_EQ(connected(id), "FAILED USER_NOT_FOUND");
}

TEST_F(ConnectCustomKeyStore, AnotherApplicationsLoginIsUserLoggedIn) {
  const std::string id = create();
  proxy().fail("C_Login", kUserAlreadyLoggedIn);
  EXPECT_EQ(connected(id), "FAILED USER_LOGGED_IN");
  EXPECT_EQ(disconnected(id), "DISCONNECTED");
  proxy().fail("C_Login", kAnotherAlreadyLoggedIn);
  EXPECT_EQ(connected(id), "FAILED USER_LOGGED_IN");
  EXPECT_EQ(disconnected(id), "DISCONNECTED");
  EXPECT_EQ(connected(id), "CONNECTED");
}

TEST_F(ConnectCustomKeyStore, AbsentTokenIsInsufficientHsms) {
  const std::string id = create();
  proxy().absent_until_restored(kCluster);
  EXPECT_EQ(connected(id), "FAILED INSUFFICIENT_CLOUDHSM_HSMS");
  proxy().restore();
  EXPECT_EQ(disconnected(id), "DISCONNECTED");
  EXPECT_EQ(connected(id), "CONNECTED");
}

TEST_F(ConnectCustomKeyStore, DeletedTokenIsInsufficientHsms) {
  const std::string id = create();
  hsm_.delete_token(kCluster);
  EXPECT_EQ(connected(id), "FAILED INSUFFICIENT_CLOUDHSM_HSMS");
}

TEST_F(ConnectCustomKeyStore, ClusterThatIsNotConfiguredIsClusterNotFound) {
  const std::string id = create();
  stop();
  config_.clusters.erase(config_.clusters.begin());
  start();
  EXPECT_EQ(connected(id), "FAILED CLUSTER_NOT_FOUND");
}

TEST_F(ConnectCustomKeyStore, DeviceErrorIsNetworkErrors) {
  be_impatient();
  const std::string id = create();
  proxy().fail("C_Login", kDeviceError, 0, kForever);
  EXPECT_EQ(connected(id), "FAILED NETWORK_ERRORS");
}

TEST_F(ConnectCustomKeyStore, GeneralErrorIsInternalError) {
  be_impatient();
  const std::string id = create();
  proxy().fail("C_Login", kGeneralError, 0, kForever);
  EXPECT_EQ(connected(id), "FAILED INTERNAL_ERROR");
}

TEST_F(ConnectCustomKeyStore, AbsentTokenOfTheRegionIsInternalError) {
  be_impatient();
  const std::string id = create();
  proxy().absent_until_restored("us-east-1");
  EXPECT_EQ(connected(id), "FAILED INTERNAL_ERROR");
}

TEST_F(ConnectCustomKeyStore, GoesOnAfterAStopInBetween) {
  const std::string id = create();
  stop();
  proxy().absent_until_restored("us-east-1");
  start();
  // It waits for the Region's token, which holds its password.
  EXPECT_EQ(connect(id), "OK");
  stop();
  proxy().restore();
  start();
  EXPECT_TRUE(reaches(id, "CONNECTED"));
}

TEST_F(ConnectCustomKeyStore, NothingOfAFailureRemains) {
  const std::string id = create();
  proxy().fail("C_Login", kUserPinNotInitialized);
  EXPECT_EQ(connected(id), "FAILED USER_NOT_FOUND");
  EXPECT_EQ(disconnected(id), "DISCONNECTED");
  EXPECT_FALSE(db().key_store(kHere, id)->error.has_value());
}

class DisconnectCustomKeyStore : public KeyStoresTest {};

TEST_F(DisconnectCustomKeyStore, MakesItsKeysUnavailable) {
  const std::string id = create();
  ASSERT_EQ(connected(id), "CONNECTED");
  const keys::KeyPtr key = make_key(id);
  Bytes blob;
  ASSERT_EQ(encrypt(key, &blob), "OK");
  EXPECT_EQ(disconnect(id), "OK");
  EXPECT_FALSE(stores().available(*key));
  EXPECT_EQ(decrypt(key, blob), "400 KMSInvalidStateException: " + key->arn() + " is unavailable.");
  EXPECT_TRUE(reaches(id, "DISCONNECTED"));
  EXPECT_EQ(decrypt(key, blob), "400 KMSInvalidStateException: " + key->arn() + " is unavailable.");
  EXPECT_EQ(connected(id), "CONNECTED");
  EXPECT_TRUE(stores().available(*key));
  EXPECT_EQ(decrypt(key, blob), "plain");
}

TEST_F(DisconnectCustomKeyStore, OfADisconnectedStoreIsAnInvalidState) {
  const std::string id = create();
  EXPECT_EQ(disconnect(id), "CustomKeyStoreInvalidStateException");
}

TEST_F(DisconnectCustomKeyStore, LetsTheTokenGo) {
  const std::string id = create();
  const unsigned long before = proxy().open_sessions();
  ASSERT_EQ(connected(id), "CONNECTED");
  EXPECT_GT(proxy().open_sessions(), before);
  EXPECT_EQ(disconnected(id), "DISCONNECTED");
  EXPECT_EQ(proxy().open_sessions(), before);
}

TEST_F(DisconnectCustomKeyStore, WaitsForItsUsers) {
  const std::string id = create();
  ASSERT_EQ(connected(id), "CONNECTED");
  const keys::KeyPtr key = make_key(id);
  auto user = stores().of(*key);
  EXPECT_EQ(disconnect(id), "OK");
  EXPECT_EQ(connect(id), "CustomKeyStoreInvalidStateException");
  EXPECT_EQ(disconnect(id), "CustomKeyStoreInvalidStateException");
  EXPECT_EQ(remove(id), "CustomKeyStoreInvalidStateException");
  EXPECT_EQ(outcome([&] { (void)user->encrypt(authorized(key), as_bytes("x"), {}, soon()); }),
            "OK");
  EXPECT_EQ(state(id), "DISCONNECTING");
  user.reset();
  EXPECT_TRUE(reaches(id, "DISCONNECTED"));
}

TEST_F(DisconnectCustomKeyStore, WhileConnectingEndsDisconnected) {
  const std::string id = create();
  proxy().hang("C_Login");
  EXPECT_EQ(connect(id), "OK");
  ASSERT_TRUE(proxy().wait_until_hanging(1, std::chrono::seconds{60}));
  EXPECT_EQ(state(id), "CONNECTING");
  EXPECT_EQ(connect(id), "OK");
  EXPECT_EQ(disconnect(id), "OK");
  EXPECT_EQ(state(id), "DISCONNECTING");
  proxy().release();
  stores().wait_idle();
  EXPECT_EQ(state(id), "DISCONNECTED");
  EXPECT_EQ(connected(id), "CONNECTED");
}

TEST_F(DisconnectCustomKeyStore, RefusesNewKeysAndRandom) {
  const std::string id = create();
  const auto asked = [&] { (void)stores().custom(kHere, id); };
  EXPECT_EQ(outcome(asked).substr(0, 40), "400 CustomKeyStoreInvalidStateException:");
  EXPECT_EQ(outcome([&] { (void)stores().custom(kHere, "cks-0"); }).substr(0, 36),
            "400 CustomKeyStoreNotFoundException:");
}

class UpdateCustomKeyStore : public KeyStoresTest {
 protected:
  static KeyStores::StoreUpdate name(const std::string& name) {
    KeyStores::StoreUpdate update;
    update.name = name;
    return update;
  }
  static KeyStores::StoreUpdate cluster(const std::string& id) {
    KeyStores::StoreUpdate update;
    update.cluster_id = id;
    return update;
  }
};

TEST_F(UpdateCustomKeyStore, RenamesWhileConnected) {
  const std::string id = create("before");
  EXPECT_EQ(update(id, name("between")), "OK");
  ASSERT_EQ(connected(id), "CONNECTED");
  EXPECT_EQ(update(id, name("after")), "OK");
  EXPECT_EQ(db().key_store(kHere, id)->name, "after");
  EXPECT_EQ(update(id, name("after")), "OK");
  EXPECT_EQ(state(id), "CONNECTED");
}

TEST_F(UpdateCustomKeyStore, ChangesTheRestOnlyWhileDisconnected) {
  const std::string id = create();
  ASSERT_EQ(connected(id), "CONNECTED");
  EXPECT_EQ(set_password(id, "another-1"), "CustomKeyStoreInvalidStateException");
  EXPECT_EQ(update(id, cluster(kOtherCluster)), "CustomKeyStoreInvalidStateException");
}

TEST_F(UpdateCustomKeyStore, OfAFailedStoreIsAnInvalidState) {
  const std::string id = create("store", kCluster, "wrong-pass");
  ASSERT_EQ(connected(id), "FAILED INVALID_CREDENTIALS");
  EXPECT_EQ(set_password(id, kPassword), "CustomKeyStoreInvalidStateException");
  EXPECT_EQ(update(id, name("other")), "CustomKeyStoreInvalidStateException");
}

TEST_F(UpdateCustomKeyStore, NameMustBeFree) {
  const std::string id = create("first", kCluster);
  (void)create("second", kThirdCluster);
  EXPECT_EQ(update(id, name("second")), "CustomKeyStoreNameInUseException");
}

TEST_F(UpdateCustomKeyStore, NewClusterMustBeRelated) {
  const std::string id = create("store", kCluster);
  EXPECT_EQ(update(id, cluster("cluster-unknown2345")), "CloudHsmClusterNotFoundException");
  EXPECT_EQ(update(id, cluster(kThirdCluster)), "CloudHsmClusterNotRelatedException");
  EXPECT_EQ(update(id, cluster(kOtherCluster)), "OK");
  EXPECT_EQ(db().key_store(kHere, id)->cluster_id, kOtherCluster);
  EXPECT_EQ(connected(id), "CONNECTED");
}

TEST_F(UpdateCustomKeyStore, ClusterWithTheSameTrustAnchorIsRelated) {
  config_.clusters[2].trust_anchor = certificates_[0].der;
  const std::string id = create("store", kCluster);
  EXPECT_EQ(update(id, cluster(kThirdCluster)), "OK");
}

TEST_F(UpdateCustomKeyStore, ClusterNeedsAnHsm) {
  const std::string id = create("store", kCluster);
  proxy().absent_until_restored(kOtherCluster);
  EXPECT_EQ(update(id, cluster(kOtherCluster)), "CloudHsmClusterNotActiveException");
  EXPECT_EQ(db().key_store(kHere, id)->cluster_id, kCluster);
}

TEST_F(UpdateCustomKeyStore, PasswordChangesNothingInTheToken) {
  const std::string id = create();
  proxy().zero_counters();
  EXPECT_EQ(set_password(id, "another-1"), "OK");
  EXPECT_EQ(proxy().count("C_SetPIN").calls, 0U);
  EXPECT_EQ(proxy().count("C_Login").errors, 0U);
  EXPECT_EQ(connected(id), "FAILED INVALID_CREDENTIALS");
  EXPECT_EQ(disconnected(id), "DISCONNECTED");
  EXPECT_EQ(set_password(id, kPassword), "OK");
  EXPECT_EQ(connected(id), "CONNECTED");
}

class DeleteCustomKeyStore : public KeyStoresTest {};

TEST_F(DeleteCustomKeyStore, NeedsADisconnectedStoreWithoutKeys) {
  const std::string id = create();
  ASSERT_EQ(connected(id), "CONNECTED");
  const keys::KeyPtr key = make_key(id);
  EXPECT_EQ(remove(id), "CustomKeyStoreInvalidStateException");
  EXPECT_EQ(disconnected(id), "DISCONNECTED");
  EXPECT_EQ(remove(id), "CustomKeyStoreHasCMKsException");
  const storage::Change erase = storage::Erase<keys::KeyRecord>{*key};
  db().commit({&erase, 1});
  EXPECT_EQ(remove(id), "OK");
  EXPECT_EQ(state(id), "(none)");
  EXPECT_EQ(create().substr(0, 4), "cks-");
}

/// Of the process's address space.
std::ptrdiff_t mappings() {
  std::ifstream maps("/proc/self/maps");
  return std::count(std::istreambuf_iterator<char>(maps), {}, '\n');
}

TEST_F(DeleteCustomKeyStore, LeavesNoThreadsStackBehind) {
  constexpr int kStores = 10;
  const auto live_once = [this] {
    const std::string id = create();
    ASSERT_EQ(connected(id), "CONNECTED");
    ASSERT_EQ(disconnected(id), "DISCONNECTED");
    ASSERT_EQ(remove(id), "OK");
  };
  live_once();
  const std::ptrdiff_t before = mappings();
  for (int i = 0; i < kStores; ++i) live_once();
  // A stack and its guard are two mappings.
  EXPECT_LT(mappings() - before, kStores);
}

class LostToken : public KeyStoresTest {
 protected:
  LostToken() {
    id_ = create();
    EXPECT_EQ(connected(id_), "CONNECTED");
    key_ = make_key(id_);
    EXPECT_EQ(encrypt(key_, &blob_), "OK");
  }
  std::string id_;
  keys::KeyPtr key_;
  Bytes blob_;
};

TEST_F(LostToken, FailsAtTheDeadlineAndTheStoreStaysConnected) {
  proxy().absent_until_restored(kCluster);
  const auto patience = soon();
  EXPECT_EQ(encrypt(key_, nullptr, std::chrono::milliseconds{700}), kUnreachable);
  EXPECT_LT(std::chrono::steady_clock::now(), patience);
  EXPECT_EQ(state(id_), "CONNECTED");
  proxy().restore();
  EXPECT_EQ(decrypt(key_, blob_), "plain");
}

TEST_F(LostToken, AMomentsAbsenceIsNotNoticed) {
  proxy().absent_for(std::chrono::milliseconds{300}, kCluster);
  EXPECT_EQ(decrypt(key_, blob_), "plain");
}

TEST_F(LostToken, DoesNotTouchOtherTokens) {
  const keys::KeyPtr other = make_key();
  proxy().absent_until_restored(kCluster);
  EXPECT_EQ(encrypt(key_, nullptr, std::chrono::milliseconds{300}), kUnreachable);
  EXPECT_EQ(encrypt(other), "OK");
}

TEST_F(LostToken, AtARestartTheStoreStaysConnectedAndKeepsTrying) {
  stop();
  proxy().absent_until_restored(kCluster);
  start();
  EXPECT_EQ(state(id_), "CONNECTED");
  // No request waits for a token that was not there.
  const auto until = soon();
  EXPECT_EQ(encrypt(key_, nullptr, std::chrono::hours{1}), kUnreachable);
  EXPECT_LT(std::chrono::steady_clock::now(), until);
  proxy().restore();
  // It is looked for in the background.
  std::string answer;
  do {
    answer = decrypt(key_, blob_);
  } while (answer == kUnreachable && std::chrono::steady_clock::now() < until);
  EXPECT_EQ(answer, "plain");
  EXPECT_EQ(state(id_), "CONNECTED");
}

TEST_F(LostToken, AStoreWhoseTokenIsAbsentCanBeDisconnected) {
  stop();
  // Its password cannot be had. Until that is known, longer than the start takes, requests wait for
  // the token.
  config_.limits.request_deadline = std::chrono::seconds{4};
  proxy().absent_until_restored();
  begin();
  const auto waiting = stores().of(*key_);
  std::string answer;
  std::thread request([&] {
    answer = outcome([&] { (void)waiting->encrypt(authorized(key_), as_bytes("x"), {}, soon()); });
  });
  EXPECT_EQ(disconnect(id_), "OK");
  request.join();
  EXPECT_EQ(answer, kUnreachable);
}

TEST_F(LostToken, RefusedPinAtARestartFails) {
  stop();
  hsm_.change_user_pin(kCluster, kPassword, "changed-1");
  start();
  EXPECT_TRUE(reaches(id_, "FAILED INVALID_CREDENTIALS"));
  EXPECT_EQ(encrypt(key_), "400 KMSInvalidStateException: " + key_->arn() + " is unavailable.");
  proxy().zero_counters();
  restart();
  EXPECT_EQ(state(id_), "FAILED INVALID_CREDENTIALS");
  EXPECT_EQ(proxy().count("C_Login").errors, 0U);
}

TEST_F(LostToken, ShowsInTheStatusWhichMakesItRecover) {
  const auto status = [&] {
    for (const keystores::TokenStatus& one : stores().status()) {
      if (one.name == id_) return one.ready ? std::string("ready") : one.detail;
    }
    return std::string("(none)");
  };
  const auto reaches_status = [&](const std::string& wanted) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds{60};
    while (status() != wanted) {
      if (std::chrono::steady_clock::now() > until) return false;
      std::this_thread::yield();
    }
    return true;
  };
  EXPECT_EQ(status(), "ready");
  proxy().absent_until_restored(kCluster);
  EXPECT_NE(status(), "ready");
  proxy().restore();
  // Nobody uses the token: only those who look at its status.
  EXPECT_TRUE(reaches_status("ready"));
  proxy().logout();
  EXPECT_TRUE(reaches_status("ready"));
}

class Restart : public KeyStoresTest {
 protected:
  void set_state(const std::string& id, api::ConnectionStateType state) {
    keys::KeyStoreRecord record = *db().key_store(kHere, id);
    record.state = state;
    const storage::Change put = storage::Put<keys::KeyStoreRecord>{record};
    db().commit({&put, 1});
  }
};

TEST_F(Restart, ConnectedStoreReconnects) {
  const std::string id = create();
  ASSERT_EQ(connected(id), "CONNECTED");
  const keys::KeyPtr key = make_key(id);
  Bytes blob;
  ASSERT_EQ(encrypt(key, &blob), "OK");
  restart();
  EXPECT_EQ(state(id), "CONNECTED");
  EXPECT_EQ(decrypt(key, blob), "plain");
}

// SoftHSM remembers the PIN of its initialisation, which was the one before the change.
TEST_F(Restart, PasswordThatIsChangedAfterwardsIsTaken) {
  const std::string id = create();
  ASSERT_EQ(connected(id), "CONNECTED");
  restart();
  EXPECT_EQ(disconnected(id), "DISCONNECTED");
  hsm_.change_user_pin(kCluster, kPassword, "changed-1");
  EXPECT_EQ(set_password(id, "changed-1"), "OK");
  EXPECT_EQ(connected(id), "CONNECTED");
}

TEST_F(Restart, PasswordIsTakenAlsoAfterTheModuleCouldNotBeReadAnew) {
  const std::string id = create();
  ASSERT_EQ(connected(id), "CONNECTED");
  EXPECT_EQ(disconnected(id), "DISCONNECTED");
  hsm_.change_user_pin(kCluster, kPassword, "changed-1");
  EXPECT_EQ(set_password(id, "changed-1"), "OK");
  proxy().fail("C_Initialize", kGeneralError);
  EXPECT_EQ(connected(id), "FAILED INTERNAL_ERROR");
  EXPECT_EQ(disconnected(id), "DISCONNECTED");
  EXPECT_EQ(connected(id), "CONNECTED");
}

TEST_F(Restart, ConnectingStoreConnects) {
  const std::string id = create();
  set_state(id, api::ConnectionStateType::connecting);
  restart();
  EXPECT_TRUE(reaches(id, "CONNECTED"));
}

TEST_F(Restart, DisconnectingStoreDisconnects) {
  const std::string id = create();
  set_state(id, api::ConnectionStateType::disconnecting);
  restart();
  EXPECT_TRUE(reaches(id, "DISCONNECTED"));
}

TEST_F(Restart, DisconnectedStoreStaysSo) {
  const std::string id = create();
  restart();
  EXPECT_EQ(state(id), "DISCONNECTED");
}

TEST_F(Restart, StoreThatWaitsForItsUsersDisconnectsAfterwards) {
  const std::string id = create();
  ASSERT_EQ(connected(id), "CONNECTED");
  const keys::KeyPtr key = make_key(id);
  {
    const auto user = stores().of(*key);
    EXPECT_EQ(disconnect(id), "OK");
  }
  restart();
  EXPECT_TRUE(reaches(id, "DISCONNECTED"));
}

class Concurrency : public KeyStoresTest {};

TEST_F(Concurrency, ConnectsDisconnectsAndUseAtOnce) {
  const std::vector<std::string> ids{create("first", kCluster), create("third", kThirdCluster)};
  std::vector<keys::KeyPtr> keys;
  for (const std::string& id : ids) {
    ASSERT_EQ(connected(id), "CONNECTED");
    keys.push_back(make_key(id));
  }
  std::atomic<bool> over{false};
  std::atomic<int> wrong{0};
  std::atomic<int> encrypted{0};
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    threads.emplace_back([&, i] {
      for (int n = 0; n < 5; ++n) {
        // Somebody else may be faster: a conflict or an invalid state is an answer.
        for (const bool up : {false, true}) {
          try {
            (void)(up ? connect(ids[i]) : disconnect(ids[i]));
          } catch (const storage::Error&) {
          }
          stores().wait_idle();
        }
      }
      over = true;
    });
    threads.emplace_back([&, i] {
      while (!over) {
        const std::string answer = encrypt(keys[i]);
        if (answer == "OK") {
          ++encrypted;
        } else if (answer !=
                   "400 KMSInvalidStateException: " + keys[i]->arn() + " is unavailable.") {
          ++wrong;
          ADD_FAILURE() << answer;
        }
      }
    });
  }
  threads.emplace_back([&] {
    while (!over) (void)stores().status();
  });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_GT(encrypted, 0);
  for (const std::string& id : ids) EXPECT_EQ(state(id), "CONNECTED");
}

}  // namespace
}  // namespace kms::test
