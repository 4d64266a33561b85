#include "tools/sparkcron/ledger_loss.h"

#include <utility>

namespace sparkcron {

void LedgerLoss::follow(Controllers& controllers) {
  base::MutexLock lock(mutex_);
  controllers_ = &controllers;
}

void LedgerLoss::say_by(kube::EventRecorder& events, nlohmann::json regarding) {
  base::MutexLock lock(mutex_);
  events_ = &events;
  regarding_ = std::move(regarding);
  if (!unsaid_.empty()) say(std::exchange(unsaid_, {}));
}

void LedgerLoss::stop() {
  base::MutexLock lock(mutex_);
  stopped_ = true;
  controllers_ = nullptr;
  events_ = nullptr;
}

void LedgerLoss::told(const std::string& what) {
  base::MutexLock lock(mutex_);
  if (stopped_) return;
  if (controllers_ != nullptr) controllers_->look_again();
  if (events_ != nullptr)
    say(what);
  else
    unsaid_ = what;
}

void LedgerLoss::say(const std::string& what) {
  events_->record(regarding_, kube::EventType::Warning, "LedgerBegunAnew", "Recording", what);
}

}  // namespace sparkcron
