#pragma once

// Passage: hands a page's request to the API server as the person's own, with the token that it
// carries and nothing of ours, and the answer back: so a person may read and write there what the
// cluster allows, by whatever way it decides that. Watches and followed logs come as they come,
// each on a thread of its own; stop() ends them.
//
// An API server that is not reached is answered 502, too many streams at once 429. Threads: any.

#include <cstdint>
#include <map>
#include <memory>
#include <stop_token>
#include <thread>
#include <vector>

#include "base/http/client.h"
#include "base/http/server.h"
#include "base/mutex.h"

namespace monitor::dashboard {

class Passage {
 public:
  // The client has no credential of its own. Answers that are not streamed end at its max_response.
  explicit Passage(std::unique_ptr<base::http::Client> client, size_t max_streams = 64)
      : client_(std::move(client)), max_streams_(max_streams) {}
  ~Passage();  // as stop()
  Passage(const Passage&) = delete;
  Passage& operator=(const Passage&) = delete;

  void pass(const base::http::Request& request,
            const std::shared_ptr<base::http::Responder>& responder);
  // Ends all streams and waits for their threads; requests under way end, too.
  void stop();
  [[nodiscard]] size_t streams() const;

 private:
  using Body = std::shared_ptr<base::http::BodyStream>;
  struct Flow {
    Body body;
    std::thread thread;
    bool over = false;
  };
  void pass_stream(const base::http::Request& request, base::http::Responder& responder);
  void flow(uint64_t id, const Body& body, const std::shared_ptr<base::http::Stream>& stream);
  std::vector<std::thread> take_over() REQUIRES(mutex_);

  const std::unique_ptr<base::http::Client> client_;
  const size_t max_streams_;
  std::stop_source requests_;
  mutable base::Mutex mutex_;
  bool stopping_ GUARDED_BY(mutex_) = false;
  uint64_t next_ GUARDED_BY(mutex_) = 0;
  std::map<uint64_t, Flow> flows_ GUARDED_BY(mutex_);
};

}  // namespace monitor::dashboard
