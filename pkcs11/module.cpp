#include "pkcs11/module.h"

#include <map>

#include "pkcs11/library.h"
#include "pkcs11/loaded_module.h"
#include "pkcs11/mutex.h"

namespace pkcs11 {

struct Modules::Impl {
  Mutex mutex;
  std::map<std::string, std::shared_ptr<LoadedModule>> loaded KMS_GUARDED_BY(mutex);
};

Modules::Modules() : impl_(std::make_unique<Impl>()) {}
Modules::~Modules() = default;

std::shared_ptr<Module> Modules::load(const std::string& path, const std::string& init_args) {
  const MutexLock lock(impl_->mutex);
  auto library = std::make_unique<Library>(path);
  const auto known = impl_->loaded.find(library->real_path());
  if (known != impl_->loaded.end()) {
    if (known->second->init_args() == init_args) return known->second;
    throw Error(Failure::module_not_loadable, path + " is loaded with other arguments already");
  }
  library->initialize(init_args);
  const std::string real_path = library->real_path();
  auto module = std::make_shared<LoadedModule>(std::move(library), init_args);
  impl_->loaded.emplace(real_path, module);
  return module;
}

}  // namespace pkcs11
