#pragma once

#include <memory>
#include <string>

#include "pkcs11/cryptoki.h"

namespace pkcs11 {

/// The module's shared library: libp11's context, which owns C_Finalize and the slots (C_Initialize
/// is called before it, with the mutexes of module_mutex.h), and the function list of the very same
/// library for all else (libp11 has no secret keys, keeps the PIN, and its session pool hangs for
/// ever on the first failing C_OpenSession). Not thread-safe: see LoadedModule.
class Library final {
 public:
  /// Loads it, and calls nothing but C_GetFunctionList. Throws Error{module_not_loadable}.
  explicit Library(const std::string& path);
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  Library(Library&&) = delete;
  Library& operator=(Library&&) = delete;

  [[nodiscard]] const CK_FUNCTION_LIST& functions() const noexcept { return *functions_; }
  /// The file that was loaded, links resolved.
  [[nodiscard]] const std::string& real_path() const noexcept { return real_path_; }
  /// C_Initialize and the slots. Throws Error{module_not_loadable}.
  void initialize(const std::string& init_args);
  /// C_CloseAllSessions on every slot and C_Finalize. Nothing may be running in the module.
  void finalize() noexcept;

 private:
  struct Handle;
  struct Context;
  std::unique_ptr<Handle> handle_;
  std::string real_path_;
  CK_FUNCTION_LIST* functions_ = nullptr;
  std::unique_ptr<Context> context_;
};

}  // namespace pkcs11
