#include "kube/exec_credential.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/guard.h"
#include "base/json.h"
#include "base/mutex.h"
#include "base/rfc3339.h"

extern char** environ;  // NOLINT: POSIX

namespace kube {
namespace {

using base::Code;
using nlohmann::json;
using std::chrono::milliseconds;

constexpr size_t kMaxOutput = size_t{1} << 20;
constexpr std::chrono::seconds kPause{10};
// Asked for again this long before it expires, in the background;
constexpr std::chrono::seconds kEarly{60};
// and waited for this long before, so that no request arrives with one that has.
constexpr std::chrono::seconds kNearly{10};

base::Error trouble(const ExecPlugin& plugin, const std::string& what) {
  return {.code = Code::Unavailable,
          .message = "exec plugin " + plugin.command + ": " + what +
                     (plugin.install_hint.empty() ? "" : "; " + plugin.install_hint)};
}

// Closes its end of a pipe.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() { close(); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

std::vector<std::string> environment_of(const ExecPlugin& plugin) {
  std::vector<std::string> all;
  const auto is_replaced = [&](std::string_view one) {
    for (const auto& [name, value] : plugin.env)
      if (one.starts_with(name + "=")) return true;
    return one.starts_with("KUBERNETES_EXEC_INFO=");
  };
  for (char** one = environ; one != nullptr && *one != nullptr; ++one)
    if (!is_replaced(*one)) all.emplace_back(*one);
  for (const auto& [name, value] : plugin.env)
    all.push_back(name + "=" + value);
  json info{{"apiVersion", plugin.api_version},
            {"kind", "ExecCredential"},
            {"spec", {{"interactive", false}}}};
  if (!plugin.cluster.empty())
    if (auto cluster = base::parse_json(plugin.cluster)) info["spec"]["cluster"] = *cluster;
  all.push_back("KUBERNETES_EXEC_INFO=" + base::dump_json(info));
  return all;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (std::string& one : texts)
    all.push_back(one.data());
  all.push_back(nullptr);
  return all;
}

// In a group of its own, so that what it starts can be ended with it, and with signals as a program
// expects them. posix_spawn, not fork: we have threads.
base::Result<pid_t> spawn(const ExecPlugin& plugin, int out) {
  std::vector<std::string> arguments{plugin.command};
  arguments.insert(arguments.end(), plugin.args.begin(), plugin.args.end());
  std::vector<std::string> environment = environment_of(plugin);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  ::posix_spawn_file_actions_adddup2(&actions, out, 1);
  ::posix_spawn_file_actions_addclosefrom_np(&actions, 3);
  posix_spawnattr_t attributes;
  ::posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  sigemptyset(&none);
  sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes, &none);
  ::posix_spawnattr_setsigdefault(&attributes, &all);
  ::posix_spawnattr_setpgroup(&attributes, 0);
  ::posix_spawnattr_setflags(
      &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  pid_t child = 0;
  const int problem = ::posix_spawnp(&child, plugin.command.c_str(), &actions, &attributes,
                                     pointers(arguments).data(), pointers(environment).data());
  ::posix_spawnattr_destroy(&attributes);
  ::posix_spawn_file_actions_destroy(&actions);
  if (problem != 0)
    return base::failure(
        trouble(plugin, "cannot be started: " + std::generic_category().message(problem)));
  return child;
}

// How soon a plugin that is not wanted any more is ended.
constexpr milliseconds kLook{100};

base::Error too_slow(const ExecPlugin& plugin, const std::string& what) {
  return trouble(plugin, what + " within " + std::to_string(plugin.time_limit.count()) + " ms");
}

// All that it writes, up to its limits.
base::Result<std::string> read_all(const ExecPlugin& plugin, int in, base::SteadyTime until,
                                   const std::atomic<bool>& unwanted) {
  const base::Clock& clock = base::real_clock();
  std::string text;
  std::array<char, 4096> bytes{};
  while (true) {
    const auto left = std::chrono::duration_cast<milliseconds>(until - clock.steady_now());
    pollfd ready{.fd = in, .events = POLLIN, .revents = 0};
    if (unwanted) return base::failure(trouble(plugin, "is not waited for any more"));
    const int count =
        left.count() > 0 ? ::poll(&ready, 1, static_cast<int>(std::min(left, kLook).count())) : 0;
    if (count < 0 && errno == EINTR) continue;
    if (count == 0 && left > kLook) continue;
    if (count <= 0) return base::failure(too_slow(plugin, "no answer"));
    const ssize_t got = ::read(in, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(bytes.data(), static_cast<size_t>(got));
    if (text.size() > kMaxOutput) return base::failure(trouble(plugin, "wrote more than 1 MiB"));
  }
}

base::Result<ExecCredential> run(const ExecPlugin& plugin, const std::atomic<bool>& unwanted) {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return base::failure(trouble(plugin, "cannot be started: no descriptors"));
  const Descriptor in(ends[0]);
  Descriptor out(ends[1]);
  ASSIGN_OR_RETURN(const pid_t child, spawn(plugin, out.get()));
  out.close();
  const base::SteadyTime until = base::real_clock().steady_now() + plugin.time_limit;
  const auto text = read_all(plugin, in.get(), until, unwanted);
  // It has ended, or is made to: only its exit code says whether what it wrote is meant.
  int status = 0;
  bool late = false;
  if (!text) ::kill(-child, SIGKILL);
  while (::waitpid(child, &status, text && !late ? WNOHANG : 0) == 0) {
    late = unwanted || base::real_clock().steady_now() >= until;
    if (late) ::kill(-child, SIGKILL);
    if (!late) ::poll(nullptr, 0, 1);
  }
  if (!text) return base::failure(text.error());
  if (late) return base::failure(too_slow(plugin, "it did not end"));
  if (!WIFEXITED(status))
    return base::failure(trouble(plugin, "ended by signal " + std::to_string(WTERMSIG(status))));
  if (WEXITSTATUS(status) != 0)
    return base::failure(trouble(plugin, "exit code " + std::to_string(WEXITSTATUS(status))));
  auto parsed = parse_exec_credential(*text, plugin.api_version);
  if (!parsed) return base::failure(trouble(plugin, parsed.error().message));
  return parsed;
}

}  // namespace

base::Result<ExecCredential> parse_exec_credential(std::string_view text,
                                                   std::string_view api_version) {
  const auto refuse = [](const std::string& why) {
    return base::failure(Code::InvalidArgument, why);
  };
  const auto parsed = base::parse_json(text);
  if (!parsed || base::string_at(*parsed, {"kind"}) != "ExecCredential")
    return refuse("its answer is no ExecCredential");
  if (const std::string said = base::string_at(*parsed, {"apiVersion"}); said != api_version)
    return refuse("it answers in apiVersion \"" + said + "\", the kubeconfig says \"" +
                  std::string(api_version) + "\"");
  ExecCredential result{
      .credential = {.token = base::string_at(*parsed, {"status", "token"}),
                     .certificate_pem =
                         base::string_at(*parsed, {"status", "clientCertificateData"}),
                     .key_pem = base::string_at(*parsed, {"status", "clientKeyData"})},
      .expires = std::nullopt};
  const base::http::Credential& given = result.credential;
  if (given.certificate_pem.empty() != given.key_pem.empty())
    return refuse("a client certificate needs its key and the other way");
  if (given.token.empty() && given.certificate_pem.empty())
    return refuse("its answer has neither a token nor a client certificate");
  const std::string expires = base::string_at(*parsed, {"status", "expirationTimestamp"});
  if (expires.empty()) return result;
  const auto time = base::parse_rfc3339(expires);
  if (!time) return refuse("expirationTimestamp is no time");
  result.expires = *time;
  return result;
}

struct ExecCredentials::State {
  State(ExecPlugin given, base::Clock& time) : plugin(std::move(given)), clock(time) {}

  // How long what is known is good for.
  [[nodiscard]] bool lasts(std::chrono::seconds span) const REQUIRES(mutex) {
    return known && (!known->expires || clock.now() + span < *known->expires);
  }
  // What can be said without running the plugin; nullopt: it has to run.
  std::optional<base::Result<base::http::Credential>> answer() REQUIRES(mutex);
  void start() REQUIRES(mutex);
  void finish(base::Result<ExecCredential> given) EXCLUDES(mutex);

  const ExecPlugin plugin;
  base::Clock& clock;
  std::atomic<bool> unwanted = false;
  base::Mutex mutex;
  base::CondVar finished;
  std::optional<ExecCredential> known GUARDED_BY(mutex);
  std::optional<base::Error> failure GUARDED_BY(mutex);
  std::optional<base::SteadyTime> ran GUARDED_BY(mutex);
  bool running GUARDED_BY(mutex) = false;  // all others want what it will say
  std::thread thread;                      // of whoever starts it, under the mutex
};

std::optional<base::Result<base::http::Credential>> ExecCredentials::State::answer() {
  if (lasts(kEarly)) return known->credential;
  const bool rests = ran && clock.steady_now() - *ran < kPause;
  if (rests && failure && !lasts({}))
    return base::Result<base::http::Credential>(base::failure(*failure));
  // A plugin that gives what expires within the minute is not asked for every request either.
  if (rests && known) return known->credential;
  return std::nullopt;
}

void ExecCredentials::State::start() {
  if (thread.joinable()) thread.join();  // it has told all
  thread = base::start_thread("exec-plugin", [this] {
    finish(base::guarded("run an exec plugin", [this] { return run(plugin, unwanted); }));
  });
  running = true;
}

void ExecCredentials::State::finish(base::Result<ExecCredential> given) {
  base::MutexLock lock(mutex);
  ran = clock.steady_now();
  failure.reset();
  if (given)
    known = std::move(*given);
  else
    failure = std::move(given).error();
  running = false;
  finished.notify_all();
}

ExecCredentials::ExecCredentials(ExecPlugin plugin, base::Clock& clock)
    : state_(std::make_unique<State>(std::move(plugin), clock)) {}

ExecCredentials::~ExecCredentials() {
  state_->unwanted = true;
  if (state_->thread.joinable()) state_->thread.join();
}

base::Result<base::http::Credential> ExecCredentials::get(const Wait& wait) {
  State& state = *state_;
  base::Clock& real = base::real_clock();
  const base::SteadyTime until = real.steady_now() + wait.at_most;
  // Before the lock is taken and after it is given back: it takes it itself.
  const std::stop_callback on_stop(wait.stop, [&state] {
    base::MutexLock lock(state.mutex);
    state.finished.notify_all();
  });
  base::MutexLock lock(state.mutex);
  if (!state.running) {
    if (const auto said = state.answer()) return *said;
    state.start();
  }
  if (state.lasts(kNearly)) return state.known->credential;
  while (state.running) {
    if (wait.stop.stop_requested())
      return base::failure(Code::Cancelled,
                           trouble(state.plugin, "is not waited for any more").message);
    if (real.steady_now() >= until) {
      if (state.lasts({})) return state.known->credential;
      return base::failure(trouble(
          state.plugin, "no answer yet after " + std::to_string(wait.at_most.count()) + " ms"));
    }
    real.wait_until(lock, state.finished, until);
  }
  if (state.failure && !state.lasts({})) return base::failure(*state.failure);
  return state.known->credential;
}

void ExecCredentials::reject() {
  State& state = *state_;
  base::MutexLock lock(state.mutex);
  if (!state.known) return;
  // Kept for what comes within the pause, so that a server that refuses everything starts nothing
  // for each request.
  state.known->expires = base::WallTime::min();
}

}  // namespace kube
