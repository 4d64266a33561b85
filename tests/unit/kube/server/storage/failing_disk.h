#pragma once

// FailingDisk: while it lives, SQLite's files go through it, and their syncs can be made to fail.

#include <atomic>
#include <map>
#include <memory>

#include <sqlite3.h>

namespace tests {

class FailingDisk {
 public:
  FailingDisk();
  ~FailingDisk();
  FailingDisk(const FailingDisk&) = delete;
  FailingDisk& operator=(const FailingDisk&) = delete;

  void fail_syncs(bool fail) { failing_ = fail; }
  [[nodiscard]] int failed_syncs() const { return failed_; }

 private:
  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out);
  static int sync(sqlite3_file* file, int flags);

  static inline FailingDisk* current_ = nullptr;
  sqlite3_vfs* const real_;
  sqlite3_vfs vfs_;
  // A copy of each table of methods that SQLite gives its files, with another sync.
  struct Methods {
    sqlite3_io_methods ours{};
    const sqlite3_io_methods* real = nullptr;
  };
  std::map<const sqlite3_io_methods*, std::unique_ptr<Methods>> methods_;
  std::atomic<bool> failing_ = false;
  std::atomic<int> failed_ = 0;
};

}  // namespace tests
