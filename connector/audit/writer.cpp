#include "connector/audit/writer.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <limits>
#include <optional>
#include <thread>
#include <utility>

#include "connector/audit/rotated_file.h"
#include "connector/audit/written_events.h"
#include "connector/base/clock.h"
#include "connector/base/log.h"

namespace kms::audit {
namespace {

constexpr std::size_t kBatch = 256;
constexpr std::chrono::seconds kRetry{1};
constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::min();
/// A record's time is that of its request's start, so lines are out of order by as long as requests
/// take.
constexpr std::chrono::minutes kDisorder{15};

/// "2015-08-30T12:36:00Z"; nullopt for anything else.
std::optional<Timestamp> parse_time(std::string_view text) {
  if (text.size() != 20) return std::nullopt;
  const auto number = [text](std::size_t at, std::size_t size) {
    unsigned value = 0;
    const char* const end = text.data() + at + size;
    const auto result = std::from_chars(text.data() + at, end, value);
    return result.ec == std::errc{} && result.ptr == end ? static_cast<int>(value) : -1;
  };
  const int hour = number(11, 2);
  const int minute = number(14, 2);
  const int second = number(17, 2);
  const std::chrono::year_month_day date{std::chrono::year(number(0, 4)),
                                         std::chrono::month(static_cast<unsigned>(number(5, 2))),
                                         std::chrono::day(static_cast<unsigned>(number(8, 2)))};
  if (!date.ok() || hour < 0 || minute < 0 || second < 0) return std::nullopt;
  return std::chrono::sys_days{date} + std::chrono::hours(hour) + std::chrono::minutes(minute) +
         std::chrono::seconds(second);
}

/// Where a search for these lines may end: before the time of the earliest. Empty, thus never, if
/// one has no time.
std::string search_limit(const std::vector<storage::OutboxLine>& lines) {
  std::optional<Timestamp> earliest;
  for (const storage::OutboxLine& line : lines) {
    const auto time = parse_time(event_time_of(line.line));
    if (!time) return {};
    earliest = std::min(earliest.value_or(*time), *time);
  }
  return earliest ? iso8601_extended(*earliest - kDisorder) : std::string{};
}

std::string describe(const std::exception_ptr& failure) {
  try {
    std::rethrow_exception(failure);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "unknown";
  }
}

}  // namespace

struct Writer::Impl {
  Impl(const config::Audit& config, storage::AuditOutbox& waiting)
      : file(config.file, config.rotate_bytes, config.keep_files), outbox(waiting) {}

  void run() KMS_EXCLUDES(mutex);
  /// Empties the outbox into the file; throws what stopped it.
  void drain();
  /// Finds the lines of the outbox that an earlier process wrote without being able to say so.
  void find_written();
  void start_pass(std::uint64_t& goal) KMS_EXCLUDES(mutex);
  /// Answers whether the pump goes on.
  [[nodiscard]] bool finish_pass(std::uint64_t goal, std::exception_ptr failure)
      KMS_EXCLUDES(mutex);

  RotatedFile file;
  storage::AuditOutbox& outbox;

  // The pump's own.
  bool searched = false;
  EventIds written_before;
  std::int64_t last_sequence = kNone;  // in the file
  std::size_t batch = kBatch;          // how many lines wait for one sync

  Mutex mutex;
  std::condition_variable wake;
  std::condition_variable done;
  std::uint64_t asked KMS_GUARDED_BY(mutex) = 1;  // the pass at start
  std::uint64_t answered KMS_GUARDED_BY(mutex) = 0;
  std::exception_ptr last_failure KMS_GUARDED_BY(mutex);
  bool flushing KMS_GUARDED_BY(mutex) = false;  // somebody waits for a pass
  bool stopping KMS_GUARDED_BY(mutex) = false;
  std::thread pump;
};

void Writer::Impl::find_written() {
  const std::vector<storage::OutboxLine> lines =
      outbox.outbox(std::numeric_limits<std::ptrdiff_t>::max());
  EventIds wanted;
  for (const storage::OutboxLine& line : lines) {
    if (const auto id = event_id_of(line.line); !id.empty()) wanted.emplace(id);
  }
  if (!wanted.empty())
    written_before = find_written_events(file.paths(), wanted, search_limit(lines));
  searched = true;
}

void Writer::Impl::drain() {
  if (!searched) find_written();
  while (true) {
    const std::vector<storage::OutboxLine> lines = outbox.outbox(batch);
    if (lines.empty()) return;
    for (const storage::OutboxLine& line : lines) {
      if (line.sequence <= last_sequence) continue;
      const auto known = written_before.find(event_id_of(line.line));
      if (known == written_before.end()) {
        file.append(line.line + "\n", Durability::by_sync);
      } else {
        written_before.erase(known);
      }
      last_sequence = line.sequence;
    }
    // Only now may the store forget them. What could not be synced may be lost, and no later sync
    // would tell: it is written again, since a line twice is better than none. Line by line until a
    // sync works, or a disk that goes on failing would be filled, and older files rotated away.
    try {
      file.sync();
      batch = kBatch;
    } catch (...) {
      batch = 1;
      last_sequence = kNone;
      throw;
    }
    outbox.outbox_written(lines.back().sequence);
  }
}

void Writer::Impl::start_pass(std::uint64_t& goal) {
  MutexLock lock(mutex);
  const auto retry_at = std::chrono::steady_clock::now() + kRetry;
  if (last_failure == nullptr) {
    while (!stopping && asked == answered) lock.wait(wake);
  } else {
    // Not sooner because the outbox grew.
    while (!stopping && !flushing && lock.wait_until(wake, retry_at) != std::cv_status::timeout) {
    }
  }
  flushing = false;
  goal = asked;
}

bool Writer::Impl::finish_pass(std::uint64_t goal, std::exception_ptr failure) {
  const MutexLock lock(mutex);
  // Told once, not at every try.
  if ((failure == nullptr) != (last_failure == nullptr)) {
    log(failure == nullptr ? LogLevel::info : LogLevel::error, "audit",
        failure == nullptr ? "records of changes are written again"
                           : "records of changes wait in the database: " + describe(failure));
  }
  last_failure = std::move(failure);
  answered = goal;
  done.notify_all();
  return !(stopping && asked == answered);
}

void Writer::Impl::run() {
  for (bool go_on = true; go_on;) {
    std::uint64_t goal = 0;
    start_pass(goal);
    std::exception_ptr failure;
    try {
      drain();
    } catch (...) {
      failure = std::current_exception();
    }
    go_on = finish_pass(goal, std::move(failure));
  }
}

Writer::Writer(const config::Audit& config, storage::AuditOutbox& outbox)
    : impl_(std::make_unique<Impl>(config, outbox)) {
  impl_->pump = std::thread([impl = impl_.get()] { impl->run(); });
}

Writer::~Writer() {
  {
    const MutexLock lock(impl_->mutex);
    impl_->stopping = true;
    ++impl_->asked;
  }
  impl_->wake.notify_one();
  impl_->pump.join();
}

void Writer::write(std::vector<std::string> lines) {
  std::string text = std::move(lines.front());
  for (std::size_t i = 1; i < lines.size(); ++i) text.append("\n").append(lines[i]);
  impl_->file.append(text += '\n');
}

void Writer::outbox_grew() {
  {
    const MutexLock lock(impl_->mutex);
    ++impl_->asked;
  }
  impl_->wake.notify_one();
}

void Writer::flush() {
  MutexLock lock(impl_->mutex);
  const std::uint64_t goal = ++impl_->asked;
  impl_->flushing = true;
  impl_->wake.notify_one();
  while (impl_->answered < goal) lock.wait(impl_->done);
  if (impl_->last_failure != nullptr) std::rethrow_exception(impl_->last_failure);
}

}  // namespace kms::audit
