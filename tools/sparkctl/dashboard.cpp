#include <ostream>

#include <nlohmann/json.hpp>

#include "base/json.h"
#include "tools/sparkctl/browser.h"
#include "tools/sparkctl/commands.h"

namespace sparkctl {
namespace {

constexpr const char* kNotServed =
    "this server gives no link: on a cluster the controller serves the dashboard; kubectl -n "
    "sparkcron port-forward service/sparkcron-history 8443:443, open "
    "https://127.0.0.1:8443/dashboard/ and log in with your token (kubectl create token NAME)";

}  // namespace

// The code stands behind the #: browsers send it to no server, proxy or log but in the login.
base::Status dashboard(Session& session, Opening opening) {
  base::http::Request request;
  request.method = "POST";
  request.path = "/dashboard/links";
  const auto answer = session.raw(request);
  const bool absent = !answer && (answer.error().code == base::Code::NotFound ||
                                  answer.error().code == base::Code::Forbidden ||
                                  answer.error().code == base::Code::Unimplemented);
  if (absent) return base::failure(base::Code::Unimplemented, kNotServed);
  if (!answer) return base::failure(answer.error());
  const auto link = base::parse_json(answer->body);
  const std::string code = link ? base::string_at(*link, {"login"}) : "";
  if (code.empty()) return base::failure(base::Code::Unimplemented, kNotServed);
  const std::string url = session.server + "/dashboard/#login=" + code;
  session.out << url << '\n' << std::flush;
  // Where it cannot be opened the person still can.
  const Browser browser = opening == Opening::Browser && session.interactive == Interactive::Yes
                              ? browser_of(session.environment)
                              : Browser{};
  if (!browser.program.empty() && open_privately(browser, url)) {
    session.err << "Opened in a browser (" << browser.program
                << "); if it is not, open the link within five minutes. It works once.\n";
  } else {
    session.err << "Open it in a browser within five minutes; it works once.\n";
  }
  return {};
}

}  // namespace sparkctl
