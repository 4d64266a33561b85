#include "tools/sparkcron/certificate.h"

#include <string>
#include <vector>

#include "base/files.h"
#include "base/http/certificate.h"

namespace sparkcron {
namespace {

using base::Code;

constexpr std::chrono::days kLife{3650};
constexpr std::chrono::days kRenewBefore{30};

constexpr size_t kLargestPem = size_t{1} << 20;

// Empty when there is none. What is not ours, or cannot be read, is an error: made anew, it would
// take the certificate that clients know from them.
base::Result<std::string> read_ours(const std::string& path) {
  auto text = base::read_own_file(path, kLargestPem);
  if (!text && text.error().code == Code::NotFound) return std::string();
  return text;
}

std::vector<std::string> hosts_for(const std::string& host) {
  std::vector<std::string> hosts = {"localhost", "127.0.0.1", "::1"};
  if (host != "localhost" && host != "127.0.0.1" && host != "::1") hosts.push_back(host);
  return hosts;
}

bool will_do(const base::http::KeyPair& pair, const std::vector<std::string>& hosts,
             base::WallTime now) {
  const auto validity = base::http::validity_of(pair.certificate);
  return validity && validity->until > now + kRenewBefore && base::http::serves(pair, hosts);
}

}  // namespace

base::Status ensure_certificate(const CertificateFiles& files, const std::string& host,
                                base::WallTime now) {
  base::http::KeyPair pair;
  ASSIGN_OR_RETURN(pair.certificate, read_ours(files.certificate));
  ASSIGN_OR_RETURN(pair.key, read_ours(files.key));
  const std::vector<std::string> hosts = hosts_for(host);
  if (will_do(pair, hosts, now)) return {};
  ASSIGN_OR_RETURN(pair, base::http::make_certificate(hosts, now, kLife));
  // The key first: a crash in between leaves two that do not match, which will not do at the next
  // start.
  RETURN_IF_ERROR(base::write_durably(files.key, pair.key));
  return base::write_durably(files.certificate, pair.certificate);
}

}  // namespace sparkcron
