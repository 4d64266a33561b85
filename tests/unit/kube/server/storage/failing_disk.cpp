#include "tests/unit/kube/server/storage/failing_disk.h"

namespace tests {

FailingDisk::FailingDisk() : real_(sqlite3_vfs_find(nullptr)), vfs_(*real_) {
  current_ = this;
  vfs_.zName = "failing";
  vfs_.pNext = nullptr;
  vfs_.xOpen = &FailingDisk::open;
  sqlite3_vfs_register(&vfs_, 1);
}

FailingDisk::~FailingDisk() {
  sqlite3_vfs_unregister(&vfs_);
  sqlite3_vfs_register(real_, 1);
  current_ = nullptr;
}

int FailingDisk::open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
  FailingDisk& disk = *current_;
  const int opened = disk.real_->xOpen(disk.real_, name, file, flags, out);
  if (opened != SQLITE_OK || file->pMethods == nullptr) return opened;
  auto& methods = disk.methods_[file->pMethods];
  if (!methods) {
    methods = std::make_unique<Methods>();
    methods->ours = *file->pMethods;
    methods->ours.xSync = &FailingDisk::sync;
    methods->real = file->pMethods;
  }
  file->pMethods = &methods->ours;
  return opened;
}

int FailingDisk::sync(sqlite3_file* file, int flags) {
  FailingDisk& disk = *current_;
  if (disk.failing_) {
    ++disk.failed_;
    return SQLITE_IOERR_FSYNC;
  }
  for (const auto& [real, methods] : disk.methods_) {
    if (&methods->ours == file->pMethods) return real->xSync(file, flags);
  }
  return SQLITE_IOERR_FSYNC;
}

}  // namespace tests
