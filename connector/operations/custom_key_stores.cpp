#include "connector/operations/custom_key_stores.h"

#include "connector/base/encodings.h"

namespace kms::operations {

void note_key_store(Call& call, const keys::KeyStoreRecord& store) {
  call.record().additional_event_data = {{"customKeyStoreName", json_string(store.name)},
                                         {"clusterId", json_string(store.cluster_id)}};
}

}  // namespace kms::operations
