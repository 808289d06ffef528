#include "connector/keystores/clusters.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <filesystem>
#include <limits>
#include <memory>

#include "pkcs11/error.h"

namespace kms::keystores {
namespace {

struct BioFree {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
struct X509Free {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
};
using Certificate = std::unique_ptr<X509, X509Free>;

bool same_file(const std::string& a, const std::string& b) {
  std::error_code error;
  return a == b || std::filesystem::equivalent(a, b, error);
}

}  // namespace

const config::Cluster* find_cluster(const config::Config& config, const Scope& scope,
                                    std::string_view cluster_id) {
  const auto found = std::ranges::find_if(config.clusters, [&](const config::Cluster& cluster) {
    return cluster.id == cluster_id && cluster.account == scope.account &&
           cluster.region == scope.region;
  });
  return found == config.clusters.end() ? nullptr : &*found;
}

bool share_history(const config::Cluster& a, const config::Cluster& b) {
  return !a.related_group.empty() && a.related_group == b.related_group;
}

std::optional<Bytes> certificate_der(std::string_view pem) {
  if (pem.size() > static_cast<std::size_t>(std::numeric_limits<int>::max())) return std::nullopt;
  const std::unique_ptr<BIO, BioFree> text(
      BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!text) return std::nullopt;
  const Certificate certificate(PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr));
  const Certificate second(certificate ? PEM_read_bio_X509(text.get(), nullptr, nullptr, nullptr)
                                       : nullptr);
  ERR_clear_error();
  if (!certificate || second) return std::nullopt;
  const int size = i2d_X509(certificate.get(), nullptr);
  if (size <= 0) return std::nullopt;
  Bytes der(static_cast<std::size_t>(size));
  std::uint8_t* out = der.data();
  if (i2d_X509(certificate.get(), &out) != size) return std::nullopt;
  return der;
}

std::vector<pkcs11::TokenInfo> present_tokens(pkcs11::Modules& modules, const config::Token& token,
                                              bool rescan, pkcs11::Deadline deadline) {
  const std::shared_ptr<pkcs11::Module> module =
      modules.load(token.module, token.init_args, deadline);
  std::vector<pkcs11::TokenInfo> found;
  for (const bool again : {false, true}) {
    if (again && !(rescan && found.empty())) break;
    for (pkcs11::TokenInfo& info : module->tokens(again, deadline)) {
      if (token.selector.fits(info)) found.push_back(std::move(info));
    }
  }
  return found;
}

bool same_token(pkcs11::Modules& modules, const config::Token& a, const config::Token& b,
                pkcs11::Deadline deadline) {
  if (!same_file(a.module, b.module)) return false;
  try {
    const auto of_a = present_tokens(modules, a, false, deadline);
    const auto of_b = present_tokens(modules, b, false, deadline);
    if (!of_a.empty() && !of_b.empty()) {
      return std::ranges::any_of(of_a, [&](const pkcs11::TokenInfo& info) {
        return std::ranges::find(of_b, info.serial, &pkcs11::TokenInfo::serial) != of_b.end();
      });
    }
  } catch (const pkcs11::Error&) {
    // Nothing can be seen of them now: the names must do.
  }
  return (a.selector.serial && a.selector.serial == b.selector.serial) ||
         (a.selector.label && a.selector.label == b.selector.label && !a.selector.serial &&
          !b.selector.serial);
}

}  // namespace kms::keystores
