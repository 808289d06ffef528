#pragma once

#include <string>
#include <vector>

namespace kms::bench {

/// Prints what was measured and remembers whether a target was missed. What scripts read is `ratio
/// NAME VALUE`.
class Report final {
 public:
  /// A ratio, and the least it has to be.
  void ratio(const std::string& name, double value, double at_least);
  /// A ratio that has to be less than this.
  void ratio_below(const std::string& name, double value, double below);
  /// A plain number with its unit: `value NAME VALUE UNIT`.
  void value(const std::string& name, double value, const std::string& unit);
  void value_below(const std::string& name, double value, const std::string& unit, double below);

  [[nodiscard]] bool missed() const noexcept { return missed_; }

 private:
  bool missed_ = false;
};

[[nodiscard]] double median(std::vector<double> values);

}  // namespace kms::bench
