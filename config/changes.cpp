#include "config/changes.h"

#include <map>
#include <set>
#include <sstream>

#include "config/load.h"

namespace config {
namespace {

/// What print() shows, by key of the top level.
std::map<std::string, std::string> sections_of(const Config& config) {
  std::stringstream printed;
  print(config, printed);
  std::map<std::string, std::string> sections;
  std::string key;
  for (std::string line; std::getline(printed, line);) {
    if (!line.starts_with(' ')) key = line.substr(0, line.find(':'));
    sections[key] += line + '\n';
  }
  return sections;
}

}  // namespace

std::vector<std::string> changed_sections(const Config& one, const Config& other) {
  const auto before = sections_of(one);
  const auto after = sections_of(other);
  std::set<std::string> changed;
  for (const auto& [key, text] : before) {
    const auto found = after.find(key);
    if (found == after.end() || found->second != text) changed.insert(key);
  }
  for (const auto& [key, text] : after) {
    if (!before.contains(key)) changed.insert(key);
  }
  return {changed.begin(), changed.end()};
}

}  // namespace config
