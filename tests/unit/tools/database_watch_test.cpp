#include "tools/sparkcron/database_watch.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/support/await.h"
#include "tests/support/catch.h"
#include "tests/support/fake_clock.h"
#include "tests/support/folder.h"

namespace sparkcron {
namespace {

using std::chrono::seconds;

// The log goes to a file while this lives.
class LogFile {
 public:
  LogFile() {
    base::set_log_level(base::LogLevel::Info);
    const int file = ::open(path().c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    REQUIRE(file >= 0);
    saved_ = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    ::dup2(file, STDERR_FILENO);
    ::close(file);
  }
  ~LogFile() {
    base::flush_log(seconds(60));
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
    base::set_log_level(base::LogLevel::Off);
  }
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;

  [[nodiscard]] size_t lines_with(const std::string& text) const {
    REQUIRE(base::flush_log(seconds(60)));
    std::ifstream file(path());
    size_t count = 0;
    for (std::string line; std::getline(file, line);)
      if (line.find(text) != std::string::npos) ++count;
    return count;
  }

 private:
  [[nodiscard]] std::string path() const { return (folder_.path() / "log").string(); }

  tests::Folder folder_;
  int saved_ = -1;
};

TEST_CASE("a database that is gone is said at once and every ten minutes") {
  const LogFile log;
  tests::FakeClock clock;
  std::atomic<bool> gone{false};
  std::atomic<int> looks{0};
  const DatabaseWatch watch({.missing = [&]() -> base::Status {
                               ++looks;
                               if (!gone) return {};
                               return base::failure(base::Code::NotFound, "api.db was removed");
                             },
                             .try_write = [] {}},
                            clock);
  // Half a minute: one look.
  const auto look = [&](int times) {
    for (int i = 0; i < times; ++i) {
      clock.await_waiters(1);
      const int next = looks + 1;
      clock.advance(seconds(30));
      REQUIRE(tests::await([&] { return looks == next; }));
      clock.await_waiters(1);  // and has said what it saw
    }
  };
  const auto complaints = [&] { return log.lines_with("api.db was removed"); };
  look(3);
  CHECK(looks == 3);
  CHECK(complaints() == 0);
  gone = true;
  look(1);
  CHECK(complaints() == 1);
  look(20);
  CHECK(complaints() == 1);
  look(1);
  CHECK(complaints() == 2);
  // Back, and gone again: news.
  gone = false;
  look(1);
  gone = true;
  look(1);
  CHECK(complaints() == 3);
  CHECK(looks == 27);
}

TEST_CASE("what the disk refused is tried again every half minute, whatever else is wrong") {
  const LogFile log;
  tests::FakeClock clock;
  std::atomic<int> tries{0};
  const DatabaseWatch watch({.missing = []() -> base::Status {
                               return base::failure(base::Code::NotFound, "api.db was removed");
                             },
                             .try_write = [&] { ++tries; }},
                            clock);
  for (int look = 1; look <= 3; ++look) {
    clock.await_waiters(1);
    clock.advance(seconds(29));
    clock.await_waiters(1);
    CHECK(tries == look - 1);
    clock.advance(seconds(1));
    CHECK(tests::await([&] { return tries == look; }));
  }
}

TEST_CASE("a watch that ends does not wait for its next look") {
  tests::FakeClock clock;  // stands still
  std::atomic<int> looks{0};
  {
    const DatabaseWatch watch({.missing = {}, .try_write = [&] { ++looks; }}, clock);
    clock.await_waiters(1);
  }
  CHECK(looks == 0);
}

}  // namespace
}  // namespace sparkcron
