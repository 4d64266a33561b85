#pragma once

// refusal: what an API server, a webhook or a quota says about an object itself, as against being
// unable to answer. It may say otherwise later (a webhook is mended, a quota raised), so it is
// shown and asked again after a pause.
//
// Threads: pure.

#include "base/result.h"

namespace runner {

[[nodiscard]] inline bool is_refusal(base::Code code) {
  return code == base::Code::Forbidden || code == base::Code::Refused ||
         code == base::Code::InvalidArgument || code == base::Code::TooLarge ||
         code == base::Code::Unimplemented;
}

}  // namespace runner
