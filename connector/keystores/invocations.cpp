#include "connector/keystores/invocations.h"

#include <algorithm>
#include <functional>

#include "connector/base/log.h"

namespace kms::keystores {

struct Invocations::Counter {
  Scope scope;
  std::string key_id;
  std::string material_id;
  std::uint32_t generation = 0;
  std::uint64_t limit = 0;
  // Fixed once the counter is published.
  Counter* next_in_bucket = nullptr;

  /// The next invocation's number.
  std::atomic<std::uint64_t> next{0};
  /// What the store has promised: numbers below this may be used.
  std::atomic<std::uint64_t> reserved{0};
  Mutex reserving;

  [[nodiscard]] bool is(const keys::KeyRecord& key, const keys::Material& of,
                        const keys::Generation& which) const {
    return generation == which.number && key_id == key.id && material_id == of.id &&
           scope == key.scope;
  }
};

namespace {

std::size_t hash(const keys::KeyRecord& key, const keys::Material& material,
                 const keys::Generation& generation) {
  const std::hash<std::string_view> text;
  // A key id is random already; the Region tells the relatives of a multi-Region key apart.
  return text(key.id) * 31 + text(material.id) * 17 + text(key.scope.region) + generation.number;
}

}  // namespace

Invocations::Invocations(storage::MetadataStore& store, std::uint64_t limit, std::uint64_t block)
    : store_(store),
      limit_(limit),
      block_(block),
      buckets_(std::make_unique<std::array<std::atomic<Counter*>, kBuckets>>()),
      worker_([this] { work(); }) {}

Invocations::~Invocations() {
  {
    const MutexLock lock(mutex_);
    stopping_ = true;
  }
  wanted_.notify_all();
  worker_.join();
  for (std::atomic<Counter*>& bucket : *buckets_) {
    for (const Counter* counter = bucket.load(); counter != nullptr;) {
      const std::unique_ptr<const Counter> last(counter);
      counter = last->next_in_bucket;
    }
  }
}

Invocations::Counter& Invocations::counter(const keys::KeyRecord& key,
                                           const keys::Material& material,
                                           const keys::Generation& generation) {
  std::atomic<Counter*>& bucket = (*buckets_)[hash(key, material, generation) % kBuckets];
  Counter* head = bucket.load(std::memory_order_acquire);
  std::unique_ptr<Counter> fresh;
  for (;;) {
    for (Counter* counter = head; counter != nullptr; counter = counter->next_in_bucket) {
      if (counter->is(key, material, generation)) return *counter;
    }
    if (!fresh) {
      fresh = std::make_unique<Counter>();
      fresh->scope = key.scope;
      fresh->key_id = key.id;
      fresh->material_id = material.id;
      fresh->generation = generation.number;
      fresh->limit =
          key.multi_region ? std::max<std::uint64_t>(limit_ / keys::kMaxRelatedKeys, 1) : limit_;
      // What an earlier run reserved counts as used: nobody knows how much of it was.
      fresh->next.store(generation.reserved, std::memory_order_relaxed);
      fresh->reserved.store(generation.reserved, std::memory_order_relaxed);
    }
    fresh->next_in_bucket = head;
    if (bucket.compare_exchange_weak(head, fresh.get(), std::memory_order_acq_rel,
                                     std::memory_order_acquire)) {
      return *fresh.release();
    }
  }
}

bool Invocations::take(const keys::KeyRecord& key, const keys::Material& material,
                       const keys::Generation& generation) {
  Counter& counted = counter(key, material, generation);
  const std::uint64_t ticket = counted.next.fetch_add(1, std::memory_order_relaxed);
  if (ticket >= counted.limit) return false;
  const std::uint64_t reserved = counted.reserved.load(std::memory_order_acquire);
  if (ticket >= reserved) {
    reserve(counted, ticket);
  } else if (reserved - ticket == block_ / 2 && reserved < counted.limit) {
    reserve_ahead(counted);
  }
  return true;
}

void Invocations::reserve(Counter& counter, std::uint64_t ticket) {
  const MutexLock lock(counter.reserving);
  const std::uint64_t reserved = counter.reserved.load(std::memory_order_relaxed);
  if (ticket < reserved || ticket >= counter.limit) return;
  const std::uint64_t target = std::min(counter.limit, ticket + block_);
  const storage::Change change = storage::ReserveInvocations{.scope = counter.scope,
                                                             .key_id = counter.key_id,
                                                             .material_id = counter.material_id,
                                                             .generation = counter.generation,
                                                             .reserved = target};
  store_.commit({&change, 1});
  counter.reserved.store(target, std::memory_order_release);
}

void Invocations::reserve_ahead(Counter& counter) {
  {
    const MutexLock lock(mutex_);
    ahead_.push_back(&counter);
  }
  wanted_.notify_one();
}

void Invocations::work() {
  for (;;) {
    Counter* counter = nullptr;
    {
      MutexLock lock(mutex_);
      while (ahead_.empty() && !stopping_) lock.wait(wanted_);
      if (stopping_) return;
      counter = ahead_.front();
      ahead_.pop_front();
    }
    try {
      // The next ticket that is not covered yet.
      reserve(*counter, counter->reserved.load(std::memory_order_acquire));
    } catch (const storage::Error& error) {
      // Whoever needs the block will ask for it, wait, and be told.
      log(LogLevel::warning, "keystores",
          std::string("invocations could not be reserved ahead: ") + error.what());
    }
  }
}

}  // namespace kms::keystores
