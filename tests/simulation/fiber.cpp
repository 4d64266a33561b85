#include "tests/simulation/fiber.h"

#include <utility>

namespace simulation {

Fiber::Fiber(std::function<void(Fiber&)> work)
    : thread_([this, work = std::move(work)] {
        turn_.acquire();
        try {
          if (!killed_) work(*this);
        } catch (const Killed&) {
        }
        ended_ = true;
        back_.release();
      }) {}

Fiber::~Fiber() {
  killed_ = true;
  if (!ended_) resume();
  thread_.join();
}

void Fiber::resume() {
  turn_.release();
  back_.acquire();
}

void Fiber::pause() {
  back_.release();
  turn_.acquire();
  if (killed_) throw Killed{};
}

}  // namespace simulation
