#pragma once

// When the webhook's certificate is made and exchanged: a decision over what the Secret holds. Each
// certificate has signed itself and is its own authority.
//
//   current ──(a month before its end)──► next is made; the bundle has both
//           ──(published everywhere, an hour later)──► next becomes current; the bundle has both
//           ──(published, an hour later)──► the bundle has the current one only
//
// So whatever certificate a replica still serves, API servers trust it, and nobody has to act at
// the same moment as anybody else. Several replicas may decide at once: the Secret's
// resourceVersion lets one of them write. Threads: pure, but for the keys that are drawn.

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/http/certificate.h"
#include "base/result.h"

namespace runner::admission {

struct CertificateState {
  base::http::KeyPair current;  // what is served; empty: none yet
  std::optional<base::http::KeyPair> next;
  std::string bundle;      // PEM: what API servers are to trust
  base::WallTime changed;  // when it became so
  bool operator==(const CertificateState&) const = default;
};

struct RotationRules {
  std::vector<std::string> hosts;
  std::chrono::seconds life = std::chrono::days{365};
  std::chrono::seconds renew_before = std::chrono::days{30};
  std::chrono::seconds overlap = std::chrono::hours{1};
};

// What API servers have been told to trust, compared with the bundle.
enum class Published { Yes, NotYet };

// The state to be in; as it was when nothing is due. Errors: Internal, of OpenSSL.
base::Result<CertificateState> rotate(base::WallTime now, const CertificateState& seen,
                                      Published published, const RotationRules& rules);

}  // namespace runner::admission
