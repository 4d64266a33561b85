#include "tests/simulation/trouble.h"

#include <utility>

#include "config/names.h"

namespace simulation {

using base::Code;

Trouble::Trouble(tests::FakeApi& api, tests::MemoryRecorder& recorder, Random& random)
    : random_(random) {
  api.before = [this](const tests::ApiCall& call) {
    if (call.verb == "create") let_act(intruder_);
    if (call.verb == "update" && call.subresource == "status") let_act(overtaker_);
    auto error = before();
    if (!error) error = refused_driver(call);
    return error ? error : refused(call);
  };
  api.after = [this](const tests::ApiCall& call) {
    if (performed) performed(call);
    return after();
  };
  recorder.before = [this](const std::string&) { return before(); };
  recorder.after = [this](const std::string& call) {
    if (recorded) recorded(call);
    return after();
  };
}

void Trouble::draw() {
  armed_ = random_.one_in(4);
  kind_ = static_cast<Kind>(random_.below(4));
  calls_left_ = random_.below(9);
}

void Trouble::let_act(std::function<void()>& other) {
  if (!other) return;
  const auto act = std::exchange(other, nullptr);
  const bool armed = std::exchange(armed_, false);
  act();
  armed_ = armed;
}

std::optional<base::Error> Trouble::before() {
  if (!armed_ || calls_left_ > 0) return std::nullopt;
  if (kind_ == Kind::CrashBefore) {
    armed_ = false;
    throw Crash{};
  }
  if (kind_ != Kind::FailBefore) return std::nullopt;
  armed_ = false;
  return error();
}

std::optional<base::Error> Trouble::after() {
  if (!armed_) return std::nullopt;
  if (calls_left_ > 0) {
    --calls_left_;
    return std::nullopt;
  }
  armed_ = false;
  if (kind_ == Kind::CrashAfter) throw Crash{};
  return error();
}

std::optional<base::Error> Trouble::refused(const tests::ApiCall& call) const {
  if (!acting_) return std::nullopt;
  const bool run = call.plural == config::spark_applications().plural;
  const bool hit = webhook_ == Webhook::RefusesRuns ? run && call.verb == "create"
                                                    : !run && call.subresource == "status";
  if (webhook_ == Webhook::None || !hit) return std::nullopt;
  return base::Error{Code::Refused, "admission webhook \"policy.example.com\" denied the request"};
}

std::optional<base::Error> Trouble::refused_driver(const tests::ApiCall& call) const {
  if (!applications_act_ || call.verb != "create" || call.plural != "pods") return std::nullopt;
  switch (drivers_) {
    case Drivers::Welcome:
      return std::nullopt;
    case Drivers::OverQuota:
      return base::Error{Code::Forbidden,
                         "pods \"" + call.key.name + "\" is forbidden: exceeded quota: small"};
    case Drivers::WebhookDown:
      return base::Error{Code::Unavailable,
                         "Internal error occurred: failed calling webhook \"policy.example.com\""};
    case Drivers::Throttled:
      return base::Error{Code::ResourceExhausted, "too many requests"};
  }
  return std::nullopt;
}

base::Error Trouble::error() {
  const Code codes[] = {Code::Unavailable, Code::ResourceExhausted, Code::Conflict, Code::Corrupt};
  return {random_.any_of(codes), "injected"};
}

}  // namespace simulation
