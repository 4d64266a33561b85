#pragma once

// Certificates that the service makes for itself: an EC P-256 key, and a certificate that has
// signed itself and is its own authority, so that a client is given this one to trust. And what
// there is to ask of such PEM texts.
//
// Errors: Internal, when OpenSSL cannot. Threads: pure but for randomness and the clock passed in.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace base::http {

struct KeyPair {
  std::string certificate;  // PEM
  std::string key;          // PEM, PKCS #8; a secret
  bool operator==(const KeyPair&) const = default;
};

// For names and addresses, the first of which is in the error's text. Valid from a day ago, for
// clocks that are behind.
Result<KeyPair> make_certificate(const std::vector<std::string>& hosts, WallTime now,
                                 std::chrono::seconds life);

// Whether it is a certificate with its key, for all of the hosts.
bool serves(const KeyPair& pair, const std::vector<std::string>& hosts);

struct Validity {
  WallTime from;
  WallTime until;
};
// nullopt: not a certificate.
std::optional<Validity> validity_of(const std::string& certificate);

// The certificates of a PEM text, each as a text of its own; what else is in it is dropped.
std::vector<std::string> split_certificates(std::string_view pem);

}  // namespace base::http
