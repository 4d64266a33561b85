#include "runner/node/supervisor.h"

int main(int argc, char** argv) {
  return runner::node::supervise_main(argc, argv);
}
