#pragma once

// name_holder: whose an object is that stands where we want to create one, or in the way of a run.
// What a deleted namesake has left goes by itself, or is deleted by UID when nobody has collected
// it for kCollectorsTime; only what belongs to somebody alive is in the way for good.
//
// Threads: pure but for reading owners from the API.

#include <chrono>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/result.h"
#include "kube/api.h"

namespace runner {

// What garbage collection is given before a controller does its work.
inline constexpr std::chrono::seconds kCollectorsTime{15};

struct NameHolder {
  enum class Kind {
    Ours,      // owned by the object that asks
    Leaving,   // somebody has deleted it, or its owner: it goes when its grace period is over
    LeftOver,  // all its owners are gone: garbage collection will take it
    Alive,     // of somebody who lives, or of nobody at all
  };
  Kind kind = Kind::Alive;
  std::string owner;  // of Alive: "SparkApplication spark-pi", "nobody"
};

// `uid` is that of the object that asks. Owners are read from the API itself. An owner of a kind
// that we cannot read counts as alive.
base::Result<NameHolder> holder_of(kube::Api& api, const nlohmann::json& object,
                                   const std::string& uid);

}  // namespace runner
