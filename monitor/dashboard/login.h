#pragma once

// Login: who may see the dashboard. Whoever has the API's token gets a code for a link; a code
// opens one session, within five minutes. A session is a signed text in a cookie and lasts a week:
// it outlives a restart of the service, and ends at once when the API's token is changed.
//
// A ticket is a signed text in a path, for what cannot have the cookie.
//
// At most kMaxCodes codes wait; the oldest makes room. Nothing is kept of sessions.
// Errors: Internal when there is no randomness. Threads: any.

#include <chrono>
#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/mutex.h"
#include "base/result.h"

namespace monitor::dashboard {

class Login {
 public:
  static constexpr size_t kMaxCodes = 100;
  static constexpr std::chrono::minutes kCodeLife{5};
  static constexpr std::chrono::hours kSessionLife{7 * 24};
  static constexpr std::chrono::hours kTicketLife{12};

  // The clock outlives it. What is signed is signed with a key made from `token`.
  Login(std::string_view token, base::Clock& clock);

  base::Result<std::string> new_code();
  // True for a code once, while it lives.
  bool use_code(std::string_view code);
  base::Result<std::string> new_session();
  [[nodiscard]] bool knows(std::string_view session) const;
  // A text of letters, digits and dots that stands for `what` while it lives, and is no session.
  [[nodiscard]] std::string ticket(std::string_view what) const;
  // What a ticket stands for; nullopt if it is none, or old.
  [[nodiscard]] std::optional<std::string> opened(std::string_view ticket) const;
  [[nodiscard]] size_t waiting() const;

 private:
  struct Code {
    std::string text;
    base::SteadyTime until;
  };
  [[nodiscard]] std::string signature_of(std::string_view text) const;

  const std::string key_;
  base::Clock& clock_;
  mutable base::Mutex mutex_;
  std::deque<Code> codes_ GUARDED_BY(mutex_);  // the oldest first
};

}  // namespace monitor::dashboard
