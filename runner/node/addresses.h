#pragma once

// Addresses: one loopback address in 127.0.0.0/8 per pod, so that every driver may listen on the
// same ports. They lie in a range of their own per node folder, so two nodes on one machine seldom
// meet. What is taken is written in the pods' own folders; this only hands out.
//
// Threads: one.

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace runner::node {

class Addresses {
 public:
  // `seed`: the node's folder.
  explicit Addresses(std::string_view seed);
  // nullopt when all of the range are taken (4,000).
  std::optional<std::string> allocate();
  // Of a pod found at start.
  void take(const std::string& address) { taken_.insert(address); }
  void release(const std::string& address) { taken_.erase(address); }

 private:
  uint32_t first_;
  // The next address is a fresh one while there are some: a connection that still lingers on an old
  // one does not meet a new pod.
  uint32_t next_ = 0;
  std::set<std::string> taken_;
};

}  // namespace runner::node
