// The API server with nothing around it: `apiserver_main DATA_DIR` listens on a free port.

#include "tools/sparkcron/apiserver.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  sparkcron::Options options;
  options.data_dir = argv[1];
  options.listen.port = 0;
  return sparkcron::run_apiserver(options);
}
