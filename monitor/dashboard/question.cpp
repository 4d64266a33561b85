#include "monitor/dashboard/question.h"

#include <chrono>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/rfc3339.h"

namespace monitor::dashboard {
namespace {

using base::Code;
using base::failure;
using base::string_at;

// As the CustomResourceDefinition has them.
constexpr size_t kMaxExpression = 512;

}  // namespace

base::Result<scheduler::Instant> read_time(const nlohmann::json& object, std::string_view field) {
  const auto time = base::parse_rfc3339(string_at(object, {field}));
  if (!time) return failure(time.error().with_context(std::string(field)));
  return std::chrono::floor<std::chrono::seconds>(*time);
}

base::Result<Question> read_question(const nlohmann::json& question,
                                     const std::string& default_zone) {
  Question read{.expression = string_at(question, {"schedule"}),
                .zone = string_at(question, {"timeZone"}),
                .seed = string_at(question, {"seed"}),
                .dst_policy = scheduler::DstPolicy::Vixie,
                .anchor = {}};
  if (read.zone.empty() || read.zone == "Local") read.zone = default_zone;
  if (read.expression.size() > kMaxExpression || read.zone.size() > kMaxExpression ||
      read.seed.size() > kMaxExpression)
    return failure(Code::InvalidArgument, "too long");
  const std::string policy = string_at(question, {"dstPolicy"});
  if (policy == "Once") read.dst_policy = scheduler::DstPolicy::Once;
  if (policy == "Kubernetes") read.dst_policy = scheduler::DstPolicy::Kubernetes;
  if (base::find(question, {"anchor"}) != nullptr) {
    ASSIGN_OR_RETURN(read.anchor, read_time(question, "anchor"));
  }
  return read;
}

}  // namespace monitor::dashboard
