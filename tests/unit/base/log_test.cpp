#include "base/log.h"

#include <array>
#include <csignal>
#include <string>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/log_writer.h"
#include "tests/support/catch.h"

namespace {

using namespace std::chrono_literals;

// A pipe that nobody reads until somebody does.
class Pipe {
 public:
  Pipe() { REQUIRE(::pipe2(ends_.data(), O_CLOEXEC) == 0); }
  ~Pipe() {
    close_reader();
    close_writer();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  [[nodiscard]] int writer() const { return ends_[1]; }
  void close_reader() { close_end(ends_[0]); }
  void close_writer() { close_end(ends_[1]); }
  // What is there, if anything is; never waits.
  void drain() {
    std::array<char, 4096> part{};
    pollfd readable{.fd = ends_[0], .events = POLLIN, .revents = 0};
    while (::poll(&readable, 1, 0) > 0 && ::read(ends_[0], part.data(), part.size()) > 0) {
    }
  }
  std::string read_until(const std::string& mark) {
    std::string text;
    std::array<char, 4096> part{};
    while (text.find(mark) == std::string::npos) {
      const ssize_t got = ::read(ends_[0], part.data(), part.size());
      if (got <= 0) break;
      text.append(part.data(), static_cast<size_t>(got));
    }
    return text;
  }

 private:
  static void close_end(int& end) {
    if (end >= 0) ::close(end);
    end = -1;
  }
  std::array<int, 2> ends_{-1, -1};
};

TEST_CASE("a full pipe drops lines and stops nobody") {
  Pipe pipe;
  // Less than the queue alone holds: full however seldom the writing thread runs.
  REQUIRE(::fcntl(pipe.writer(), F_SETPIPE_SZ, 4096) > 0);
  base::LogWriter* self = nullptr;
  base::LogWriter writer({.fd = pipe.writer(), .max_bytes = 100'000, .on_dropped = [&](uint64_t n) {
                            self->push("lost " + std::to_string(n) + "!\n");
                          }});
  self = &writer;
  const std::string line = std::string(99, 'x') + "\n";
  // Far more than pipe and queue hold: would wait for ever if push() did.
  for (int i = 0; i < 20'000; ++i)
    writer.push(line);
  CHECK(writer.dropped() > 10'000);
  CHECK_FALSE(writer.flush(10ms));
  // Once somebody reads, the rest comes, and how much is missing.
  const std::string text = pipe.read_until("!");
  CHECK_THAT(text, Catch::Contains("lost "));
  while (!writer.flush(1ms))
    pipe.drain();
}

TEST_CASE("a reader that has gone costs lines and nothing else") {
  ::signal(SIGPIPE, SIG_IGN);
  Pipe pipe;
  base::LogWriter writer({.fd = pipe.writer(), .on_dropped = {}});
  pipe.close_reader();
  writer.push("nobody\n");
  CHECK(writer.flush(10s));
  CHECK(writer.dropped() == 1);
}

TEST_CASE("lines arrive in order and flush waits for them") {
  Pipe pipe;
  base::LogWriter writer({.fd = pipe.writer(), .on_dropped = {}});
  for (const char* line : {"one\n", "two\n", "three\n"})
    writer.push(line);
  CHECK(writer.flush(10s));
  CHECK(pipe.read_until("three\n") == "one\ntwo\nthree\n");
  CHECK(writer.dropped() == 0);
}

TEST_CASE("the log itself goes on when standard error is a full pipe") {
  base::flush_log(10s);
  const int standard_error = ::dup(STDERR_FILENO);
  Pipe pipe;
  ::dup2(pipe.writer(), STDERR_FILENO);
  const std::string value(1'000, 'v');
  const uint64_t before = base::dropped_log_lines();
  for (int i = 0; i < 10'000; ++i)
    base::log_info("test", "Said something", {{"value", value}});
  CHECK(base::dropped_log_lines() > before);
  const std::string text = pipe.read_until("Dropped log lines");
  CHECK_THAT(text, Catch::Contains("[test] Said something value=vvv"));
  CHECK_THAT(text, Catch::Contains("warning [base] Dropped log lines"));
  while (!base::flush_log(1ms))
    pipe.drain();
  ::dup2(standard_error, STDERR_FILENO);
  ::close(standard_error);
}

}  // namespace
