#pragma once

// Memory as Spark counts it: sizes like "512m", and how much a driver's pod needs besides its heap.
// As in BasicDriverFeatureStep.
//
// Threads: pure functions.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "runner/submission/conf.h"
#include "runner/submission/spark_version.h"

namespace runner::submission {

enum class SizeUnit : int64_t { Byte = 1, Mebibyte = int64_t{1} << 20 };

// "2g", " 3841MB ", "2048" (in `bare` units) in bytes. nullopt: a fraction, an unknown unit, a
// sign, or more than fits.
std::optional<int64_t> parse_size(std::string_view text, SizeUnit bare);

enum class Language { Jvm, Python, R };

// A size as people write it, as Spark reads it. Spark's own ("2g", "1G", "512") come back as they
// are; what only Kubernetes knows means what it says: "1Gi" → "1024m", "1.5Gi" → "1536m", "2e9" →
// "1908m" (rounded up to whole MiB). nullopt: neither, or too large.
std::optional<std::string> spark_size(std::string_view text);
// Whether the API takes it as a quantity: "500m", "1.5", "2Gi", "1e3"; never negative.
bool is_quantity(std::string_view text);

// What a key of the configuration says, or `fallback`, in MiB, truncated. InvalidArgument in
// Spark's words.
base::Result<int64_t> mebibytes_or(const Conf& conf, std::string_view key,
                                   std::string_view fallback);

struct DriverMemory {
  int64_t pod_mebibytes = 0;  // request and limit
  double default_factor = 0;  // spark.kubernetes.memoryOverheadFactor for the executors
};
// InvalidArgument in Spark's words, such as "spark.driver.memoryOverheadFactor should be double,
// but was ten".
base::Result<DriverMemory> driver_memory(const Conf& conf, Language language,
                                         const SparkVersion& version);

// As Java prints a double: "0.1", "1.0", "1.0E-5".
std::string java_double(double value);

// "1g" → "1Gi": a Java size as a Kubernetes quantity; what only Kubernetes knows stays. nullopt:
// neither.
std::optional<std::string> kubernetes_quantity(std::string_view java_size);

}  // namespace runner::submission
