#include "runner/admission/review.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/json.h"
#include "base/text.h"
#include "config/names.h"
#include "runner/admission/plain_pods.h"

namespace runner::admission {
namespace {

using base::Code;
using base::find;
using base::string_at;
using nlohmann::json;
using submission::DryRun;

// The API server cuts warnings at this length, and all of them together at 4096.
constexpr size_t kMaxWarning = 256;
constexpr size_t kMaxWarnings = 16;
constexpr size_t kMaxMessage = 4096;

struct Review {
  std::string uid;
  std::string kind;
  bool creates = false;  // else an update
  json object;
  json old;  // null on creation
};

base::Result<Review> read_review(std::string_view body) {
  ASSIGN_OR_RETURN(json review, base::parse_json(body, {.bytes = kMaxBody}));
  const json* request = find(review, {"request"});
  Review read;
  if (request != nullptr) read.uid = string_at(*request, {"uid"});
  if (read.uid.empty() || string_at(review, {"kind"}) != "AdmissionReview")
    return base::failure(Code::InvalidArgument, "not an AdmissionReview of admission.k8s.io/v1");
  const std::string operation = string_at(*request, {"operation"});
  // Of these kinds, in the way of no other operation and no subresource.
  const bool ours = (operation == "CREATE" || operation == "UPDATE") &&
                    string_at(*request, {"subResource"}).empty();
  if (ours) read.kind = string_at(*request, {"kind", "kind"});
  read.creates = operation == "CREATE";
  if (const json* object = find(*request, {"object"})) read.object = *object;
  if (const json* old = find(*request, {"oldObject"})) read.old = *old;
  if (!read.object.is_object()) {
    read.kind.clear();
    return read;
  }
  json& metadata = read.object["metadata"];
  if (!metadata.is_object()) metadata = json::object();
  // Both may still be missing from a new object.
  if (string_at(metadata, {"namespace"}).empty())
    metadata["namespace"] = string_at(*request, {"namespace"});
  return read;
}

json bounded(const std::vector<std::string>& warnings) {
  json all = json::array();
  for (const std::string& warning : warnings)
    if (all.size() < kMaxWarnings) all.push_back(base::cut_text(warning, kMaxWarning));
  return all;
}

std::string_view resource_of(std::string_view kind) {
  if (kind == config::kScheduleKind) return "scheduledsparkapplications";
  if (kind == config::kApplicationKind) return "sparkapplications";
  return kind == "Pod" ? "pods" : "other";
}

Reply reply(const Review& review, Verdict verdict, json response) {
  return {.status = 200,
          .body = base::dump_json({{"apiVersion", "admission.k8s.io/v1"},
                                   {"kind", "AdmissionReview"},
                                   {"response", std::move(response)}}),
          .verdict = verdict,
          .resource = resource_of(review.kind)};
}

Reply answer(const Review& review, const DryRun& verdict) {
  json response = {{"uid", review.uid}, {"allowed", !verdict.refusal}};
  if (verdict.refusal) {
    const bool forbidden = verdict.refusal->code == Code::Forbidden;
    response["status"] = {{"code", forbidden ? 403 : 422},
                          {"reason", forbidden ? "Forbidden" : "Invalid"},
                          {"message", base::cut_text(verdict.refusal->message, kMaxMessage)}};
  }
  if (!verdict.warnings.empty()) response["warnings"] = bounded(verdict.warnings);
  return reply(review, verdict.refusal ? Verdict::Refused : Verdict::Allowed, std::move(response));
}

Reply answer(const Review& review, const json& before, const json& after) {
  json response = {{"uid", review.uid}, {"allowed", true}};
  const json patch = json::diff(before, after);
  if (!patch.empty()) {
    response["patchType"] = "JSONPatch";
    response["patch"] = base::encode_base64(base::dump_json(patch));
  }
  return reply(review, patch.empty() ? Verdict::Allowed : Verdict::Changed, std::move(response));
}

Reply no_review(const base::Error& error) {
  return {.status = 400, .body = base::cut_text(error.message, kMaxMessage) + "\n"};
}

// What is going, or keeps its spec, is not judged anew.
bool passes(const Review& review) {
  if (review.creates) return false;
  const json* spec = find(review.object, {"spec"});
  const json* old = find(review.old, {"spec"});
  const bool same = spec == nullptr ? old == nullptr : old != nullptr && *spec == *old;
  return same || find(review.object, {"metadata", "deletionTimestamp"}) != nullptr;
}

// The API server makes a name only after it has asked.
json with_name(json object) {
  json& metadata = object["metadata"];
  if (string_at(metadata, {"name"}).empty())
    metadata["name"] = string_at(metadata, {"generateName"}) + "00000";
  return object;
}

DryRun judge_application(const Review& review, const Rules& rules) {
  const json application = with_name(review.object);
  DryRun verdict = rules.application(application);
  if (verdict.refusal || !review.creates || !rules.quota) return verdict;
  if (const auto room = rules.quota(application); !room && room.error().code == Code::Forbidden)
    verdict.refusal = room.error();
  return verdict;
}

}  // namespace

Reply validate(std::string_view body, const Rules& rules) {
  const auto review = read_review(body);
  if (!review) return no_review(review.error());
  DryRun verdict;
  if (!passes(*review)) {
    if (review->kind == config::kScheduleKind) verdict = rules.schedule(with_name(review->object));
    if (review->kind == config::kApplicationKind) verdict = judge_application(*review, rules);
  }
  return answer(*review, verdict);
}

Reply mutate(std::string_view body, const Rules& rules) {
  const auto review = read_review(body);
  if (!review) return no_review(review.error());
  if (review->kind == config::kApplicationKind && !passes(*review)) {
    return answer(*review, review->object,
                  review->creates
                      ? with_defaults(review->object, rules.default_conf)
                      : with_kept_defaults(review->object, review->old, rules.default_conf));
  }
  if (review->kind == "Pod" && review->creates) {
    const auto pod = with_annotated_volumes(review->object);
    if (!pod) return answer(*review, DryRun{.refusal = pod.error(), .warnings = {}});
    return answer(*review, review->object, *pod);
  }
  return answer(*review, DryRun{});
}

}  // namespace runner::admission
