#pragma once

// SparkVersion: which Spark a run is submitted for, and the rules of its release line. What a
// submission looks like depends on nothing else of it.
//
// Threads: plain values, pure functions.

#include <string>
#include <string_view>

#include "base/result.h"

namespace runner::submission {

// What later lines do and earlier ones do not; each came with the line that the table in the .cpp
// names, and stayed.
enum class Rule {
  // 3.1
  ArchivesTravel,     // spark.archives reaches the driver
  ConfFolderTravels,  // its ConfigMap has its own name, its files are mounted one by one
  MountPathsAreUnique,
  NfsVolumes,
  OnDemandClaims,
  ProxyUserArgument,
  PythonByInterpreter,  // PYSPARK_PYTHON; before: PYSPARK_MAJOR_PYTHON_VERSION
  // 3.2
  AppSelectorLabels,  // of Services and claims
  ImmutableMaps,
  NamesKeepTheirShape,  // what no name may have becomes a hyphen; before, it went
  // 3.3
  AnnotationPlaceholders,
  AppNameLabels,  // spark-app-name, spark-version
  DriverOverheadFactor,
  DriverNodeSelector,
  NamespaceKey,  // beside spark.properties
  SchedulerNames,
  SubmitTime,
  TemplateNamespaceReplaced,
  // 3.4
  ConnectServerRefused,
  IpFamilies,
  ServiceLabels,
  // 3.5
  ExecutorsGetHadoopMap,
  // 4.0
  ClaimsForOnePod,
  HostPathTypes,
  LabelPlaceholders,
  MinimumOverheads,
  SubPathExpressions,
  VolumeMetadata,
  VolumeSizesNeedUnits,
  // 4.1
  ConnectPort,
  ExcludedSteps,
  ImagePlaceholder,
  // 4.2
  ConnectServerByName,
  ConnectSpeaksGrpc,
  NetworkPolicies,
};

struct SparkVersion {
  int major = 0;
  int minor = 0;
  std::string text;     // as written; the label spark-version
  std::string warning;  // of a line that no rules are known for, which others stand in for; or ""

  [[nodiscard]] bool has(Rule rule) const;
};

// "4.0.1", "3.5", "v4.1.0-preview1", "4". A line that is not known gets the rules of the newest
// known one below it, what is older than 3.0 those of 3.0, and `warning` says so.
// InvalidArgument: `"latest" is not a Spark version such as 4.0.1`.
base::Result<SparkVersion> parse_spark_version(std::string_view text);

}  // namespace runner::submission
