#pragma once

// What sparkctl's command line fills in: plain values, with what holds when nothing is said.

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tools/sparkctl/commands.h"
#include "tools/sparkctl/connect.h"
#include "tools/sparkctl/render.h"

namespace sparkctl {

struct Arguments {
  ConnectOptions connect;
  std::string ns;
  std::string history_service;
  bool all_namespaces = false;
  std::string output = "table";
  std::vector<std::string> names;
  std::vector<std::string> files;
  std::string name;
  std::string from;
  std::string at;
  std::string span;
  std::string zone = "UTC";
  uint16_t port = 4040;
  uint16_t remote_port = 0;
  std::string executor;
  int attempt = 0;
  std::string grep;
  std::string what = "schedules";
  std::string shell = "bash";
  int limit = 20;
  bool failed = false;
  std::string since;
  bool watch = false;
  bool wait = false;
  int timeout = 0;
  kube::LogOptions log;
  int tail = -1;
  bool client_only = false;
  bool no_open = false;
  RenderOptions render;
  UploadOptions upload;
  bool renders = false;
};

using Command = std::function<base::Result<ExitCode>(Session&)>;

}  // namespace sparkctl
