#pragma once

// Transfer: one request under way. The loop's thread feeds it from curl's callbacks, the caller
// waits on it. Private to base/http/client*.
//
// Threads: on_header(), on_body(), finish() and everything about easy() belong to the loop's thread
// once the transfer was started; the rest may be called from any thread.

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/http/client_curl.h"
#include "base/http/message.h"
#include "base/mutex.h"
#include "base/result.h"

namespace base::http {

class Transfer {
 public:
  enum class Body {
    Whole,     // collected; more than the limit is TooLarge
    Streamed,  // taken piece by piece; curl pauses while more than the limit waits
  };
  struct Handles {  // the lists must outlive the handle
    CurlList headers;
    CurlList connect_to;
    CurlEasy easy;
  };
  struct Options {
    std::string what;  // "GET https://host/path", in front of every error
    Body body = Body::Whole;
    size_t limit = 0;
    std::string request_body;
    std::chrono::milliseconds connect_timeout{0};  // for messages
    std::chrono::milliseconds request_timeout{0};
  };
  Transfer(Handles handles, Options options);

  [[nodiscard]] CURL* easy() const { return handles_.easy.get(); }
  [[nodiscard]] const std::string& request_body() const { return options_.request_body; }

  // Both return what curl's callbacks must return.
  size_t on_header(std::string_view line);
  size_t on_body(std::string_view data);
  void finish(CURLcode code);
  char* error_buffer() { return error_buffer_; }

  // Ends it for the caller; the first end counts.
  void abandon(Error error);
  [[nodiscard]] bool ended() const;

  // Waits for the whole answer.
  Result<Response> await_response();
  struct Head {
    int status = 0;
    Headers headers;
  };
  // Waits for the head. DeadlineExceeded after `until`.
  Result<Head> await_head(SteadyTime until);
  struct Piece {
    std::string data;
    bool was_paused = false;  // the loop must be asked to go on
  };
  // The next bytes of a streamed body; nullopt at its end. DeadlineExceeded after `idle` of silence
  // (zero: never).
  Result<std::optional<Piece>> take(std::chrono::milliseconds idle);

 private:
  [[nodiscard]] Error describe(CURLcode code) const;

  const Handles handles_;
  const Options options_;
  char error_buffer_[CURL_ERROR_SIZE] = {};
  size_t header_bytes_ = 0;  // loop's thread only
  bool too_large_ = false;   // loop's thread only

  mutable Mutex mutex_;
  CondVar changed_;
  Response response_ GUARDED_BY(mutex_);
  bool head_done_ GUARDED_BY(mutex_) = false;
  bool paused_ GUARDED_BY(mutex_) = false;
  std::optional<Status> end_ GUARDED_BY(mutex_);
};

}  // namespace base::http
