#pragma once

// Trash: folders that are no longer needed go at once by a rename, and their content is removed on
// a thread of its own: a pod that left a million files does not keep the others waiting. What a
// crash leaves in it goes at the next start.
//
// Threads: put() from any.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <thread>

#include "base/mutex.h"
#include "base/result.h"

namespace runner::node {

class Trash {
 public:
  // `folder` is made; it must be on the same file system as what is put in.
  static base::Result<std::unique_ptr<Trash>> open(std::filesystem::path folder);
  // Waits for the removal under way.
  ~Trash();
  Trash(const Trash&) = delete;
  Trash& operator=(const Trash&) = delete;

  // After it `path` is free. A path that does not exist is in the trash already.
  base::Status put(const std::filesystem::path& path);

 private:
  explicit Trash(std::filesystem::path folder);
  void loop();

  const std::filesystem::path folder_;
  base::Mutex mutex_;
  base::CondVar changed_;
  bool filled_ GUARDED_BY(mutex_) = true;  // perhaps by an earlier service
  bool stopping_ GUARDED_BY(mutex_) = false;
  uint64_t count_ GUARDED_BY(mutex_) = 0;
  std::thread thread_;
};

}  // namespace runner::node
