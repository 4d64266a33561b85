#include "base/constant_time.h"

#include <openssl/crypto.h>

namespace base {

bool equal_in_constant_time(std::string_view a, std::string_view b) {
  // No call without bytes: an empty view may have no address.
  return a.size() == b.size() && (a.empty() || CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0);
}

}  // namespace base
