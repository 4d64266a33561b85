#pragma once

// Health: /livez, /readyz and /healthz as an API server answers them: "ok", or 500 and the list of
// checks. Open to everybody, so reasons stay out of the answer; the log has them. Only of a
// warning and a note the text is shown: it is written for everybody. A check that throws has
// failed.
//
// Threads: add() before the handler is used; checks run on the thread of the request, at once and
// from several of them.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/http/server.h"
#include "base/result.h"

namespace monitor {

enum class HealthKind {
  Live,     // a failure means that only a restart helps; asked by /livez, /readyz and /healthz
  Ready,    // may pass by itself: no API yet, not the leader, shutting down; not asked by /livez
  Warning,  // something for a person to look at; shown by ?verbose, fails nothing; not asked by
            // /livez
  Note,     // as Warning, for what is well: "standby"
};

class Health {
 public:
  using Check = std::function<base::Status()>;

  // "ping" is always there and always well.
  Health();
  ~Health();
  void add(std::string name, HealthKind kind, Check check);
  // For "/livez", "/readyz" and "/healthz"; "/readyz/<name>" asks one check. ?verbose lists all,
  // ?exclude=<name> leaves one out.
  [[nodiscard]] base::http::Handler handler() const;

 private:
  struct Entry;
  std::shared_ptr<std::vector<std::unique_ptr<Entry>>> entries_;
};

}  // namespace monitor
