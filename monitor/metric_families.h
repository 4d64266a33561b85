#pragma once

// Families of samples, built at scrape time from plain numbers: prometheus-cpp's data model and
// text format, without its live objects, whose counters cannot be set to what a ledger says.
//
// Threads: plain values.

#include <array>
#include <chrono>
#include <cstdint>
#include <set>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <prometheus/metric_family.h>

namespace monitor {

using Labels = std::vector<prometheus::ClientMetric::Label>;

// A sum and a count: a summary without quantiles.
struct Sum {
  uint64_t count = 0;
  double sum = 0;
  void observe(std::chrono::milliseconds value);
};

// Counts per bucket; the last one is the rest. The bounds outlive it.
struct Buckets {
  explicit Buckets(std::span<const double> upper_bounds);
  void observe(std::chrono::milliseconds value);
  // Those of the same bounds.
  void add(const Buckets& other);

  std::span<const double> bounds;
  std::vector<uint64_t> counts;
  Sum all;
};

class Family {
 public:
  Family(std::string name, std::string help, prometheus::MetricType type);
  void add(const Labels& labels, double value);
  void add(const Labels& labels, const Sum& sum);
  void add(const Labels& labels, const Buckets& buckets);

 private:
  friend class Exposition;
  prometheus::MetricFamily family_;
};

// The text format 0.0.4, family by family: each is text before the next one is built, for of ten
// thousand schedules it takes more than its text.
class Exposition {
 public:
  // Of these families alone; none: of all. Outlive it.
  explicit Exposition(const std::set<std::string_view>& names) : names_(names) {}
  [[nodiscard]] bool wants(std::string_view name) const {
    return names_.empty() || names_.contains(name);
  }
  // Nothing of one that is not wanted or has no samples.
  void add(Family family);
  std::string text() && { return std::move(out_).str(); }

 private:
  const std::set<std::string_view>& names_;
  std::ostringstream out_;
};

}  // namespace monitor
