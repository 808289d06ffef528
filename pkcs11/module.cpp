#include "pkcs11/module.h"

#include <map>

#include "pkcs11/library.h"
#include "pkcs11/loaded_module.h"
#include "pkcs11/mutex.h"
#include "pkcs11/timed_mutex.h"

namespace pkcs11 {

struct Modules::Impl {
  /// Of a real path. Its mutex is held over C_Initialize, which may hang as long as the vendor's
  /// device cannot be reached: that is nothing to the other modules.
  struct Entry {
    TimedMutex mutex;
    std::shared_ptr<LoadedModule> module KMS_GUARDED_BY(mutex);
  };

  std::shared_ptr<Entry> entry(const std::string& real_path) KMS_REQUIRES(mutex) {
    std::shared_ptr<Entry>& entry = entries[real_path];
    if (entry == nullptr) entry = std::make_shared<Entry>();
    return entry;
  }

  Mutex mutex;
  std::map<std::string, std::shared_ptr<Entry>> entries KMS_GUARDED_BY(mutex);
};

Modules::Modules() : impl_(std::make_unique<Impl>()) {}
Modules::~Modules() = default;

std::shared_ptr<Module> Modules::load(const std::string& path, const std::string& init_args,
                                      Deadline deadline) {
  std::unique_ptr<Library> library;
  std::shared_ptr<Impl::Entry> entry;
  {
    const MutexLock lock(impl_->mutex);
    library = std::make_unique<Library>(path);
    entry = impl_->entry(library->real_path());
  }
  const TimedLock lock(entry->mutex, deadline, "C_Initialize of the module");
  if (entry->module == nullptr) {
    library->initialize(init_args);
    entry->module = std::make_shared<LoadedModule>(std::move(library), init_args);
  } else if (entry->module->init_args() != init_args) {
    throw Error(Failure::module_not_loadable, path + " is loaded with other arguments already");
  }
  return entry->module;
}

}  // namespace pkcs11
