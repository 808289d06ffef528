#pragma once

#include "tests/bench/report.h"

// What scripts/bench measures; each function prints its lines by the Report.
namespace kms::bench {

/// GenerateDataKey and Decrypt over 16 keep-alive connections, against a bare Poco server.
void generate_data_key(Report& report);
void decrypt(Report& report);
/// The same for Sign with ECC_NIST_P256 and GenerateMac with HMAC_256.
void sign_ecc(Report& report);
void generate_mac(Report& report);
/// Sign with RSA_2048 over 16 connections, against C_SignInit and C_Sign on 16 threads.
void sign_rsa(Report& report);
/// Encryption by the token layer on 8 threads, against C_EncryptInit and C_Encrypt themselves.
void token_layer(Report& report);
/// How often the token is called for an operation.
void token_calls(Report& report);
/// With 2 ms added to each call and 64 sessions: the throughput that allows, and the latency.
void slow_token(Report& report);
/// From the start to `ready` with 1,000 keys.
void start_time(Report& report);
/// Memory with 256 connections.
void memory(Report& report);
/// GenerateDataKey under a key policy of 20 statements, against the default policy.
void authorization(Report& report);
/// GenerateDataKey allowed by a grant, with 50,000 grants on the key against that one.
void grants(Report& report);
/// With 10,000 keys, 10,000 aliases and 50,000 grants on one key, against ten of each.
void scale(Report& report);

}  // namespace kms::bench
