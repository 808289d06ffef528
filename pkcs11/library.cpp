#include "pkcs11/library.h"

#include <dlfcn.h>
#include <libp11.h>
#include <link.h>

#include <cstdlib>

#include "pkcs11/error.h"
#include "pkcs11/module_mutex.h"

namespace pkcs11 {
namespace {

std::string real_path_of(void* library, const std::string& path) {
  link_map* map = nullptr;
  std::string name = path;
  if (::dlinfo(library, RTLD_DI_LINKMAP, &map) == 0 && map->l_name[0] != '\0') name = map->l_name;
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(name.c_str(), nullptr),
                                                         &std::free);
  return real != nullptr ? real.get() : name;
}

}  // namespace

/// Our own reference to the library: its code stays mapped when libp11 has let it go, so that a
/// late call answers CKR_CRYPTOKI_NOT_INITIALIZED instead of jumping into nothing.
struct Library::Handle {
  explicit Handle(const std::string& path)
      : library(::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
    if (library == nullptr) {
      const char* why = ::dlerror();
      throw Error(Failure::module_not_loadable, "cannot load PKCS#11 module " + path + ": " +
                                                    (why != nullptr ? why : "unknown reason"));
    }
  }
  ~Handle() { ::dlclose(library); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  Handle(Handle&&) = delete;
  Handle& operator=(Handle&&) = delete;
  void* library;
};

/// libp11's context between C_Initialize and C_Finalize. A new one each time: after a failed load
/// libp11 0.4.12 crashes in PKCS11_CTX_unload, and a used context keeps state.
struct Library::Context {
  Context(const std::string& path, const CK_FUNCTION_LIST& module, const std::string& init_args)
      : functions(module), context(PKCS11_CTX_new()) {
    if (context == nullptr)
      throw Error(Failure::module_not_loadable, "libp11 has no context to give");
    if (!init_args.empty()) PKCS11_CTX_init_args(context, init_args.c_str());
    // libp11 offers no mutexes, but takes over a module that is initialised already. One that does
    // not want ours is asked again by libp11, without.
    const CK_RV rv = functions.C_Initialize(InitializeArgs(init_args).get());
    initialized = rv == CKR_OK;
    const bool wants_none = rv == CKR_CANT_LOCK || rv == CKR_ARGUMENTS_BAD;
    if ((!initialized && !wants_none) || PKCS11_CTX_load(context, path.c_str()) != 0) {
      PKCS11_CTX_free(context);
      finalize();
      throw Error(Failure::module_not_loadable, "C_Initialize of " + path + " fails");
    }
    // libp11's list of slots counts only to be released before the module is (C_CloseAllSessions).
    // It fails as a whole if one slot does, so that LoadedModule asks the slots themselves.
    if (PKCS11_enumerate_slots(context, &slots, &number) != 0) slots = nullptr;
  }
  ~Context() {
    if (slots != nullptr) PKCS11_release_all_slots(context, slots, number);
    PKCS11_CTX_unload(context);
    PKCS11_CTX_free(context);
    finalize();
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  Context(Context&&) = delete;
  Context& operator=(Context&&) = delete;

  /// Most modules have ended with libp11's C_Finalize, and answer CKR_CRYPTOKI_NOT_INITIALIZED.
  /// Those that count, as p11-kit's proxy does, end with as many as there were C_Initialize.
  void finalize() const noexcept {
    if (initialized) (void)functions.C_Finalize(nullptr);
  }

  const CK_FUNCTION_LIST& functions;
  PKCS11_CTX* context;
  bool initialized = false;  // by us
  PKCS11_SLOT* slots = nullptr;
  unsigned int number = 0;
};

Library::Library(const std::string& path)
    : handle_(std::make_unique<Handle>(path)), real_path_(real_path_of(handle_->library, path)) {
  void* symbol = ::dlsym(handle_->library, "C_GetFunctionList");
  if (symbol == nullptr) {
    throw Error(Failure::module_not_loadable, path + " has no C_GetFunctionList");
  }
  const CK_RV rv = reinterpret_cast<CK_C_GetFunctionList>(symbol)(&functions_);
  if (rv != CKR_OK || functions_ == nullptr) {
    throw Error(Failure::module_not_loadable, path + ": C_GetFunctionList fails", rv);
  }
}

Library::~Library() = default;

void Library::initialize(const std::string& init_args) {
  if (context_ == nullptr) context_ = std::make_unique<Context>(real_path_, *functions_, init_args);
}

void Library::finalize() noexcept { context_.reset(); }

}  // namespace pkcs11
