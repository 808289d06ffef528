#include "tests/acceptance/workload.h"

#include <algorithm>
#include <utility>

#include "connector/base/bytes.h"
#include "connector/base/encodings.h"

namespace kms::test {
namespace {

constexpr std::size_t kMostKeys = 12;
constexpr std::size_t kMostAliases = 6;
constexpr std::size_t kKeptSamples = 6;
constexpr std::string_view kEnabled = "Enabled";
constexpr std::string_view kDisabled = "Disabled";
constexpr std::string_view kPendingDeletion = "PendingDeletion";

std::string key_body(const KnownKey& key, const std::string& more = "") {
  return "{\"KeyId\":" + json_literal(key.arn) + more + "}";
}

std::string base64_of(std::string_view text) { return to_base64(as_bytes(text)); }

void keep(KnownKey& key, KnownKey::Sample sample) {
  // The first is kept for ever, the rest is replaced by turns.
  if (key.samples.size() == kKeptSamples) key.samples.erase(key.samples.begin() + 1);
  key.samples.push_back(std::move(sample));
}

}  // namespace

std::string Possible::text() const {
  std::string text;
  for (const std::string& value : values_) text += (text.empty() ? "'" : " or '") + value + "'";
  return text;
}

Workload::Workload(std::string name, std::uint64_t seed, std::string store_id, bool owns_store)
    : name_(std::move(name)), random_(seed), store_id_(std::move(store_id)) {
  if (owns_store) store_name_ = Possible("store");
}

std::string Workload::fresh(std::string_view kind) {
  return name_ + "-" + std::string(kind) + "-" + std::to_string(++counter_);
}

std::optional<Reply> Workload::call(std::string_view operation, const std::string& body,
                                    bool is_change) {
  std::optional<Reply> reply = client_->call(operation, body);
  if (!reply) return reply;
  if (reply->ok()) {
    acknowledged_.emplace(reply->request_id, operation);
    if (is_change) ++changes_;
  } else {
    differences_.push_back(std::string(operation) + " " + body + ": " + reply->body);
  }
  return reply;
}

bool Workload::change(Possible& value, const std::string& next, std::string_view operation,
                      const std::string& body) {
  value.may_be(next);
  const auto reply = call(operation, body, true);
  if (!reply) return false;
  if (reply->ok()) value.is(next);
  return true;
}

void Workload::run(std::uint16_t port) {
  ApiClient client(port);
  client_ = &client;
  while (step()) {
  }
  client_ = nullptr;
}

KnownKey* Workload::any_key() { return keys_.empty() ? nullptr : &keys_[draw(keys_.size())]; }

bool Workload::step() {
  if (keys_.size() < 2 || (keys_.size() < kMostKeys && draw(12) == 0)) return create_key();
  KnownKey& key = *any_key();
  switch (draw(11)) {
    case 0:
      return change_state(key);
    case 1:
    case 2:
      return change_alias();
    case 3:
      return change_tag(key);
    case 4:
      return change_description(key);
    case 5:
      return rename_store();
    case 6:
    case 7:
      return encrypt(key);
    case 8:
      return generate_data_key(key);
    default:
      return decrypt(key);
  }
}

bool Workload::create_key() {
  const std::string description = fresh("key");
  std::string body = "{\"Description\":" + json_literal(description);
  if (draw(2) == 0) {
    body += ",\"Origin\":\"AWS_CLOUDHSM\",\"CustomKeyStoreId\":" + json_literal(store_id_);
  }
  in_doubt_.insert(description);
  const auto reply = call("CreateKey", body + "}", true);
  if (!reply) return false;
  in_doubt_.erase(description);
  if (!reply->ok()) return true;
  KnownKey key;
  key.arn = reply->at("/KeyMetadata/Arn");
  key.description = Possible(description);
  keys_.push_back(std::move(key));
  // A key that was acknowledged and cannot be used would not be noticed otherwise.
  return encrypt(keys_.back());
}

bool Workload::change_state(KnownKey& key) {
  if (key.state.contains(std::string(kPendingDeletion))) {
    return change(key.state, std::string(kDisabled), "CancelKeyDeletion", key_body(key));
  }
  if (key.state.contains(std::string(kDisabled))) {
    return change(key.state, std::string(kEnabled), "EnableKey", key_body(key));
  }
  if (draw(2) == 0) {
    return change(key.state, std::string(kDisabled), "DisableKey", key_body(key));
  }
  return change(key.state, std::string(kPendingDeletion), "ScheduleKeyDeletion",
                key_body(key, ",\"PendingWindowInDays\":7"));
}

bool Workload::change_alias() {
  const KnownKey& target = *any_key();
  // An alias of a key that waits for its deletion can neither be made nor moved.
  if (target.state.contains(std::string(kPendingDeletion))) return true;
  if (aliases_.size() < kMostAliases) {
    const std::string alias = "alias/" + fresh("alias");
    aliases_.emplace(alias, Possible(""));
    return change(aliases_[alias], target.arn, "CreateAlias",
                  "{\"AliasName\":" + json_literal(alias) +
                      ",\"TargetKeyId\":" + json_literal(target.arn) + "}");
  }
  auto& [alias, value] =
      *std::next(aliases_.begin(), static_cast<std::ptrdiff_t>(draw(kMostAliases)));
  const std::string name = "{\"AliasName\":" + json_literal(alias);
  const std::string with_target = name + ",\"TargetKeyId\":" + json_literal(target.arn) + "}";
  if (value.contains("")) return change(value, target.arn, "CreateAlias", with_target);
  if (draw(2) == 0) return change(value, "", "DeleteAlias", name + "}");
  return change(value, target.arn, "UpdateAlias", with_target);
}

bool Workload::change_tag(KnownKey& key) {
  if (key.state.contains(std::string(kPendingDeletion))) return true;
  const std::string tag = "tag" + std::to_string(draw(3));
  Possible& value = key.tags.try_emplace(tag, "").first->second;
  if (draw(3) == 0) {
    return change(value, "", "UntagResource",
                  key_body(key, ",\"TagKeys\":[" + json_literal(tag) + "]"));
  }
  const std::string next = fresh("tag");
  return change(value, next, "TagResource",
                key_body(key, ",\"Tags\":[{\"TagKey\":" + json_literal(tag) +
                                  ",\"TagValue\":" + json_literal(next) + "}]"));
}

bool Workload::change_description(KnownKey& key) {
  if (key.state.contains(std::string(kPendingDeletion))) return true;
  const std::string next = fresh("description");
  return change(key.description, next, "UpdateKeyDescription",
                key_body(key, ",\"Description\":" + json_literal(next)));
}

bool Workload::rename_store() {
  if (!store_name_) return true;
  const std::string next = fresh("store");
  return change(*store_name_, next, "UpdateCustomKeyStore",
                "{\"CustomKeyStoreId\":" + json_literal(store_id_) +
                    ",\"NewCustomKeyStoreName\":" + json_literal(next) + "}");
}

bool Workload::encrypt(KnownKey& key) {
  if (!key.state.contains(std::string(kEnabled))) return true;
  const std::string plaintext = fresh("plaintext");
  const auto reply =
      call("Encrypt", key_body(key, ",\"Plaintext\":" + json_literal(base64_of(plaintext))), false);
  if (!reply) return false;
  if (reply->ok()) keep(key, {reply->at("/CiphertextBlob"), base64_of(plaintext)});
  return true;
}

bool Workload::generate_data_key(KnownKey& key) {
  if (!key.state.contains(std::string(kEnabled))) return true;
  const auto reply = call("GenerateDataKey", key_body(key, ",\"KeySpec\":\"AES_256\""), false);
  if (!reply) return false;
  if (reply->ok()) keep(key, {reply->at("/CiphertextBlob"), reply->at("/Plaintext")});
  return true;
}

bool Workload::decrypt(KnownKey& key) {
  if (!key.state.contains(std::string(kEnabled)) || key.samples.empty()) return true;
  const KnownKey::Sample& sample = key.samples[draw(key.samples.size())];
  const auto reply =
      call("Decrypt", "{\"CiphertextBlob\":" + json_literal(sample.ciphertext) + "}", false);
  if (!reply) return false;
  if (reply->ok() && reply->at("/Plaintext") != sample.plaintext) {
    differences_.push_back("Decrypt under " + key.arn + " gave another plaintext");
  }
  return true;
}

bool Workload::knows_key(const std::string& arn) const {
  return std::ranges::any_of(keys_, [&](const KnownKey& key) { return key.arn == arn; });
}

void Workload::judge_value(const std::string& what, Possible& value, const std::string& seen) {
  if (!value.contains(seen)) {
    differences_.push_back(what + " is '" + seen + "', not " + value.text());
  }
  value.is(seen);
}

void Workload::judge_key(KnownKey& key) {
  const auto described = call("DescribeKey", key_body(key), false);
  if (!described || !described->ok()) return;
  judge_value(key.arn + " state", key.state, described->at("/KeyMetadata/KeyState"));
  judge_value(key.arn + " description", key.description, described->at("/KeyMetadata/Description"));
  const auto listed = call("ListResourceTags", key_body(key), false);
  if (!listed || !listed->ok()) return;
  std::map<std::string, std::string> seen;
  const rapidjson::Document json = listed->json();
  for (const rapidjson::Value& tag : json["Tags"].GetArray()) {
    seen.emplace(tag["TagKey"].GetString(), tag["TagValue"].GetString());
  }
  for (auto& [tag, value] : key.tags) {
    judge_value(key.arn + " " + tag, value, seen[tag]);
    seen.erase(tag);
  }
  for (const auto& [tag, value] : seen) differences_.push_back(key.arn + " has a tag " + tag);
  judge_samples(key);
}

void Workload::judge_samples(KnownKey& key) {
  if (key.state.contains(std::string(kPendingDeletion))) {
    if (!change(key.state, std::string(kDisabled), "CancelKeyDeletion", key_body(key))) return;
  }
  if (key.state.contains(std::string(kDisabled))) {
    if (!change(key.state, std::string(kEnabled), "EnableKey", key_body(key))) return;
  }
  for (const KnownKey::Sample& sample : key.samples) {
    const auto reply =
        call("Decrypt", "{\"CiphertextBlob\":" + json_literal(sample.ciphertext) + "}", false);
    if (reply && reply->ok() && reply->at("/Plaintext") != sample.plaintext) {
      differences_.push_back("Decrypt under " + key.arn + " gave another plaintext");
    }
  }
}

void Workload::judge_aliases() {
  std::map<std::string, std::string> seen;
  std::string marker;
  do {
    const std::string body = marker.empty() ? "{}" : "{\"Marker\":" + json_literal(marker) + "}";
    const auto reply = call("ListAliases", body, false);
    if (!reply || !reply->ok()) return;
    const rapidjson::Document json = reply->json();
    for (const rapidjson::Value& alias : json["Aliases"].GetArray()) {
      const std::string name = alias["AliasName"].GetString();
      const std::string arn = alias["AliasArn"].GetString();
      if (!alias.HasMember("TargetKeyId")) continue;
      seen[name] = arn.substr(0, arn.find(":alias/")) + ":key/" + alias["TargetKeyId"].GetString();
    }
    marker = reply->at("/NextMarker");
  } while (!marker.empty());
  for (auto& [alias, value] : aliases_) {
    // Never answered: it may also not be there.
    judge_value(alias, value, seen[alias]);
  }
  for (const auto& [alias, target] : seen) {
    if (!target.empty() && alias.starts_with("alias/" + name_ + "-") && !aliases_.contains(alias)) {
      differences_.push_back(alias + " was never asked for");
    }
  }
}

std::vector<std::string> Workload::judge(std::uint16_t port) {
  ApiClient client(port);
  client_ = &client;
  for (KnownKey& key : keys_) judge_key(key);
  judge_aliases();
  if (store_name_) {
    const auto reply = call("DescribeCustomKeyStores",
                            "{\"CustomKeyStoreId\":" + json_literal(store_id_) + "}", false);
    if (reply && reply->ok()) {
      judge_value("the key store's name", *store_name_,
                  reply->at("/CustomKeyStores/0/CustomKeyStoreName"));
    }
  }
  client_ = nullptr;
  return std::exchange(differences_, {});
}

}  // namespace kms::test
