#include <atomic>
#include <string>

#include "tests/fakes/pkcs11_proxy/command_file.h"
#include "tests/fakes/pkcs11_proxy/faults.h"
#include "tests/fakes/pkcs11_proxy/special.h"

namespace pkcs11_proxy {
namespace {

enum class Kind : std::uint8_t { module, slot, session, blocking };

std::atomic<unsigned> calls_in_module{0};

/// Marks a session as used by this call. Two calls at a time in one session corrupt the heap of
/// real modules, so they end here.
class InUse final {
 public:
  InUse(Tokens::SessionPtr session, Function function) : session_(std::move(session)) {
    if (session_ != nullptr && session_->busy.exchange(true)) {
      misuse(std::string(kFunctionNames[static_cast<std::size_t>(function)]) +
             " on a session that another call is using");
    }
  }
  ~InUse() {
    if (session_ != nullptr) session_->busy = false;
  }
  InUse(const InUse&) = delete;
  InUse& operator=(const InUse&) = delete;
  InUse(InUse&&) = delete;
  InUse& operator=(InUse&&) = delete;
  const Tokens::SessionPtr& session() const { return session_; }

 private:
  Tokens::SessionPtr session_;
};

class InModule final {
 public:
  InModule() { ++calls_in_module; }
  ~InModule() { --calls_in_module; }
  InModule(const InModule&) = delete;
  InModule& operator=(const InModule&) = delete;
  InModule(InModule&&) = delete;
  InModule& operator=(InModule&&) = delete;
};

/// What a function does once it may: forwarding, unless specialised below.
template <Function F>
struct Answer {
  template <class Member, class... Args>
  static CK_RV call(Call&, Member member, Args... args) {
    return (target().*member)(args...);
  }
};

#define KMS_PROXY_SPECIAL(function, expression)           \
  template <>                                             \
  struct Answer<Function::function> {                     \
    template <class Member, class... Args>                \
    static CK_RV call(Call& call, Member, Args... args) { \
      return expression(call, args...);                   \
    }                                                     \
  };
CK_RV close_session(Call& call, CK_SESSION_HANDLE handle) {
  return call.faults.tokens().close(call.session, handle);
}
CK_RV close_all_sessions(Call& call, CK_SLOT_ID slot) {
  return call.faults.tokens().close_all(slot);
}
CK_RV login(Call& call, CK_SESSION_HANDLE handle, CK_USER_TYPE user, unsigned char* pin,
            unsigned long pin_len) {
  return call.faults.tokens().login(call.session, handle, user, pin, pin_len);
}
CK_RV get_token_info(Call& call, CK_SLOT_ID slot, CK_TOKEN_INFO* info) {
  return call.faults.tokens().token_info(slot, info);
}
CK_RV get_function_list(Call& call, CK_FUNCTION_LIST** list);
KMS_PROXY_SPECIAL(C_Initialize, initialize)
KMS_PROXY_SPECIAL(C_Finalize, finalize)
KMS_PROXY_SPECIAL(C_GetFunctionList, get_function_list)
KMS_PROXY_SPECIAL(C_GetSlotList, get_slot_list)
KMS_PROXY_SPECIAL(C_GetSlotInfo, get_slot_info)
KMS_PROXY_SPECIAL(C_GetTokenInfo, get_token_info)
KMS_PROXY_SPECIAL(C_GetMechanismList, get_mechanism_list)
KMS_PROXY_SPECIAL(C_GetMechanismInfo, get_mechanism_info)
KMS_PROXY_SPECIAL(C_InitToken, init_token)
KMS_PROXY_SPECIAL(C_OpenSession, open_session)
KMS_PROXY_SPECIAL(C_CloseSession, close_session)
KMS_PROXY_SPECIAL(C_CloseAllSessions, close_all_sessions)
KMS_PROXY_SPECIAL(C_Login, login)
KMS_PROXY_SPECIAL(C_GetAttributeValue, get_attribute_value)
KMS_PROXY_SPECIAL(C_EncryptInit, encrypt_init)
KMS_PROXY_SPECIAL(C_Encrypt, encrypt)
KMS_PROXY_SPECIAL(C_EncryptFinal, encrypt_final)
#undef KMS_PROXY_SPECIAL

template <class... Args>
CK_MECHANISM* mechanism_of(CK_SESSION_HANDLE, CK_MECHANISM* mechanism, Args...) {
  return mechanism;
}
template <class... Args>
CK_MECHANISM* mechanism_of(Args...) {
  return nullptr;
}

template <class T, class... Args>
T first_of(T first, Args...) {
  return first;
}

template <Function F, Kind kind, class Member, class... Args>
CK_RV answer(Call& call, Member member, Args... args) {
  if constexpr (kind == Kind::blocking) return (target().*member)(args...);
  if (F == Function::C_Finalize && calls_in_module != 0) misuse("C_Finalize during other calls");
  const Gate::Pass pass(call.faults.tokens().gate(), Gate::Pass::Kind::shared);
  const InModule in_module;
  if (call.session != nullptr) {
    const CK_RV rv = call.faults.tokens().check(*call.session);
    if (rv != CKR_OK) return rv;
  }
  if constexpr (kind == Kind::slot) {
    if (call.faults.tokens().absent(first_of(args...))) return CKR_TOKEN_NOT_PRESENT;
  }
  const CK_MECHANISM* const mechanism = mechanism_of(args...);
  if (mechanism != nullptr && call.faults.hidden(mechanism->mechanism)) {
    return CKR_MECHANISM_INVALID;
  }
  return Answer<F>::call(call, member, args...);
}

template <Function F, Kind kind, class Member, class... Args>
CK_RV proxied(Member member, Args... args) {
  Faults& faults = pkcs11_proxy::faults();
  Tokens::SessionPtr session;
  if constexpr (kind == Kind::session) session = faults.tokens().find(first_of(args...));
  const InUse in_use(std::move(session), F);
  faults.arrive(F);
  const std::optional<Faults::Failure> failure = faults.due(F);
  CK_RV rv = CKR_OK;
  if (!failure || failure->effect == Effect::done) {
    Call call{faults, in_use.session()};
    rv = answer<F, kind>(call, member, args...);
  }
  if (failure && rv == CKR_OK) rv = failure->rv;
  faults.leave(F, rv);
  return rv;
}

/// The C function behind a member of CK_FUNCTION_LIST.
template <Function F, Kind kind, auto member>
struct Entry;
template <Function F, Kind kind, class... Args, CK_RV (*CK_FUNCTION_LIST::*member)(Args...)>
struct Entry<F, kind, member> {
  static CK_RV call(Args... args) noexcept { return proxied<F, kind>(member, args...); }
};

CK_FUNCTION_LIST make_list() {
  CK_FUNCTION_LIST list{};
  list.version = {2, 40};
#define KMS_PROXY_ENTRY(name, kind) \
  list.name = Entry<Function::name, Kind::kind, &CK_FUNCTION_LIST::name>::call;
  KMS_PROXY_FUNCTIONS(KMS_PROXY_ENTRY)
#undef KMS_PROXY_ENTRY
  return list;
}

CK_RV get_function_list(Call&, CK_FUNCTION_LIST** list) {
  static CK_FUNCTION_LIST instance = make_list();
  if (list == nullptr) return CKR_ARGUMENTS_BAD;
  *list = &instance;
  return CKR_OK;
}

}  // namespace
}  // namespace pkcs11_proxy

#define KMS_PROXY_EXPORT extern "C" __attribute__((visibility("default")))

KMS_PROXY_EXPORT CK_RV C_GetFunctionList(CK_FUNCTION_LIST** list) {
  using namespace pkcs11_proxy;
  follow_command_file();
  return Entry<Function::C_GetFunctionList, Kind::module,
               &CK_FUNCTION_LIST::C_GetFunctionList>::call(list);
}

KMS_PROXY_EXPORT pkcs11_proxy::Control* kms_proxy_control() { return &pkcs11_proxy::faults(); }
