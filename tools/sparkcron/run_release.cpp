#include <cstdlib>
#include <iostream>
#include <semaphore>
#include <string>
#include <vector>

#include "base/log.h"
#include "kube/fenced_api.h"
#include "tools/sparkcron/cluster.h"
#include "tools/sparkcron/commands.h"
#include "tools/sparkcron/process_setup.h"
#include "tools/sparkcron/release.h"

namespace sparkcron {

using base::failure;

// As the leader: a controller that still stops would put the finalizers back. Ended at any moment,
// it can be started again.
base::Status run_release(const Options& options) {
  end_at_stop_signals();
  Cluster cluster;
  RETURN_IF_ERROR(connect(options, cluster));
  std::binary_semaphore elected(0);
  kube::LeaderElector elector(*cluster.lease_api, base::real_clock(), election(cluster),
                              {.on_elected = [&elected] { elected.release(); },
                               // Whoever has it now is a controller, and will let them go itself.
                               .on_lost = [] { std::_Exit(1); }});
  if (options.leader_elect) {
    base::log_info("sparkcron", "Waiting until no controller leads", {{"lease", kLease}});
    elector.start();
    elected.acquire();
  }
  kube::FencedApi fenced(*cluster.api, [&] { return !options.leader_elect || elector.leading(); });
  // A namespace may have lost its label since: with a selector, wherever they are.
  const auto released = release_runs(
      fenced, options.namespace_selector.empty() ? options.namespaces : std::vector<std::string>());
  elector.stop();
  if (!released) return failure(released.error());
  std::cout << "released " << *released << (*released == 1 ? " run" : " runs") << "\n";
  return {};
}

}  // namespace sparkcron
