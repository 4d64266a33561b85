#include "tools/sparkctl/session.h"

namespace sparkctl {

using base::Code;

ExitCode exit_code_of(const base::Error& error) {
  switch (error.code) {
    case Code::NotFound:
      return kNotFound;
    case Code::Unauthenticated:
    case Code::Forbidden:
      return kNotAllowed;
    case Code::InvalidArgument:
    case Code::Refused:
    case Code::AlreadyExists:
    case Code::Conflict:
    case Code::TooLarge:
      return kRefused;
    case Code::Unavailable:
    case Code::DeadlineExceeded:
    case Code::ResourceExhausted:
      return kUnreachable;
    case Code::Gone:
    case Code::Unimplemented:
    case Code::Cancelled:
    case Code::Corrupt:
    case Code::Internal:
      return kFailed;
  }
  return kFailed;
}

void pause(base::Clock& clock) {
  base::Mutex mutex;
  base::CondVar never;
  const base::SteadyTime until = clock.steady_now() + std::chrono::milliseconds{500};
  base::MutexLock lock(mutex);
  while (clock.steady_now() < until)
    clock.wait_until(lock, never, until);
}

std::string next_step(const base::Error& error) {
  if (error.message.find("could not find the requested resource") != std::string::npos) {
    return "This API server does not know Spark schedules: install the CRDs of config/crd, or "
           "choose another server with --kubeconfig.";
  }
  switch (error.code) {
    case Code::Unauthenticated:
      return "The server does not accept the kubeconfig's credentials; choose another with "
             "--kubeconfig or --context.";
    case Code::Forbidden:
      return "Ask for the permission, or try another namespace with -n.";
    case Code::AlreadyExists:
      return "Change it with kubectl apply, or delete it first.";
    case Code::Unavailable:
    case Code::DeadlineExceeded:
      return "Is the server running? sparkcron standalone starts one here.";
    default:
      return "";
  }
}

}  // namespace sparkctl
