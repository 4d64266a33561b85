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
  void none() { armed_ = acting_ = applications_act_ = false; }
  // Only what the schedule controller asks for passes the webhook …
  void schedules_act() { acting_ = true; }
  // … and only pods of the application controller meet what is in the way of drivers.
  void applications_act() { applications_act_ = true; }
  // Runs `act` just before the next creation: a replica that has lost its lease unknowingly.
  void before_next_create(std::function<void()> act) { intruder_ = std::move(act); }
  // The same for the next status.
  void before_next_status(std::function<void()> act) { overtaker_ = std::move(act); }
  // A webhook that refuses, at every try, to let runs be created or the status of schedules be
  // written, until it is mended.
  enum class Webhook { None, RefusesRuns, RefusesStatus };
  void set_webhook(Webhook webhook) { webhook_ = webhook; }
  // What keeps drivers from being made, at every try, until it is gone: nothing is wrong with them.
  enum class Drivers { Welcome, OverQuota, WebhookDown, Throttled };
  void set_drivers(Drivers drivers) { drivers_ = drivers; }
  // Told of every call that has been performed.
  std::function<void(const tests::ApiCall&)> performed;
  std::function<void(const std::string&)> recorded;

 private:
  enum class Kind { CrashBefore, CrashAfter, FailBefore, FailAfter };
  std::optional<base::Error> before();
  void let_act(std::function<void()>& other);
  std::optional<base::Error> refused(const tests::ApiCall& call) const;
  std::optional<base::Error> refused_driver(const tests::ApiCall& call) const;
  std::optional<base::Error> after();
  base::Error error();

  Random& random_;
  bool armed_ = false;
  bool acting_ = false;
  bool applications_act_ = false;
  Webhook webhook_ = Webhook::None;
  Drivers drivers_ = Drivers::Welcome;
  Kind kind_ = Kind::CrashBefore;
  uint32_t calls_left_ = 0;
  std::function<void()> intruder_;
  std::function<void()> overtaker_;
};

}  // namespace simulation
