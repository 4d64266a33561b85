// A node as a process of its own: SOCKET FOLDER SUPERVISOR. It runs until it is killed.

#include <unistd.h>

#include "runner/node/node.h"
#include "tests/support/memory_api.h"
#include "tests/support/remote_api.h"

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  tests::RemoteApi api(argv[1]);
  tests::MemoryEvents events;
  runner::node::NodeOptions options;
  options.name = "local";
  options.data_dir = argv[2];
  options.supervisor = {argv[3]};
  const auto node = runner::node::Node::start(options, api, base::real_clock(), events);
  if (!node) return 1;
  while (true)
    ::pause();
}
