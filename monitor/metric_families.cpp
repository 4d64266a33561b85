#include "monitor/metric_families.h"

#include <algorithm>
#include <limits>
#include <utility>

#include <prometheus/text_serializer.h>

#include "base/check.h"

namespace monitor {

using prometheus::ClientMetric;
using prometheus::MetricType;

namespace {

double seconds(std::chrono::milliseconds value) {
  return std::chrono::duration<double>(value).count();
}

}  // namespace

void Sum::observe(std::chrono::milliseconds value) {
  ++count;
  sum += seconds(value);
}

Buckets::Buckets(std::span<const double> upper_bounds)
    : bounds(upper_bounds), counts(bounds.size() + 1) {}

void Buckets::observe(std::chrono::milliseconds value) {
  const auto place = std::lower_bound(bounds.begin(), bounds.end(), seconds(value));
  ++counts[static_cast<size_t>(place - bounds.begin())];
  all.observe(value);
}

void Buckets::add(const Buckets& other) {
  CHECK(std::ranges::equal(bounds, other.bounds));
  for (size_t i = 0; i < counts.size(); ++i)
    counts[i] += other.counts[i];
  all.count += other.all.count;
  all.sum += other.all.sum;
}

Family::Family(std::string name, std::string help, MetricType type) {
  family_.name = std::move(name);
  family_.help = std::move(help);
  family_.type = type;
}

void Family::add(const Labels& labels, double value) {
  ClientMetric metric;
  metric.label = labels;
  (family_.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  family_.metric.push_back(std::move(metric));
}

void Family::add(const Labels& labels, const Sum& sum) {
  ClientMetric metric;
  metric.label = labels;
  metric.summary.sample_count = sum.count;
  metric.summary.sample_sum = sum.sum;
  family_.metric.push_back(std::move(metric));
}

void Family::add(const Labels& labels, const Buckets& buckets) {
  ClientMetric metric;
  metric.label = labels;
  metric.histogram.sample_count = buckets.all.count;
  metric.histogram.sample_sum = buckets.all.sum;
  uint64_t cumulative = 0;
  for (size_t i = 0; i < buckets.counts.size(); ++i) {
    cumulative += buckets.counts[i];
    const double bound =
        i < buckets.bounds.size() ? buckets.bounds[i] : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({.cumulative_count = cumulative, .upper_bound = bound});
  }
  family_.metric.push_back(std::move(metric));
}

void Exposition::add(Family family) {
  if (!wants(family.family_.name) || family.family_.metric.empty()) return;
  std::vector<prometheus::MetricFamily> one;
  one.push_back(std::move(family.family_));
  prometheus::TextSerializer().Serialize(out_, one);
}

}  // namespace monitor
