#include <optional>
#include <ostream>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "config/names.h"
#include "tools/sparkctl/commands.h"
#include "tools/sparkctl/lookup.h"
#include "tools/sparkctl/show.h"

namespace sparkctl {
namespace {

using base::Code;
using base::failure;
using kube::Json;

// Whom the API takes the caller for; where it does not tell, who is at this terminal.
std::string who(Session& session) {
  const kube::ResourceType type{"authentication.k8s.io", "v1", "selfsubjectreviews",
                                "SelfSubjectReview", false};
  const auto review = session.api.create(
      type,
      {{"apiVersion", type.api_version()}, {"kind", type.kind}, {"metadata", Json::object()}});
  std::string name = review ? base::string_at(*review, {"status", "userInfo", "username"}) : "";
  if (name.empty()) name = session.user;
  return name.empty() ? "somebody with sparkctl" : safe_text(name);
}

base::Result<Json> find_run(Session& session, const std::string& name) {
  ASSIGN_OR_RETURN(const Found found, find_schedule_or_run(session, name));
  if (found.type == config::spark_applications()) return *found.object;
  return failure(Code::NotFound, "\"" + safe_text(name) + "\" is a schedule; sparkctl list runs " +
                                     safe_text(name) + " shows its runs");
}

// Only if nobody else has written since: what was decided from an older status is decided again.
base::Status patch_status(Session& session, const Json& run, const Json& status) {
  const Json patch = {
      {"metadata",
       {{"uid", kube::uid_of(run)}, {"resourceVersion", kube::resource_version_of(run)}}},
      {"status", status}};
  const auto patched =
      session.api.patch(config::spark_applications(), kube::key_of(run),
                        kube::PatchType::MergePatch, patch, {.subresource = "status"});
  if (!patched) return failure(patched.error());
  return {};
}

using Decide = base::Result<std::optional<Json>> (*)(Session& session, const Json& run);

// Nothing when there is nothing to do.
base::Status change(Session& session, const std::string& name, const char* done, Decide decide) {
  constexpr int kTries = 10;
  for (int tries = 1;; ++tries) {
    ASSIGN_OR_RETURN(const Json run, find_run(session, name));
    ASSIGN_OR_RETURN(const std::optional<Json> status, decide(session, run));
    if (!status) return {};
    const base::Status patched = patch_status(session, run, *status);
    if (!patched && patched.error().code == Code::Conflict && tries < kTries) continue;
    if (!patched) return patched;
    session.out << display_name(config::spark_applications(), kube::key_of(run).name) << ' ' << done
                << '\n';
    return {};
  }
}

// The controller ends the driver of a run whose status has a reason to stop, tries no further
// attempt and records the reason as the run's.
base::Result<std::optional<Json>> stopping(Session& session, const Json& run) {
  const std::string state = state_of(run);
  const std::string name = kube::key_of(run).name;
  if (is_final(state)) {
    session.err << name << " has ended already: " << state << '\n';
    return std::optional<Json>{};
  }
  if (state != "SUBMITTED" && state != "RUNNING" && state != "UNKNOWN")
    return failure(Code::Refused, name + " is " + state +
                                      ": it has no driver that could be stopped; sparkctl delete " +
                                      name + " keeps it from starting one");
  Json status = {{"stopReason", "stopped by " + who(session)}};
  return std::optional<Json>(std::move(status));
}

base::Result<std::optional<Json>> retrying(Session& session, const Json& run) {
  const std::string state = state_of(run);
  const std::string name = kube::key_of(run).name;
  if (state != "FAILED")
    return failure(Code::Refused,
                   name + " is " + state + ": only a run that failed is retried" +
                       (state == "COMPLETED" ? "; sparkctl trigger starts a new one" : ""));
  Json status = {{"applicationState",
                  {{"state", "PENDING_RERUN"}, {"errorMessage", "retried by " + who(session)}}},
                 {"stopReason", nullptr},
                 {"terminationTime", nullptr}};
  return std::optional<Json>(std::move(status));
}

}  // namespace

base::Status stop(Session& session, const std::vector<std::string>& names) {
  for (const std::string& name : names)
    RETURN_IF_ERROR(change(session, name, "is being stopped", stopping));
  return {};
}

base::Status retry(Session& session, const std::vector<std::string>& names) {
  for (const std::string& name : names)
    RETURN_IF_ERROR(change(session, name, "is tried again", retrying));
  return {};
}

}  // namespace sparkctl
