#include "tools/sparkcron/ledger_loss.h"

#include <utility>

#include <nlohmann/json.hpp>

namespace sparkcron {

void LedgerLoss::follow(Controllers& controllers) {
  base::MutexLock lock(mutex_);
  controllers_ = &controllers;
}

void LedgerLoss::say_by(kube::EventRecorder& events, std::string node) {
  base::MutexLock lock(mutex_);
  events_ = &events;
  node_ = std::move(node);
}

void LedgerLoss::stop() {
  base::MutexLock lock(mutex_);
  controllers_ = nullptr;
  events_ = nullptr;
}

void LedgerLoss::told(const std::string& what) {
  base::MutexLock lock(mutex_);
  if (controllers_ == nullptr) return;
  controllers_->look_again();
  if (events_ == nullptr) return;
  events_->record({{"apiVersion", "v1"}, {"kind", "Node"}, {"metadata", {{"name", node_}}}},
                  kube::EventType::Warning, "LedgerBegunAnew", "Recording", what);
}

}  // namespace sparkcron
