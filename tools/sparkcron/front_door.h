#pragma once

// The front door of standalone and apiserver: the HTTPS server with its certificate, at a port that
// stays, and the kubeconfig that leads to it.
//
// Threads: main only.

#include <memory>
#include <string>

#include "base/http/router.h"
#include "base/http/server.h"
#include "base/result.h"
#include "tools/sparkcron/certificate.h"
#include "tools/sparkcron/data_dir.h"
#include "tools/sparkcron/options.h"

namespace sparkcron {

struct FrontDoor {
  std::unique_ptr<base::http::Server> server;
  std::string url;               // as clients on this machine reach it
  CertificateFiles certificate;  // the user's, else our own
};

// `router` decides who comes in and who answers.
// Port 0 means the port of the last start, so that kubeconfigs and running drivers stay valid; if
// somebody else has it now, another one.
base::Result<FrontDoor> open_front_door(const Options& options, DataDir& data,
                                        const base::http::Router& router);

// Writes <data-dir>/kubeconfig (0600). A script that waits for the file finds the server behind it.
// `operators`: one more, for the group of the service (0640), which needs no other file; "" = none.
// To be called before the service says that it is ready: who waited for that reads these files.
base::Status write_kubeconfigs(const FrontDoor& door, DataDir& data, const std::string& token,
                               const std::string& operators = "");

// Tells on standard output where everything is.
void announce(const FrontDoor& door, const DataDir& data, const std::string& what);

}  // namespace sparkcron
