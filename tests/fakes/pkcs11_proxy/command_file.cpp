#include "tests/fakes/pkcs11_proxy/command_file.h"

#include <sys/stat.h>

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>
#include <tuple>
#include <vector>

#include "pkcs11/mutex.h"
#include "tests/fakes/pkcs11_proxy/faults.h"

namespace pkcs11_proxy {
namespace {

constexpr std::chrono::milliseconds kPollInterval{5};

/// The words of a line, taken one by one.
class Words {
 public:
  explicit Words(const std::string& line) {
    std::istringstream in(line.substr(0, line.find('#')));
    for (std::string word; in >> word;) words_.push_back(word);
  }
  bool empty() const { return next_ == words_.size(); }
  std::string take() {
    if (empty()) throw std::invalid_argument("a word is missing");
    return words_[next_++];
  }
  bool take_if(std::string_view word) {
    if (empty() || words_[next_] != word) return false;
    ++next_;
    return true;
  }
  unsigned long number() { return std::stoul(take(), nullptr, 0); }
  unsigned long number_or(std::string_view forever) {
    return take_if(forever) ? kForever : number();
  }
  unsigned long times() { return take_if("times") ? number_or("forever") : 1; }
  std::string rest() {
    std::string text;
    while (!empty()) text += (text.empty() ? "" : " ") + take();
    return text;
  }

 private:
  std::vector<std::string> words_;
  std::size_t next_ = 0;
};

void fail(Control& control, Words& words) {
  const std::string function = words.take();
  const unsigned long rv = words.number();
  const unsigned long after = words.take_if("after") ? words.number() : 0;
  const unsigned long times = words.times();
  control.fail(function, rv, after, times, words.take_if("done") ? Effect::done : Effect::none);
}

void absent(Control& control, Words& words) {
  if (words.take_if("forever")) return control.absent_until_restored(words.rest());
  const std::string duration = words.take();
  std::size_t digits = 0;
  const long number = std::stol(duration, &digits);
  const std::string unit = duration.substr(digits);
  if (unit != "ms" && unit != "s") throw std::invalid_argument("a duration is in ms or s");
  control.absent_for(std::chrono::milliseconds(unit == "s" ? number * 1000 : number), words.rest());
}

void gcm_iv(Control& control, Words& words) {
  const std::string mode = words.take();
  if (mode != "host" && mode != "in_param" && mode != "appended") {
    throw std::invalid_argument("no IV mode " + mode);
  }
  control.gcm_iv(mode == "host"       ? GcmIv::host
                 : mode == "in_param" ? GcmIv::in_param
                                      : GcmIv::appended);
}

bool on(Words& words, const char* yes, const char* no) {
  if (words.take_if(yes)) return true;
  if (words.take_if(no)) return false;
  throw std::invalid_argument(std::string("either ") + yes + " or " + no);
}

/// NAME CALLS ERRORS a line for each function called, then `tripped N` and `open_sessions N`.
void write_counters(const Control& control, const std::string& path) {
  const std::string temporary = path + ".new";
  {
    std::ofstream out(temporary, std::ios::trunc);
    for (const char* name : kFunctionNames) {
      const Count count = control.count(name);
      if (count.calls != 0) out << name << ' ' << count.calls << ' ' << count.errors << '\n';
    }
    out << "tripped " << control.tripped() << '\n'
        << "open_sessions " << control.open_sessions() << '\n';
  }
  if (std::rename(temporary.c_str(), path.c_str()) != 0) {
    throw std::runtime_error("cannot write " + path);
  }
}

using Command = void (*)(Control&, Words&);
const std::map<std::string, Command, std::less<>>& commands() {
  static const std::map<std::string, Command, std::less<>> table{
      {"fail", fail},
      {"latency",
       [](Control& c, Words& w) {
         const std::string function = w.take();
         c.latency(function, std::chrono::microseconds(w.number()));
       }},
      {"hang",
       [](Control& c, Words& w) {
         const std::string function = w.take();
         c.hang(function, w.times());
       }},
      {"release", [](Control& c, Words&) { c.release(); }},
      {"absent", absent},
      {"restore", [](Control& c, Words&) { c.restore(); }},
      {"sessions", [](Control& c, Words& w) { c.max_sessions(w.number_or("unlimited")); }},
      {"forget_sessions", [](Control& c, Words&) { c.forget_sessions(); }},
      {"read_only_sessions",
       [](Control& c, Words& w) { c.read_only_sessions(on(w, "on", "off")); }},
      {"logout", [](Control& c, Words&) { c.logout(); }},
      {"gcm_iv", gcm_iv},
      {"pin_lock", [](Control& c, Words& w) { c.pin_lock(w.take_if("off") ? 0 : w.number()); }},
      {"hide_mechanism",
       [](Control& c, Words& w) {
         do c.hide_mechanism(w.number());
         while (!w.empty());
       }},
      {"show_mechanisms", [](Control& c, Words&) { c.show_mechanisms(); }},
      {"tripwire", [](Control& c, Words& w) { c.arm_tripwire(on(w, "arm", "count")); }},
      {"counters", [](Control& c, Words& w) { write_counters(c, w.take()); }},
      {"zero_counters", [](Control& c, Words&) { c.zero_counters(); }},
      {"reset", [](Control& c, Words&) { c.reset(); }},
  };
  return table;
}

/// A thread that obeys the file when its identity, size or time changes.
class Follower final {
 public:
  explicit Follower(std::string path) : path_(std::move(path)) {
    look();
    thread_ = std::thread([this] { follow(); });
  }
  ~Follower() {
    {
      const pkcs11::MutexLock lock(mutex_);
      stop_ = true;
      stopped_.notify_all();
    }
    thread_.join();
  }
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;
  Follower(Follower&&) = delete;
  Follower& operator=(Follower&&) = delete;

 private:
  using Version = std::tuple<ino_t, off_t, time_t, long>;

  void look() {
    struct stat now {};
    if (::stat(path_.c_str(), &now) != 0) return;
    const Version version{now.st_ino, now.st_size, now.st_mtim.tv_sec, now.st_mtim.tv_nsec};
    if (version == seen_) return;
    seen_ = version;
    std::ifstream in(path_);
    for (std::string line; std::getline(in, line);) {
      try {
        obey(faults(), line);
      } catch (const std::exception& error) {
        misuse(path_ + ": " + line + ": " + error.what());
      }
    }
  }

  void follow() {
    pkcs11::MutexLock lock(mutex_);
    while (!stop_) {
      lock.wait_until(stopped_, std::chrono::steady_clock::now() + kPollInterval);
      if (!stop_) look();
    }
  }

  std::string path_;
  Version seen_{};
  pkcs11::Mutex mutex_;
  std::condition_variable stopped_;
  bool stop_ KMS_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace

void obey(Control& control, const std::string& line) {
  Words words(line);
  if (words.empty()) return;
  const std::string name = words.take();
  const auto command = commands().find(name);
  if (command == commands().end()) throw std::invalid_argument("no such command");
  command->second(control, words);
  if (!words.empty()) throw std::invalid_argument("unexpected " + words.take());
}

void follow_command_file() {
  const char* path = std::getenv("KMS_PROXY_CONTROL");
  if (path == nullptr) return;
  faults();  // made before the follower, so that it is destroyed after it
  static Follower follower{path};
}

}  // namespace pkcs11_proxy
