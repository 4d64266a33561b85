#pragma once

// What an API server says of a caller: whose a bearer token is (TokenReview), and whether that
// account may do something (SubjectAccessReview). Nothing is remembered here.
//
// Errors: Unauthenticated for a token that is not accepted; Unavailable when the API does not
// answer, also because we lack the right to ask. Threads: any.

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kube/api.h"

namespace monitor {

// The token in a header's value, "Bearer …"; nullopt if there is none, or one that is too long.
std::optional<std::string> bearer_token(std::string_view header);

// TokenReview's status.user. `audience`: whom the token must be for; "" = the API server.
base::Result<kube::Json> review_token(kube::Api& api, const std::string& token,
                                      const std::string& audience);

// Whether `user` may do what `attributes` (resourceAttributes) say. With `ns` a
// LocalSubjectAccessReview there, which needs a right in that namespace alone.
base::Result<bool> review_access(kube::Api& api, const kube::Json& user, kube::Json attributes,
                                 const std::string& ns = "");

}  // namespace monitor
