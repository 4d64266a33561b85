#pragma once

// Claims: the folders of persistent volume claims outlive their pods, but not their claims for
// long. A folder goes when the API itself has said, twice and an hour apart, that it has no claim
// of that name and UID, and no pod here uses it: what a mistaken answer would remove cannot be had
// back.
//
// Bound: the claims that there are, and those removed within the last hour or since the last start.
// Threads: one.

#include <chrono>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "base/clock.h"
#include "kube/api.h"
#include "runner/node/trash.h"

namespace runner::node {

class Claims {
 public:
  static constexpr std::chrono::minutes kEvery{10};
  static constexpr std::chrono::minutes kKept{60};

  Claims(std::filesystem::path folder, kube::Api& api, base::Clock& clock, Trash& trash)
      : folder_(std::move(folder)), api_(api), clock_(clock), trash_(trash) {}

  // At most every ten minutes. `used`: of pods that are not over.
  void sweep(const std::set<kube::ObjectKey>& used);

 private:
  void sweep_one(const std::string& name, const std::set<kube::ObjectKey>& used);

  const std::filesystem::path folder_;
  kube::Api& api_;
  base::Clock& clock_;
  Trash& trash_;
  base::SteadyTime next_{};
  std::map<std::string, base::SteadyTime> gone_since_;  // by the folder's name
};

}  // namespace runner::node
