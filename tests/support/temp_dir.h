#pragma once

#include <filesystem>
#include <string_view>

namespace kms::test {

/// A new directory under the system's temporary one (mode 0700), removed with all that is in it.
class TempDir final {
 public:
  explicit TempDir(std::string_view prefix = "kms-test");
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  TempDir(TempDir&&) = delete;
  TempDir& operator=(TempDir&&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// Writes PATH/name (mode 0600, parent folders made) and tells its full path.
  std::filesystem::path write(std::string_view name, std::string_view text) const;

 private:
  std::filesystem::path path_;
};

/// All of a file; throws if it cannot be read.
[[nodiscard]] std::string read_file(const std::filesystem::path& path);

}  // namespace kms::test
