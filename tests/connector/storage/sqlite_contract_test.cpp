#include "connector/storage/open_store.h"
#include "tests/contracts/metadata_store_contract.h"
#include "tests/contracts/metadata_store_grants.h"

namespace kms::test {
namespace {

INSTANTIATE_TEST_SUITE_P(Sqlite, MetadataStoreContract,
                         testing::Values(StoreBackEnd{
                             .name = "sqlite",
                             .open =
                                 [](const std::filesystem::path& directory) {
                                   return storage::open_sqlite(directory / "kms.sqlite");
                                 }}),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace kms::test
