#pragma once

// One column of a Table. Private to the table files. Threads: immutable values.

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "kube/server/machinery/table.h"

namespace kube::server::machinery {

struct TableColumns::Column {
  using Now = std::chrono::sys_seconds;
  std::string name;
  std::string type = "string";
  std::string format;
  std::string description;
  int priority = 0;  // above 0: only with -o wide
  std::function<Json(const Json& object, Now now)> cell;
};

// The time at a path as an age: "3m12s"; "<unknown>" when absent.
std::string age_of(const std::string& rfc3339, std::chrono::sys_seconds now);

// The cells of a pod, which summarise all its containers.
struct PodSummary {
  std::string ready;   // "1/2"
  std::string status;  // "Running", "CrashLoopBackOff", "Init:0/1", …
  std::string restarts;
};
PodSummary summarise_pod(const Json& pod, std::chrono::sys_seconds now);

}  // namespace kube::server::machinery
