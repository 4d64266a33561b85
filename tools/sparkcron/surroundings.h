#pragma once

// What standalone finds on its machine: Spark, Java, the node's name, the user.
//
// Threads: main only.

#include <string>
#include <string_view>

#include "base/result.h"

namespace sparkcron {

// --spark-home, $SPARK_HOME, else the pyspark of a .venv beside the program or in the working
// directory. The folder must have bin/spark-submit. InvalidArgument says what was looked at and
// what to do.
base::Result<std::string> find_spark_home(const std::string& given);

// "4.0.1", by the name of its core library; empty when there is none.
std::string version_of_spark(const std::string& home);

// --java-home, else $JAVA_HOME: must have bin/java. Neither given: the home of the java on PATH,
// or empty when pods find that one themselves, in the folders of `pods_path`, or there is none.
base::Result<std::string> find_java_home(const std::string& given, std::string_view pods_path);
// Whether pods will find a java. NotFound says what to do.
base::Status check_java(const std::string& java_home, std::string_view pods_path);

// The host's name as a node's name: lower case, without what Kubernetes refuses.
std::string node_name();
// Of the process; becomes SPARK_USER.
std::string user_name();
// The path of this program, so that supervisors outlive a replaced working directory.
std::string own_path();

}  // namespace sparkcron
