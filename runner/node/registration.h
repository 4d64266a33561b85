#pragma once

// Registration: keeps the Node object in the API: made at start, then a heartbeat now and then,
// soon again after a failure.
//
// Threads: one.

#include <chrono>
#include <string>

#include "base/clock.h"
#include "kube/api.h"
#include "runner/node/node_object.h"
#include "runner/node/placement.h"

namespace runner::node {

class Registration {
 public:
  Registration(kube::Api& api, base::Clock& clock, std::string node, const Capacity& capacity,
               OtherSchedulers others, std::chrono::seconds heartbeat)
      : api_(api),
        clock_(clock),
        node_(std::move(node)),
        capacity_(capacity),
        others_(others),
        heartbeat_(heartbeat) {}

  // When keep_up() has something to do.
  [[nodiscard]] base::SteadyTime next() const { return next_; }
  void keep_up();

 private:
  kube::Api& api_;
  base::Clock& clock_;
  const std::string node_;
  const Capacity capacity_;
  const OtherSchedulers others_;
  const std::chrono::seconds heartbeat_;
  bool registered_ = false;
  base::SteadyTime next_{};
};

}  // namespace runner::node
