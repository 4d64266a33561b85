// serviceaccounts/token: a token for an account, for a time.

#include <algorithm>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "kube/server/rest/account_tokens.h"
#include "kube/server/rest/body.h"
#include "kube/server/rest/verbs.h"

namespace kube::server::rest {
namespace {

using machinery::FieldError;
using machinery::refuse;
using nlohmann::json;

constexpr int64_t kShortest = 600;
constexpr int64_t kLongest = int64_t{1} << 32;
constexpr int64_t kUsual = 3600;
constexpr const char* kWarning =
    "in sparkcron standalone every token may do everything, this one too: give it only to whom you "
    "would give the server's own";

const kube::ResourceType& token_requests() {
  static const kube::ResourceType type{"authentication.k8s.io", "v1", "tokenrequests",
                                       "TokenRequest"};
  return type;
}

Outcome<void> check_request(const ApiRequest& call, const json& request) {
  const kube::ResourceType& type = token_requests();
  if (!request.is_object())
    return refuse(machinery::bad_request("the body of the request must be a TokenRequest"));
  for (const auto& [member, expected] :
       {std::pair{"apiVersion", type.api_version()}, std::pair{"kind", type.kind}}) {
    const std::string given = base::string_at(request, {member});
    if (!given.empty() && given != expected) {
      return refuse(machinery::bad_request("the body must be a " + type.kind + " of " +
                                           type.api_version() + ", got " + member + " " + given));
    }
  }
  static const auto schema = machinery::StructuralSchema::of_built_in(type);
  for (const FieldError& error : schema->validate(request)) {
    return refuse(
        machinery::bad_request("TokenRequest in version \"v1\" cannot be handled as a "
                               "TokenRequest: " +
                               error.detail));
  }
  for (const auto& [member, expected, what] :
       {std::tuple{"name", call.info.name, "name"},
        std::tuple{"namespace", call.info.ns, "namespace"}}) {
    const std::string given = base::string_at(request, {"metadata", member});
    if (given.empty() || given == expected) continue;
    return refuse(machinery::invalid(
        type, call.info.name,
        {FieldError::invalid(
            std::string("metadata.") + member, given,
            std::string("must match the service account ") + what + " if specified")}));
  }
  return {};
}

Outcome<std::chrono::seconds> lifetime_of(const json& request) {
  const int64_t seconds = base::integer_at(request, {"spec", "expirationSeconds"}).value_or(kUsual);
  const char* problem = nullptr;
  if (seconds < kShortest) problem = "may not specify a duration less than 10 minutes";
  if (seconds > kLongest) problem = "may not specify a duration larger than 2^32 seconds";
  if (problem == nullptr) return std::chrono::seconds(seconds);
  return refuse(machinery::invalid(
      token_requests(), "", {FieldError::invalid("spec.expirationSeconds", seconds, problem)}));
}

Outcome<std::optional<Bound>> bound_of(const ApiRequest& call, const json& request) {
  const json* reference = base::find(request, {"spec", "boundObjectRef"});
  if (reference == nullptr || reference->is_null()) return std::nullopt;
  const std::string kind = base::string_at(*reference, {"kind"});
  const std::string version = base::string_at(*reference, {"apiVersion"});
  const auto resource = call.catalog->find_kind(version, kind);
  const bool possible = kind == "Pod" || kind == "Secret" || kind == "Node";
  if (version != "v1" || !possible || !resource) {
    return refuse(machinery::bad_request("cannot bind token to object of type /" + version +
                                         ", Kind=" + kind));
  }
  const std::string name = base::string_at(*reference, {"name"});
  const auto object =
      call.services.objects.get({.resource = resource, .ns = call.info.ns, .name = name});
  if (!object) return refuse(object.error());
  if (kind == "Pod") {
    const std::string account = base::string_at((*object)->parse(), {"spec", "serviceAccountName"});
    if (account != call.info.name) {
      return refuse(
          machinery::bad_request("cannot bind token for serviceaccount \"" + call.info.name +
                                 "\" to pod running with different serviceaccount name."));
    }
  }
  const std::string& uid = (*object)->indexed.uid;
  const std::string asked = base::string_at(*reference, {"uid"});
  if (!asked.empty() && asked != uid) {
    return refuse(machinery::conflict(
        {.group = "", .version = "v1", .plural = kind, .kind = kind}, name,
        "the UID in the bound object reference (" + asked +
            ") does not match the UID in record. The object might have been deleted and then "
            "recreated"));
  }
  return Bound{.resource = resource->storage, .name = name, .uid = uid};
}

std::vector<std::string> audiences_of(const json& request) {
  std::vector<std::string> audiences;
  const json* asked = base::find(request, {"spec", "audiences"});
  if (asked != nullptr && asked->is_array()) {
    for (const json& one : *asked) {
      if (one.is_string()) audiences.push_back(one.get<std::string>());
    }
  }
  if (audiences.empty()) audiences.emplace_back(AccountTokens::kAudience);
  return audiences;
}

json answer_of(const Grant& grant, const json& request, std::string token) {
  const json* reference = base::find(request, {"spec", "boundObjectRef"});
  return {{"kind", token_requests().kind},
          {"apiVersion", token_requests().api_version()},
          {"metadata",
           {{"name", grant.account},
            {"namespace", grant.ns},
            {"uid", grant.uid},
            {"creationTimestamp", objects::format_time(grant.issued)}}},
          {"spec",
           {{"audiences", grant.audiences},
            {"expirationSeconds", grant.lifetime.count()},
            {"boundObjectRef", reference != nullptr ? *reference : json()}}},
          {"status",
           {{"token", std::move(token)},
            {"expirationTimestamp", objects::format_time(grant.issued + grant.lifetime)}}}};
}

}  // namespace

void handle_token_request(ApiRequest& call) {
  const auto body = decode_object(call);
  if (!body) return answer(*call.responder, body.error());
  const json& request = body->value;
  if (auto right = check_request(call, request); !right)
    return answer(*call.responder, right.error());
  const auto account = call.services.objects.get(call.target());
  if (!account) return answer(*call.responder, account.error());
  const auto lifetime = lifetime_of(request);
  if (!lifetime) return answer(*call.responder, lifetime.error());
  auto bound = bound_of(call, request);
  if (!bound) return answer(*call.responder, bound.error());
  const Grant grant{.ns = call.info.ns,
                    .account = call.info.name,
                    .uid = (*account)->indexed.uid,
                    .audiences = audiences_of(request),
                    .issued = call.services.clock.now(),
                    .lifetime = *lifetime,
                    .bound = std::move(*bound)};
  const json granted = answer_of(grant, request, call.services.tokens.issue(grant));
  answer(*call.responder, 201, base::dump_json(granted) + "\n", "application/json", {kWarning});
}

}  // namespace kube::server::rest
