#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/environment.h"
#include "config/reader.h"
#include "pkcs11/secret_bytes.h"

// The files that a configuration names: secrets, certificates, modules.
namespace config {

struct Secret {
  pkcs11::SecretBytes value;
  std::string source;  // the form as YAML, with its path resolved
};

/// The secret at {file: PATH}, {credential: NAME} or {env: NAME}.
Secret read_secret(const Reader& reader, const Node& node, Environment& environment);

/// The DER of the only certificate in the PEM file that the option names.
std::vector<std::uint8_t> read_certificate(const Reader& reader, const Node& node);
/// Certificate and key are there, can be parsed and belong together.
void check_tls_files(const Reader& reader, const Node& section, const TlsFiles& files);
/// The option names a regular file that can be read.
void check_readable(const Reader& reader, const Node& node, const std::string& path);
/// The file may be absent, its directory may not.
void check_directory_of(const Reader& reader, const Node& node, const std::string& path);

}  // namespace config
