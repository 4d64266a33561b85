#include "base/http/connection_table.h"

#include <utility>

#include "base/http/peer.h"

namespace base::http {

ConnectionTable::ConnectionTable(size_t max_connections, size_t max_strangers)
    : max_trusted_(max_connections > max_strangers ? max_connections - max_strangers : 1),
      max_strangers_(max_strangers) {}

bool ConnectionTable::add(const std::shared_ptr<Peer>& peer, Standing standing) {
  const bool full =
      standing == Standing::Trusted ? trusted_ >= max_trusted_ : strangers_ >= max_strangers_;
  if (full && !shed_first(standing)) return false;
  Entry& entry = entries_[peer.get()];
  entry = {.peer = peer, .standing = standing, .ticket = 0};
  ++(standing == Standing::Trusted ? trusted_ : strangers_);
  join_queue(entry);
  return true;
}

void ConnectionTable::remove(const Peer& peer) {
  const auto found = entries_.find(&peer);
  if (found == entries_.end()) return;
  leave_queue(found->second);
  --(found->second.standing == Standing::Trusted ? trusted_ : strangers_);
  // The peer may end with its entry: not while the table is being changed.
  const std::shared_ptr<Peer> last = std::move(found->second.peer);
  entries_.erase(found);
}

bool ConnectionTable::trust(const Peer& peer) {
  Entry& entry = entries_.at(&peer);
  if (entry.standing == Standing::Trusted) return true;
  if (trusted_ >= max_trusted_ && !shed_first(Standing::Trusted)) return false;
  leave_queue(entry);
  entry.standing = Standing::Trusted;
  --strangers_;
  ++trusted_;
  return true;
}

void ConnectionTable::idle(const Peer& peer) {
  const auto found = entries_.find(&peer);
  if (found == entries_.end()) return;
  leave_queue(found->second);
  join_queue(found->second);
}

void ConnectionTable::busy(const Peer& peer) {
  const auto found = entries_.find(&peer);
  if (found != entries_.end() && found->second.standing == Standing::Trusted)
    leave_queue(found->second);
}

bool ConnectionTable::shed_one() {
  return shed_first(Standing::Stranger) || shed_first(Standing::Trusted);
}

std::vector<std::shared_ptr<Peer>> ConnectionTable::all() const {
  std::vector<std::shared_ptr<Peer>> peers;
  peers.reserve(entries_.size());
  for (const auto& [address, entry] : entries_)
    peers.push_back(entry.peer);
  return peers;
}

ConnectionTable::Queue& ConnectionTable::queue_of(Standing standing) {
  return standing == Standing::Trusted ? idle_trusted_ : waiting_strangers_;
}

void ConnectionTable::leave_queue(Entry& entry) {
  if (entry.ticket == 0) return;
  queue_of(entry.standing).erase(std::exchange(entry.ticket, 0));
}

void ConnectionTable::join_queue(Entry& entry) {
  entry.ticket = next_ticket_++;
  queue_of(entry.standing).emplace(entry.ticket, entry.peer.get());
}

bool ConnectionTable::shed_first(Standing standing) {
  const Queue& queue = queue_of(standing);
  if (queue.empty()) return false;
  const std::shared_ptr<Peer> peer = entries_.at(queue.begin()->second).peer;
  peer->abort();
  // It takes itself out; a peer that has not started yet cannot.
  remove(*peer);
  ++shed_;
  return true;
}

}  // namespace base::http
