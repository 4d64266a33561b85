#pragma once

// Families of samples, built at scrape time from plain numbers: prometheus-cpp's data model and
// text format, without its live objects, whose counters cannot be set to what a ledger says.
//
// Threads: plain values.

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
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

// Counts per bucket; the last one is the rest.
struct Buckets {
  explicit Buckets(std::vector<double> upper_bounds);
  void observe(std::chrono::milliseconds value);
  // Those of the same bounds.
  void add(const Buckets& other);

  std::vector<double> bounds;
  std::vector<uint64_t> counts;
  Sum all;
};

class Family {
 public:
  Family(std::string name, std::string help, prometheus::MetricType type);
  void add(const Labels& labels, double value);
  void add(const Labels& labels, const Sum& sum);
  void add(const Labels& labels, const Buckets& buckets);
  // Appends itself, unless it has no samples.
  void append_to(std::vector<prometheus::MetricFamily>& families) &&;

 private:
  prometheus::MetricFamily family_;
};

}  // namespace monitor
