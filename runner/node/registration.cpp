#include "runner/node/registration.h"

#include <nlohmann/json.hpp>

#include "base/guard.h"
#include "base/log.h"
#include "runner/node/node_object.h"

namespace runner::node {

void Registration::keep_up() {
  if (clock_.steady_now() < next_) return;
  const auto done = base::guarded("register the node", [this] {
    return registered_ ? send_heartbeat(api_, node_, capacity_, others_, clock_.now())
                       : register_node(api_, node_, capacity_, others_, clock_.now());
  });
  if (done) {
    registered_ = true;
    next_ = clock_.steady_now() + heartbeat_;
    return;
  }
  base::log_warning("runner/node", "The node could not be reported",
                    {{"error", done.error().message}});
  next_ = clock_.steady_now() + std::chrono::seconds(2);
}

}  // namespace runner::node
