#pragma once

// EventRecorder: leaves Kubernetes events (events.k8s.io/v1) that `kubectl describe` shows. Best
// effort and asynchronous: recording never fails its caller and never blocks it. Equal events
// within a few minutes become one with a growing series.count.
//
// Threads: any.

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace kube {

enum class EventType { Normal, Warning };

class EventRecorder {
 public:
  virtual ~EventRecorder() = default;
  // `regarding` needs apiVersion, kind and metadata. `reason` is CamelCase and stable; `action` is
  // what was done ("Scheduling", "Submitting"); `note` is a sentence, at most 1 KiB (longer is
  // cut).
  virtual void record(const nlohmann::json& regarding, EventType type, std::string_view reason,
                      std::string_view action, std::string_view note) = 0;
};

}  // namespace kube
