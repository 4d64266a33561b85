#pragma once

// Session: what every command works with: one API, one namespace, where to write and how.
//
// Threads: main only.

#include <functional>
#include <iosfwd>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/http/client.h"
#include "base/result.h"
#include "kube/api.h"
#include "kube/http_api.h"

namespace sparkctl {

enum class Output { Table, Wide, Json, Yaml, Name };
enum class Colours { Off, On };
enum class Scope { Namespace, All };
// Whether a person sees what is written.
enum class Interactive { No, Yes };

struct Session {
  kube::Api& api;
  // What kube::Api has no verb for.
  std::function<base::Result<std::unique_ptr<base::http::BodyStream>>(const kube::ObjectKey& pod,
                                                                      const kube::LogOptions&)>
      logs;
  std::function<base::Result<base::http::Response>(const base::http::Request&)> raw;
  // NAMESPACE/NAME of the Service that keeps a cluster's history; "" = look for it.
  std::string history_service = {};
  // Who is at this terminal, as far as the environment says.
  std::string user = {};
  // Empty when the variable is not set.
  std::function<std::string(const char* name)> environment = [](const char*) {
    return std::string();
  };
  std::string server = {};  // its URL, without a trailing slash
  base::Clock& clock;
  std::istream& in;
  std::ostream& out;
  std::ostream& err;
  std::string ns;
  Scope scope = Scope::Namespace;
  Output output = Output::Table;
  Colours colours = Colours::Off;
  Interactive interactive = Interactive::No;
};

// Scripts may rely on these.
enum ExitCode : int {
  kDone = 0,
  kFailed = 1,       // anything without a code of its own
  kUsage = 2,        // the command line is wrong
  kNotFound = 3,     // no such schedule, run or file
  kNotAllowed = 4,   // no or bad credentials, or not permitted
  kRefused = 5,      // the API refused the object: invalid, or the name is taken
  kUnreachable = 6,  // the API does not answer
  kRunFailed = 7,    // trigger --wait: the run did not complete
  kNoServer = 8,     // no kubeconfig says which API server to ask
};
ExitCode exit_code_of(const base::Error& error);

// What to do about an error, as a sentence; empty when there is nothing to say.
std::string next_step(const base::Error& error);

// Half a second, between two looks at something that takes its time.
void pause(base::Clock& clock);

}  // namespace sparkctl
