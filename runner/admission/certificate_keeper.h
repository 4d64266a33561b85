#pragma once

// CertificateKeeper: the webhook's certificate in a Secret that all replicas share, as files for
// the server, and as caBundle in the two webhook configurations. Every replica keeps it; who comes
// second to a write reads again.
//
// A crash between two writes: the next step sees the Secret and goes on; nothing is served that the
// bundle of an earlier step does not have. Threads: one.

#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "base/result.h"
#include "kube/api.h"
#include "runner/admission/rotation.h"

namespace runner::admission {

struct KeeperOptions {
  kube::ObjectKey secret;
  std::string configuration;  // the name of both configurations
  RotationRules rules;
  // Written when they change, 0600; the key first.
  std::string certificate_file;
  std::string key_file;
};

class CertificateKeeper {
 public:
  CertificateKeeper(kube::Api& api, base::Clock& clock, KeeperOptions options);
  // Looks at everything once and does what is due. Files are there as soon as the Secret is, also
  // when publishing fails. Conflict: somebody else wrote first; step again.
  base::Status step();

 private:
  struct Stored;
  base::Result<Stored> read_secret();
  base::Status write_secret(const Stored& stored, const CertificateState& state);
  base::Status write_files(const base::http::KeyPair& pair);
  base::Status publish(nlohmann::json configuration, const kube::ResourceType& type,
                       const std::string& bundle);

  kube::Api& api_;
  base::Clock& clock_;
  const KeeperOptions options_;
  base::http::KeyPair written_;  // what is in the files
};

}  // namespace runner::admission
