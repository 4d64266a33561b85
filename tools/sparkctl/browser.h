#pragma once

// browser: shows a person a page whose address is a secret.
//
// Other users of the machine see the arguments of every process. So the browser is not given the
// link but a file of the person's own that leads there: mode 0600, one, written anew each time.
//
// Threads: any.

#include <functional>
#include <string>

#include "base/result.h"

namespace sparkctl {

struct Browser {
  std::string program;  // "" = there is none
  std::string folder;   // of the person's own, where the file goes
};

// The first of $BROWSER's list, else xdg-open where there is a graphical session; none without a
// folder ($XDG_RUNTIME_DIR, $XDG_CACHE_HOME, $HOME/.cache). `environment` as Session's.
Browser browser_of(const std::function<std::string(const char* name)>& environment);

// Starts it and does not wait for it.
base::Status open_privately(const Browser& browser, const std::string& link);

}  // namespace sparkctl
