#include "connector/keystores/transport.h"

#include <gtest/gtest.h>

#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "pkcs11/error.h"

namespace kms::test {
namespace {

using namespace pkcs11;

[[noreturn]] void unexpected() { throw std::logic_error("not asked for here"); }

/// A token with nothing but what transport asks for; its "wrapping" is none. Keys that arrive are
/// what the test says.
class PlainToken final : public Token {
 public:
  explicit PlainToken(bool holds_transport_key) : holds_transport_key_(holds_transport_key) {}

  int exported = 0;

  WrappedMaterial generate_wrapped(KeyKind kind, Deadline) override {
    return {.kind = kind, .kek = {}, .blob = {++drawn_}, .public_key = {}};
  }
  void random(std::span<std::uint8_t> out, Deadline) override {
    for (std::uint8_t& byte : out) byte = ++drawn_;
  }
  GcmCiphertext gcm_encrypt(const MaterialRef& key, ByteView plaintext, ByteView,
                            Deadline) override {
    Bytes data = std::get<WrappedMaterial>(key).blob;
    data.insert(data.end(), plaintext.begin(), plaintext.end());
    return {.iv = Bytes(12), .data = std::move(data)};
  }
  std::optional<SecretBytes> gcm_decrypt(const MaterialRef& key, ByteView, ByteView ciphertext,
                                         ByteView, Deadline) override {
    if (ciphertext.front() != std::get<WrappedMaterial>(key).blob.front()) return std::nullopt;
    return SecretBytes::copy_of(ciphertext.subspan(1));
  }
  Bytes transport_key(Deadline) override { return {1, 2, 3}; }
  TransportedKey export_material(const WrappedMaterial& key, ByteView transport_key,
                                 Deadline) override {
    ++exported;
    return {.kind = key.kind,
            .wrapped_key = Bytes(transport_key.begin(), transport_key.end()),
            .wrapped = key.blob,
            .public_key = key.public_key};
  }
  WrappedMaterial import_transported(const TransportedKey& transported, Deadline) override {
    // Whoever cannot open it can only make something up.
    Bytes blob = holds_transport_key_ ? transported.wrapped : Bytes{0xFF};
    return {.kind = transported.kind,
            .kek = {},
            .blob = std::move(blob),
            .public_key = transported.public_key};
  }

  TokenInfo info() const override { unexpected(); }
  Capabilities capabilities() const override { unexpected(); }
  void check_health(Deadline) override { unexpected(); }
  std::uint64_t epoch() const override { unexpected(); }
  Holding holding(KeyKind, Deadline) override { unexpected(); }
  bool signs(SignatureScheme, MessageForm, Deadline) override { unexpected(); }
  OaepMethod oaep(OaepHash, Deadline) override { unexpected(); }
  ObjectMaterial generate_object(KeyKind, const ObjectId&, const std::string&, Deadline) override {
    unexpected();
  }
  bool destroy_object(const ObjectId&, Deadline) override { unexpected(); }
  bool has_object(const ObjectId&, Deadline) override { unexpected(); }
  std::vector<TokenObject> objects(Deadline) override { unexpected(); }
  SealedRandom generate_sealed(const MaterialRef&, std::size_t, ByteView, Deadline) override {
    unexpected();
  }
  Bytes sign(const MaterialRef&, SignatureScheme, MessageForm, ByteView, Deadline) override {
    unexpected();
  }
  bool verify(const MaterialRef&, SignatureScheme, MessageForm, ByteView, ByteView,
              Deadline) override {
    unexpected();
  }
  Bytes mac(const MaterialRef&, ByteView, Deadline) override { unexpected(); }
  bool verify_mac(const MaterialRef&, ByteView, ByteView, Deadline) override { unexpected(); }
  Bytes oaep_encrypt(const MaterialRef&, OaepHash, ByteView, Deadline) override { unexpected(); }
  std::optional<SecretBytes> oaep_decrypt(const MaterialRef&, OaepHash, ByteView,
                                          Deadline) override {
    unexpected();
  }
  std::optional<SecretBytes> ecdh(const MaterialRef&, ByteView, Deadline) override { unexpected(); }
  DataKeyPair generate_data_key_pair(KeyKind, Deadline) override { unexpected(); }
  std::variant<MaterialRef, ImportFault> import_material(
      const WrappedMaterial&, ImportScheme, ByteView, KeyKind,
      const std::optional<std::pair<ObjectId, std::string>>&, Deadline) override {
    unexpected();
  }
  Bytes fingerprint(const MaterialRef&, Deadline) override { unexpected(); }

 private:
  const bool holds_transport_key_;
  std::uint8_t drawn_ = 0;
};

constexpr Deadline kNever = Deadline::max();

TEST(Transport, CarriesKeysToATokenThatHoldsItsTransportKey) {
  PlainToken source(true);
  PlainToken destination(true);
  const keystores::Transport transport(source, destination, kNever);
  const WrappedMaterial key{
      .kind = KeyKind::ec_p256, .kek = {}, .blob = {42}, .public_key = {4, 5}};
  const WrappedMaterial carried = transport.carry(key);
  EXPECT_EQ(carried.kind, KeyKind::ec_p256);
  EXPECT_EQ(carried.blob, Bytes{42});
  EXPECT_EQ(carried.public_key, (Bytes{4, 5}));
}

TEST(Transport, ShowsNothingButAFreshKeyToOneThatDoesNot) {
  PlainToken source(true);
  PlainToken destination(false);
  try {
    const keystores::Transport transport(source, destination, kNever);
    FAIL() << "the destination was believed";
  } catch (const Error& error) {
    EXPECT_EQ(error.failure(), Failure::material_rejected);
  }
  EXPECT_EQ(source.exported, 1);
}

}  // namespace
}  // namespace kms::test
