#pragma once

// The service's log: one line per event on standard error, as text or JSON. Messages are
// capitalised, past tense, without a final period ("Created SparkApplication"); what varies goes
// into fields, so that it can be searched. Secrets never get here.
//
// Logging never waits for who reads it: a pipe that is full, a terminal that has gone or a full
// disk costs lines, not runs. What was dropped is counted, and said once lines get through again
// ("Dropped log lines"); see log_writer.h. At an orderly exit, and before CHECK aborts, what is
// queued is written, if that is possible within a moment.
//
// Threads: any thread, any time. Lines are never interleaved.

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

namespace base {

enum class LogLevel { Debug, Info, Warning, Error, Off };
enum class LogFormat { Text, Json };

struct LogField {
  std::string_view key;
  std::string value;
};

// Call once at start; the default is Text at Info. The level may be changed later at any time.
void configure_log(LogFormat format, LogLevel level);
void set_log_level(LogLevel level);
// Before an end without exit handlers. False: not everything was written in time.
bool flush_log(std::chrono::milliseconds at_most);
// Lines lost since the start.
uint64_t dropped_log_lines();

// `component` is the folder that speaks: "runner", "kube/server".
void log(LogLevel level, std::string_view component, std::string_view message,
         std::initializer_list<LogField> fields = {});

inline void log_debug(std::string_view component, std::string_view message,
                      std::initializer_list<LogField> fields = {}) {
  log(LogLevel::Debug, component, message, fields);
}
inline void log_info(std::string_view component, std::string_view message,
                     std::initializer_list<LogField> fields = {}) {
  log(LogLevel::Info, component, message, fields);
}
inline void log_warning(std::string_view component, std::string_view message,
                        std::initializer_list<LogField> fields = {}) {
  log(LogLevel::Warning, component, message, fields);
}
inline void log_error(std::string_view component, std::string_view message,
                      std::initializer_list<LogField> fields = {}) {
  log(LogLevel::Error, component, message, fields);
}

}  // namespace base
