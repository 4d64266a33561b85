#pragma once

// AccountTokens: the tokens of service accounts that `kubectl create token` asks for
// (TokenRequest), made and recognised. A token is a JWT that this server signs (HMAC-SHA-256) with
// a key of its own token: nothing is stored, and a new token of the server ends all of them.
//
// A token is good while its time lasts, its account exists under the same uid, and the object that
// it is bound to does, too. Like every caller of this server its bearer may do everything.
// Threads: any.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "kube/server/objects/objects.h"

namespace kube::server::rest {

// Who calls, as reviews tell it.
struct Caller {
  std::string username;
  std::string uid;
  std::vector<std::string> groups;
};

// An object that a token ends with.
struct Bound {
  std::string resource;  // as the store calls it: "pods", "secrets", "nodes"
  std::string name;
  std::string uid;
};

struct Grant {
  std::string ns;
  std::string account;
  std::string uid;  // of the account
  std::vector<std::string> audiences;
  base::WallTime issued;
  std::chrono::seconds lifetime;
  std::optional<Bound> bound;
};

class AccountTokens {
 public:
  // The audience of this server itself; a token for others does not open it.
  static constexpr const char* kAudience = "https://kubernetes.default.svc";

  // `tokens`: those of the server, at least one. Signs with the first, knows those of all.
  AccountTokens(const objects::Objects& objects, const std::vector<std::string>& tokens);

  [[nodiscard]] std::string issue(const Grant& grant) const;
  // nullopt for everything that is not a token of ours that still holds.
  [[nodiscard]] std::optional<Caller> recognise(std::string_view token) const;

 private:
  [[nodiscard]] bool is_signed(std::string_view text, std::string_view signature) const;
  [[nodiscard]] bool exists(const std::string& resource, const std::string& ns,
                            const std::string& name, const std::string& uid) const;

  const objects::Objects& objects_;
  std::vector<std::string> keys_;
};

}  // namespace kube::server::rest
