#pragma once

// The service's log: one line per event on standard error, as text or JSON. Messages are
// capitalised, past tense, without a final period ("Created SparkApplication"); what varies goes
// into fields, so that it can be searched. Secrets never get here.
//
// Threads: any thread, any time. Lines are never interleaved.

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
