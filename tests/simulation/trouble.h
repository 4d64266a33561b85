#pragma once

// Trouble: what goes wrong during one step of a controller. Installed around the API and the
// recorder, it counts their calls and ends the process, fails a call or lets the other replica act
// at the one that was drawn.

#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "tests/simulation/random.h"
#include "tests/support/fake_api.h"
#include "tests/support/memory_recorder.h"

namespace simulation {

// The process ends here: nothing after the call happens, and nothing in memory survives.
struct Crash {};

class Trouble {
 public:
  Trouble(tests::FakeApi& api, tests::MemoryRecorder& recorder, Random& random);

  // Draws what will go wrong in the next step; in four of five steps nothing does.
  void draw();
  void none() { armed_ = false; }
  // Runs `act` just before the next creation: a replica that has lost its lease unknowingly.
  void before_next_create(std::function<void()> act) { intruder_ = std::move(act); }
  // Told of every call that has been performed.
  std::function<void(const tests::ApiCall&)> performed;
  std::function<void(const std::string&)> recorded;

 private:
  enum class Kind { CrashBefore, CrashAfter, FailBefore, FailAfter };
  std::optional<base::Error> before(bool creating);
  std::optional<base::Error> after();
  base::Error error();

  Random& random_;
  bool armed_ = false;
  Kind kind_ = Kind::CrashBefore;
  uint32_t calls_left_ = 0;
  std::function<void()> intruder_;
};

}  // namespace simulation
