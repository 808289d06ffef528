#include "tests/bench/daemon.h"

#include <unistd.h>

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

#include "tests/bench/load.h"

namespace kms::bench {
namespace {

constexpr std::chrono::seconds kPatience{120};

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::runtime_error("the configuration lacks: " + from);
  return text.replace(at, from.size(), to);
}

}  // namespace

std::string member(std::string_view json, std::string_view name) {
  const std::string start = "\"" + std::string(name) + "\":\"";
  const std::size_t at = json.find(start);
  if (at == std::string_view::npos)
    throw std::runtime_error("no " + start + " in " + std::string(json));
  const std::size_t begin = at + start.size();
  return std::string(json.substr(begin, json.find('"', begin) - begin));
}

Daemon::Daemon(Options options)
    : dir_("kms-bench"), options_(std::move(options)), state_(dir_.path() / "state") {
  std::vector<std::string> arguments{
      KMS_SOURCE_DIR "/scripts/run", "--port", "0", "--admin-port", "0", "--dir", state_};
  if (!options_.module.empty()) {
    arguments.insert(arguments.end(), {"--module", options_.module});
  }
  // Once by the script, which makes the tokens; from then on by ourselves, with what we change.
  test::Process made({.arguments = arguments});
  const auto ready = [](std::string_view line) { return line.starts_with("ready "); };
  if (!made.wait_for_line(ready, std::chrono::minutes(30))) {
    throw std::runtime_error("scripts/run: " + made.error_output());
  }
  made.terminate();
  if (options_.sessions == 0) return;
  const std::filesystem::path file = state_ / "config.yaml";
  const std::string sessions = "\n      sessions: " + std::to_string(options_.sessions);
  const std::string text = replaced(test::read_file(file), "      label: us-east-1",
                                    "      label: us-east-1" + sessions);
  std::ofstream(file, std::ios::trunc) << text;
}

std::chrono::duration<double> Daemon::start() {
  test::Command command{
      .arguments = {KMS_BINARY_DIR "/kms-connectord", "--config", state_ / "config.yaml"}};
  command.environment["SOFTHSM2_CONF"] = (state_ / "softhsm2.conf").string();
  for (const auto& [name, value] : options_.environment) command.environment[name] = value;
  const auto begin = std::chrono::steady_clock::now();
  process_ = std::make_unique<test::Process>(command);
  const auto line = process_->wait_for_line(
      [](std::string_view text) { return text.starts_with("ready http://"); }, kPatience);
  const auto took = std::chrono::steady_clock::now() - begin;
  if (!line) throw std::runtime_error("kms-connectord: " + process_->error_output());
  authority_ = line->substr(line->rfind('/') + 1);
  port_ = static_cast<std::uint16_t>(std::stoul(authority_.substr(authority_.find(':') + 1)));
  return took;
}

void Daemon::stop() {
  if (process_ == nullptr) return;
  if (const int status = process_->terminate(); status != 0) {
    throw std::runtime_error("kms-connectord ended with status " + std::to_string(status) + ": " +
                             process_->error_output());
  }
  process_.reset();
}

std::string Daemon::request(std::string_view operation, std::string_view body,
                            const test::Credentials& caller) {
  test::Signer signer(caller, "us-east-1", authority_);
  const api::Request signed_request = signer.sign(operation, body, SystemClock().now());
  std::string bytes = "POST / HTTP/1.1\r\n";
  for (const api::Header& line : signed_request.headers) {
    bytes += line.name + ": " + line.value + "\r\n";
  }
  return bytes + "\r\n" + std::string(body);
}

std::string Daemon::call(std::string_view operation, std::string_view body) {
  return Connections(port_, 1).once(request(operation, body)).front();
}

std::string Daemon::create_key(std::string_view body) {
  return member(call("CreateKey", body), "Arn");
}

double cpu_seconds(pid_t pid) {
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(stat, text);
  // After the program's name, which may hold anything, utime and stime are the 12th and 13th.
  std::istringstream words(text.substr(text.rfind(')') + 2));
  std::string word;
  for (int i = 0; i < 11; ++i) words >> word;
  double user = 0;
  double system = 0;
  words >> user >> system;
  return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double Daemon::resident_mebibytes() const {
  std::ifstream status("/proc/" + std::to_string(process_->pid()) + "/status");
  std::string word;
  double kibibytes = 0;
  while (status >> word) {
    if (word == "VmRSS:") status >> kibibytes;
  }
  return kibibytes / 1024;
}

}  // namespace kms::bench
