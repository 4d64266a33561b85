#pragma once

// `sparkctl render`: what a submission would create, without a cluster: from manifests of
// applications and schedules, or from spark-submit's own arguments.
//
// Everything is rendered before anything is written: nothing comes out when something is refused,
// and the error says what and where. Ids are those of the first attempt of an object with the UID
// of the manifest, or of one with a UID of zeros, so equal input gives equal output.
// Threads: main only.

#include <iosfwd>
#include <string>
#include <vector>

#include "base/clock.h"
#include "tools/sparkctl/connect.h"
#include "tools/sparkctl/session.h"

namespace sparkctl {

// What spark-submit is given and no manifest says.
struct SubmitDoor {
  std::vector<std::string> arguments;
  std::string spark_version = "4.0.1";
};

struct RenderOptions {
  std::vector<std::string> files;  // "-" = standard input; what is in them besides is left out
  // RFC 3339: of a schedule the slot, of the others the time of submission. "" = the next slot, and
  // now.
  std::string at;
  std::string default_time_zone = "UTC";
  std::vector<std::string> conf;  // KEY=VALUE, the service's --conf
  bool as_conf = false;           // the configuration instead of the objects
  bool from_submit = false;       // `submit` instead of `files`
  SubmitDoor submit;
};

struct RenderContext {
  std::istream& in;
  std::ostream& out;
  std::ostream& err;  // warnings
  const Environment& environment;
  base::Clock& clock;
  std::string ns = "default";  // for objects that name none
  Output output = Output::Table;
};

// InvalidArgument begins with file and object: `a.yaml: SparkApplication "pi": unknown field …`.
base::Status render(const RenderContext& context, const RenderOptions& options);

}  // namespace sparkctl
