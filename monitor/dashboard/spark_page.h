#pragma once

// SparkPages: Spark's own UI of a run while its driver runs, for a browser that reaches only the
// service. A driver of standalone listens on an address of the service's machine.
//
// A logged-in page asks for a link; it has a ticket (login.h) in its path and is worth that one
// run's UI for twelve hours. What Spark and its jobs write into those pages is strangers' HTML and
// script: it is served sandboxed, in an origin of its own without our cookie, and the ticket is why
// it needs none. Spark is told the path in front of its links (X-Forwarded-Context) and can only be
// read: no jobs are killed from here.
//
// Errors: Unauthenticated for a ticket that is none, NotFound when no UI is there, Unavailable when
// it does not answer, ResourceExhausted when too many ask. Threads: any.

#include <atomic>
#include <functional>
#include <string>
#include <string_view>

#include "base/http/server.h"
#include "base/result.h"
#include "kube/api.h"
#include "monitor/dashboard/login.h"

namespace monitor::dashboard {

// "http://127.66.64.1:4040" of a run; NotFound.
using FindSparkPage = std::function<base::Result<std::string>(const kube::ObjectKey& run)>;

// Of a run that is RUNNING as a process of this machine: at the address of its driver's pod and
// nowhere else, whatever its status says.
base::Result<std::string> find_spark_page(kube::Api& api, const kube::ObjectKey& run);

class SparkPages {
 public:
  static constexpr std::string_view kPrefix = "/dashboard/spark/";

  // Login outlives it.
  SparkPages(const Login& login, FindSparkPage find) : login_(login), find_(std::move(find)) {}

  // "spark/<ticket>/", below the dashboard, whose path as the browser sees it is `seen_at`.
  base::Result<std::string> link(const kube::ObjectKey& run, const std::string& seen_at) const;
  // Whether the path, which begins with kPrefix, has a ticket that is one. Never waits.
  [[nodiscard]] static bool admits(const Login& login, std::string_view path);
  // Answers a request for such a path. Waits for Spark.
  base::Status give(const base::http::Request& request, base::http::Responder& responder) const;

 private:
  const Login& login_;
  const FindSparkPage find_;
  mutable std::atomic<int> asking_ = 0;
};

}  // namespace monitor::dashboard
