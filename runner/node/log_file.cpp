#include "runner/node/log_file.h"

#include <cerrno>
#include <cstdio>

#include <fcntl.h>
#include <sys/stat.h>

#include "runner/node/log_format.h"

namespace runner::node {
namespace {

FileDescriptor open_log(const std::string& path, int flags) {
  return FileDescriptor(
      ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0600));
}

}  // namespace

base::Result<LogFile> LogFile::open(const std::string& path, uint64_t limit) {
  FileDescriptor file = open_log(path, 0);
  struct stat info{};
  if (!file.valid() || ::fstat(file.get(), &info) != 0)
    return base::failure(system_error("open log " + path, errno));
  return LogFile(path, limit, std::move(file), static_cast<uint64_t>(info.st_size));
}

void LogFile::append(std::string_view output, base::WallTime at) {
  const std::string text = format_records(output, at);
  if (size_ + text.size() > limit_ && size_ > 0) rotate(at);
  if (dropped_ > 0) {
    const std::string note = format_records(
        "\n[" + std::to_string(dropped_) + " bytes of output could not be written]\n", at);
    if (!write_all(file_.get(), note)) {
      dropped_ += text.size();
      return;
    }
    size_ += note.size();
    dropped_ = 0;
  }
  if (!write_all(file_.get(), text)) dropped_ += text.size();
  size_ += text.size();
}

void LogFile::rotate(base::WallTime at) {
  if (std::rename(path_.c_str(), (path_ + ".1").c_str()) != 0) return;
  FileDescriptor fresh = open_log(path_, O_TRUNC);
  if (!fresh.valid()) return;
  file_ = std::move(fresh);
  const std::string note = format_records("[the log reached " + std::to_string(limit_) +
                                              " bytes and was rotated: older output is gone]\n",
                                          at);
  size_ = write_all(file_.get(), note) ? note.size() : 0;
}

}  // namespace runner::node
