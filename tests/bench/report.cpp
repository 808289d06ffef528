#include "tests/bench/report.h"

#include <algorithm>
#include <cstdio>
#include <iostream>

namespace kms::bench {
namespace {

std::string three_digits(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.3f", value);
  return text;
}

/// Prints a line, and on standard error whether the target was missed.
bool print(const std::string& line, bool reached, const std::string& target) {
  std::cout << line << std::endl;
  if (!reached) std::cerr << "MISSED: " << line << ", target: " << target << std::endl;
  return !reached;
}

}  // namespace

void Report::ratio(const std::string& name, double value, double at_least) {
  missed_ |= print("ratio " + name + " " + three_digits(value), value >= at_least,
                   "at least " + three_digits(at_least));
}

void Report::ratio_below(const std::string& name, double value, double below) {
  missed_ |= print("ratio " + name + " " + three_digits(value), value < below,
                   "below " + three_digits(below));
}

void Report::value(const std::string& name, double value, const std::string& unit) {
  std::cout << "value " << name << " " << three_digits(value) << " " << unit << std::endl;
}

void Report::value_below(const std::string& name, double value, const std::string& unit,
                         double below) {
  missed_ |= print("value " + name + " " + three_digits(value) + " " + unit, value < below,
                   "below " + three_digits(below));
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace kms::bench
