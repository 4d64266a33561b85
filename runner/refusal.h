#pragma once

// refusal: what an API server, a webhook or a quota says about an object itself, as against being
// unable to answer. It may say otherwise later (a webhook is mended, a quota raised), so it is
// shown and asked again after a pause.
//
// Threads: pure.

#include <string_view>

#include "base/result.h"

namespace runner {

[[nodiscard]] inline bool is_refusal(base::Code code) {
  return code == base::Code::Forbidden || code == base::Code::Refused ||
         code == base::Code::InvalidArgument || code == base::Code::TooLarge ||
         code == base::Code::Unimplemented;
}

// Whether it can only say the same again of the same spec: its own validation of an object's fields
// ("Pod \"x\" is invalid: spec.containers[0].image: Required value"). A webhook or a policy that
// denies, and a quota, use other words.
[[nodiscard]] inline bool is_for_good(std::string_view message) {
  const size_t name = message.find('"');
  const size_t end = name == std::string_view::npos ? name : message.find('"', name + 1);
  return end != std::string_view::npos && message.substr(end).starts_with("\" is invalid: ") &&
         message.substr(0, name).find("webhook") == std::string_view::npos;
}

// Whether it answered, but that it cannot decide now: it is throttling, or the webhook that it must
// ask is down. Nothing is wrong with the object.
[[nodiscard]] inline bool is_not_now(base::Code code) {
  return code == base::Code::ResourceExhausted || code == base::Code::Unavailable;
}

}  // namespace runner
