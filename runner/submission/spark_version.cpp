#include "runner/submission/spark_version.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/check.h"

namespace runner::submission {
namespace {

struct Line {
  int major = 0;
  int minor = 0;
  auto operator<=>(const Line&) const = default;
};

std::string text_of(const Line& line) {
  return std::to_string(line.major) + "." + std::to_string(line.minor);
}

// Oldest first.
constexpr std::array kKnown = {Line{3, 0}, Line{3, 1}, Line{3, 2}, Line{3, 3}, Line{3, 4},
                               Line{3, 5}, Line{4, 0}, Line{4, 1}, Line{4, 2}};

struct Came {
  Rule rule;
  Line with;
};
constexpr std::array kRules = {
    Came{Rule::ArchivesTravel, {3, 1}},
    Came{Rule::ConfFolderTravels, {3, 1}},
    Came{Rule::MountPathsAreUnique, {3, 1}},
    Came{Rule::NfsVolumes, {3, 1}},
    Came{Rule::OnDemandClaims, {3, 1}},
    Came{Rule::ProxyUserArgument, {3, 1}},
    Came{Rule::PythonByInterpreter, {3, 1}},
    Came{Rule::AppSelectorLabels, {3, 2}},
    Came{Rule::ImmutableMaps, {3, 2}},
    Came{Rule::NamesKeepTheirShape, {3, 2}},
    Came{Rule::AnnotationPlaceholders, {3, 3}},
    Came{Rule::AppNameLabels, {3, 3}},
    Came{Rule::DriverOverheadFactor, {3, 3}},
    Came{Rule::DriverNodeSelector, {3, 3}},
    Came{Rule::NamespaceKey, {3, 3}},
    Came{Rule::SchedulerNames, {3, 3}},
    Came{Rule::SubmitTime, {3, 3}},
    Came{Rule::TemplateNamespaceReplaced, {3, 3}},
    Came{Rule::ConnectServerRefused, {3, 4}},
    Came{Rule::IpFamilies, {3, 4}},
    Came{Rule::ServiceLabels, {3, 4}},
    Came{Rule::ExecutorsGetHadoopMap, {3, 5}},
    Came{Rule::ClaimsForOnePod, {4, 0}},
    Came{Rule::HostPathTypes, {4, 0}},
    Came{Rule::LabelPlaceholders, {4, 0}},
    Came{Rule::MinimumOverheads, {4, 0}},
    Came{Rule::SubPathExpressions, {4, 0}},
    Came{Rule::VolumeMetadata, {4, 0}},
    Came{Rule::VolumeSizesNeedUnits, {4, 0}},
    Came{Rule::ConnectPort, {4, 1}},
    Came{Rule::ExcludedSteps, {4, 1}},
    Came{Rule::ImagePlaceholder, {4, 1}},
    Came{Rule::ConnectServerByName, {4, 2}},
    Came{Rule::ConnectSpeaksGrpc, {4, 2}},
    Came{Rule::NetworkPolicies, {4, 2}},
};

// The line that stands in for one without rules of its own.
void stand_in(SparkVersion& version) {
  const Line written{version.major, version.minor};
  if (std::find(kKnown.begin(), kKnown.end(), written) != kKnown.end()) return;
  const auto above = std::upper_bound(kKnown.begin(), kKnown.end(), written);
  const Line line = above == kKnown.begin() ? kKnown.front() : *std::prev(above);
  version.major = line.major;
  version.minor = line.minor;
  version.warning = "Spark " + version.text + " is not known: it is submitted as Spark " +
                    text_of(line) + " would be" +
                    (written < kKnown.front() ? ", and what is that old may not run" : "");
}

}  // namespace

bool SparkVersion::has(Rule rule) const {
  const auto at =
      std::find_if(kRules.begin(), kRules.end(), [rule](const Came& c) { return c.rule == rule; });
  CHECK(at != kRules.end());
  return Line{major, minor} >= at->with;
}

base::Result<SparkVersion> parse_spark_version(std::string_view text) {
  SparkVersion version{.major = 0, .minor = 0, .text = std::string(text), .warning = ""};
  const std::string_view number = text.starts_with('v') ? text.substr(1) : text;
  const char* const end = number.data() + number.size();
  const auto [after, problem] = std::from_chars(number.data(), end, version.major);
  bool ok = problem == std::errc{} && version.major >= 0;
  if (ok && after != end) {
    const auto minor = std::from_chars(after + 1, end, version.minor);
    ok = *after == '.' && minor.ec == std::errc{} && version.minor >= 0 &&
         (minor.ptr == end || *minor.ptr == '.' || *minor.ptr == '-');
  }
  // It becomes a label value.
  ok =
      ok && text.size() <= 63 &&
      text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
          std::string_view::npos;
  if (!ok) {
    return base::failure(base::Code::InvalidArgument,
                         "\"" + std::string(text) + "\" is not a Spark version such as 4.0.1");
  }
  stand_in(version);
  return version;
}

}  // namespace runner::submission
