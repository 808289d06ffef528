#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "connector/api/error.h"
#include "connector/keystores/store_error.h"
#include "connector/operations/marker.h"
#include "connector/operations/operation.h"

namespace kms::operations {
namespace {

constexpr PageLimits kPage{.standard = 100, .maximum = 1000};

api::CustomKeyStoresListEntry entry(const keys::KeyStoreRecord& store) {
  return {.custom_key_store_id = store.id,
          .custom_key_store_name = store.name,
          .cloud_hsm_cluster_id = store.cluster_id,
          .trust_anchor_certificate = store.trust_anchor,
          .connection_state = store.state,
          .connection_error_code = store.error,
          .creation_date = store.created,
          .custom_key_store_type = store.type};
}

/// The stores that the request asks for, by id.
std::vector<keys::KeyStorePtr> asked_for(const Call& call,
                                         const api::DescribeCustomKeyStoresRequest& in) {
  std::vector<keys::KeyStorePtr> stores = call.store().key_stores(&call.scope());
  if (!in.custom_key_store_id && !in.custom_key_store_name) return stores;
  std::erase_if(stores, [&](const keys::KeyStorePtr& store) {
    return in.custom_key_store_id ? store->id != *in.custom_key_store_id
                                  : store->name != *in.custom_key_store_name;
  });
  if (stores.empty()) throw keystores::store_not_found();
  return stores;
}

api::DescribeCustomKeyStoresResponse describe_custom_key_stores(
    Call& call, const api::DescribeCustomKeyStoresRequest& in) {
  if (in.custom_key_store_id && in.custom_key_store_name) {
    throw api::validation_error(
        "You cannot specify CustomKeyStoreId and CustomKeyStoreName in the same request.");
  }
  call.authorize_account();
  const std::string filter =
      in.custom_key_store_id.value_or("") + "\n" + in.custom_key_store_name.value_or("");
  const std::string after = open_marker(call, filter, in.marker);
  std::vector<keys::KeyStorePtr> stores = asked_for(call, in);
  std::erase_if(stores, [&](const keys::KeyStorePtr& store) { return store->id <= after; });
  const std::size_t shown = std::min(stores.size(), page_size(in.limit, kPage));

  std::vector<api::CustomKeyStoresListEntry> entries;
  for (std::size_t i = 0; i < shown; ++i) entries.push_back(entry(*stores[i]));
  api::DescribeCustomKeyStoresResponse response{.custom_key_stores = std::move(entries),
                                                .truncated = shown < stores.size()};
  if (shown < stores.size())
    response.next_marker = make_marker(call, filter, stores[shown - 1]->id);
  return response;
}

}  // namespace

extern const Operation kDescribeCustomKeyStores;
constinit const Operation kDescribeCustomKeyStores =
    operation<describe_custom_key_stores>("DescribeCustomKeyStores");

}  // namespace kms::operations
