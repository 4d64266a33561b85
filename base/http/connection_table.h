#pragma once

// ConnectionTable: every connection of a server, and which of them is closed first when there are
// too many. A connection is a stranger until one of its requests has shown a valid token
// (ServerOptions::admit); then it is trusted. Both have room of their own, so that strangers,
// however many, never keep a trusted client out:
//
// - one stranger too many: the one that came, or was last answered, the longest ago goes, whatever
//   it is doing;
// - one trusted connection too many: the one that has been idle for longest goes; if none is idle,
//   there is no room.
//
// Threads: the I/O thread only, except the numbers.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

namespace base::http {

class Peer;

enum class Standing { Stranger, Trusted };

class ConnectionTable {
 public:
  // `max_strangers` of `max_connections` are for strangers.
  ConnectionTable(size_t max_connections, size_t max_strangers);

  // False, and not added, when there is no room even after closing who may be closed.
  bool add(const std::shared_ptr<Peer>& peer, Standing standing);
  void remove(const Peer& peer);
  // A stranger has shown its token. False when there is no room among the trusted.
  bool trust(const Peer& peer);
  // An answer was sent and the next request has not begun: strangers go to the end of their queue,
  // trusted ones may be closed from here on until busy().
  void idle(const Peer& peer);
  void busy(const Peer& peer);
  // No file descriptors left: closes the first of all. False when nobody may go.
  bool shed_one();

  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] std::vector<std::shared_ptr<Peer>> all() const;
  [[nodiscard]] size_t strangers() const { return strangers_; }
  [[nodiscard]] size_t trusted() const { return trusted_; }
  // Connections closed to make room.
  [[nodiscard]] uint64_t shed() const { return shed_; }

 private:
  using Ticket = uint64_t;
  struct Entry {
    std::shared_ptr<Peer> peer;
    Standing standing = Standing::Stranger;
    Ticket ticket = 0;  // 0: in no queue
  };
  using Queue = std::map<Ticket, const Peer*>;

  Queue& queue_of(Standing standing);
  void leave_queue(Entry& entry);
  void join_queue(Entry& entry);
  bool shed_first(Standing standing);

  const size_t max_trusted_;
  const size_t max_strangers_;
  std::unordered_map<const Peer*, Entry> entries_;
  Queue waiting_strangers_;
  Queue idle_trusted_;
  Ticket next_ticket_ = 1;
  std::atomic<size_t> strangers_ = 0;
  std::atomic<size_t> trusted_ = 0;
  std::atomic<uint64_t> shed_ = 0;
};

}  // namespace base::http
