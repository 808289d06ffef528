#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "tests/support/daemon_process.h"

namespace kms::test {

/// The values that a thing may have: one after an acknowledged change, one more for each change
/// that was asked for and neither acknowledged nor refused.
class Possible final {
 public:
  Possible() = default;
  explicit Possible(std::string value) : values_{std::move(value)} {}

  void is(std::string value) { values_ = {std::move(value)}; }
  void may_be(std::string value) { values_.insert(std::move(value)); }
  [[nodiscard]] bool contains(const std::string& value) const { return values_.contains(value); }
  [[nodiscard]] std::string text() const;

 private:
  std::set<std::string> values_;
};

/// What one client was told of one key.
struct KnownKey {
  struct Sample {
    std::string ciphertext;  // base64, as received
    std::string plaintext;
  };
  std::string arn;
  Possible state{"Enabled"};
  Possible description;
  std::map<std::string, Possible> tags;  // "": no such tag
  std::vector<Sample> samples;
};

/// One client of a daemon that is killed again and again: it changes and uses keys, aliases and
/// tags that no other client touches, and keeps a log of what it was told. Used by one thread at a
/// time.
class Workload final {
 public:
  /// `store_id`: some keys are made in this custom key store; `owns_store`: this client renames it.
  Workload(std::string name, std::uint64_t seed, std::string store_id, bool owns_store);

  /// Works until the connection ends.
  void run(std::uint16_t port);
  /// Compares all that was acknowledged with what the daemon says now; a line for each difference.
  /// What was in doubt is then known.
  std::vector<std::string> judge(std::uint16_t port);

  /// The requests that were answered with 200, by id: each must have its audit record.
  [[nodiscard]] const std::map<std::string, std::string>& acknowledged() const noexcept {
    return acknowledged_;
  }
  /// Of those: the changes.
  [[nodiscard]] std::size_t changes() const noexcept { return changes_; }
  [[nodiscard]] std::size_t key_count() const noexcept { return keys_.size(); }
  [[nodiscard]] bool knows_key(const std::string& arn) const;
  /// Whether a key of this description was asked for, with no answer.
  [[nodiscard]] bool asked_for(const std::string& description) const {
    return in_doubt_.contains(description);
  }
  [[nodiscard]] bool knows_alias(const std::string& alias) const {
    return aliases_.contains(alias);
  }

 private:
  std::optional<Reply> call(std::string_view operation, const std::string& body, bool change);
  /// One change of a value: `next` in doubt as long as there is no answer. False if the connection
  /// ended.
  bool change(Possible& value, const std::string& next, std::string_view operation,
              const std::string& body);
  bool step();
  bool create_key();
  bool change_state(KnownKey& key);
  bool change_alias();
  bool change_tag(KnownKey& key);
  bool change_description(KnownKey& key);
  bool rename_store();
  bool encrypt(KnownKey& key);
  bool generate_data_key(KnownKey& key);
  bool decrypt(KnownKey& key);
  KnownKey* any_key();
  std::uint64_t draw(std::uint64_t below) { return random_() % below; }
  std::string fresh(std::string_view kind);

  void judge_key(KnownKey& key);
  void judge_samples(KnownKey& key);
  void judge_aliases();
  void judge_value(const std::string& what, Possible& value, const std::string& seen);

  const std::string name_;
  std::mt19937_64 random_;
  const std::string store_id_;
  std::uint64_t counter_ = 0;
  std::vector<KnownKey> keys_;
  std::map<std::string, Possible> aliases_;  // the ARN of the target; "": no such alias
  std::optional<Possible> store_name_;
  std::set<std::string> in_doubt_;
  std::map<std::string, std::string> acknowledged_;
  std::size_t changes_ = 0;
  ApiClient* client_ = nullptr;
  std::vector<std::string> differences_;
};

}  // namespace kms::test
