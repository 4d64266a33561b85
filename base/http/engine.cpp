#include "base/http/engine.h"

#include <algorithm>
#include <string>
#include <vector>

#include "base/http/peer.h"
#include "base/log.h"

namespace base::http {

// Who has been behind for longest goes first: a reader that catches up now and then is never the
// oldest, however much is on its way to it.
void Engine::relieve() {
  relief_asked = false;
  const size_t used = budget->used();
  if (used <= options.memory_budget) return;
  struct Candidate {
    Unread unread;
    std::shared_ptr<Peer> peer;
  };
  std::vector<Candidate> candidates;
  for (auto& peer : table.all()) {
    if (const Unread unread = peer->unread(); unread.bytes > 0)
      candidates.push_back({unread, std::move(peer)});
  }
  std::sort(candidates.begin(), candidates.end(),
            [](const Candidate& a, const Candidate& b) { return a.unread.since < b.unread.since; });
  // What a peer held is given back only when its last operation has ended, after this function.
  const size_t to_free = used - options.memory_budget;
  uint64_t cut = 0;
  size_t bytes = 0;
  for (const Candidate& candidate : candidates) {
    if (bytes >= to_free) break;
    candidate.peer->abort();
    bytes += candidate.unread.bytes;
    ++cut;
  }
  if (cut == 0) return;
  cut_off += cut;
  log_warning("base/http", "Cut off the slowest readers: too much waits unread",
              {{"connections", std::to_string(cut)}, {"bytes", std::to_string(bytes)}});
  // Texts that several streams shared were counted for each: look again.
  ask_relief();
}

}  // namespace base::http
