#pragma once

// The certificate that standalone makes for itself. kubectl sends a token only over TLS (client-go
// drops credentials for http:// servers), so the API speaks TLS on loopback too; the kubeconfig
// carries the certificate as its authority, and nobody has to create one by hand.
//
// EC P-256, self-signed, for localhost, 127.0.0.1, ::1 and the listen address; ten years, made anew
// a month before it ends or when the address changes. Threads: main only.

#include <string>

#include "base/clock.h"
#include "base/result.h"

namespace sparkcron {

struct CertificateFiles {
  std::string certificate;  // PEM
  std::string key;          // PEM, 0600
};

// Makes the files unless they are there and will do for `host`. Forbidden when a link, or a file of
// another user, stands in their place ("/srv/x/tls.key is a symbolic link: remove it").
base::Status ensure_certificate(const CertificateFiles& files, const std::string& host,
                                base::WallTime now);

}  // namespace sparkcron
