#include "runner/node/paths.h"

#include "tests/support/catch.h"

namespace {

runner::node::PathMap map() {
  runner::node::PathMap paths;
  paths.add("/opt/spark", "/home/u/spark");
  paths.add("/opt/spark/conf", "/pod/conf");
  paths.add("/data", "/pod/data");
  paths.add("/etc/krb5.conf", "/pod/krb/krb5.conf");
  return paths;
}

}  // namespace

TEST_CASE("paths are rewritten where they begin and on folder boundaries") {
  struct Case {
    std::string_view name;
    std::string_view text;
    std::string_view rewritten;
  };
  const Case cases[] = {
      {.name = "whole", .text = "/opt/spark", .rewritten = "/home/u/spark"},
      {.name = "below", .text = "/opt/spark/jars", .rewritten = "/home/u/spark/jars"},
      {.name = "longest first", .text = "/opt/spark/conf/x", .rewritten = "/pod/conf/x"},
      {.name = "not a boundary", .text = "/opt/sparkling", .rewritten = "/opt/sparkling"},
      {.name = "not a boundary, dash", .text = "/data-old", .rewritten = "/data-old"},
      {.name = "conf.d is no conf",
       .text = "/opt/spark/conf.d",
       .rewritten = "/home/u/spark/conf.d"},
      {.name = "below another folder", .text = "/srv/data", .rewritten = "/srv/data"},
      {.name = "local uri",
       .text = "local:///opt/spark/x.py",
       .rewritten = "local:///home/u/spark/x.py"},
      {.name = "file uri", .text = "file:/data/x", .rewritten = "file:/pod/data/x"},
      {.name = "bucket", .text = "s3a://bucket/data/x", .rewritten = "s3a://bucket/data/x"},
      {.name = "other file system", .text = "hdfs:///data/x", .rewritten = "hdfs:///data/x"},
      {.name = "other file system, one slash", .text = "hdfs:/data", .rewritten = "hdfs:/data"},
      {.name = "list",
       .text = "/data/a,local:///data/b",
       .rewritten = "/pod/data/a,local:///pod/data/b"},
      {.name = "class path", .text = "/data/a:/data/b", .rewritten = "/pod/data/a:/pod/data/b"},
      {.name = "assignment",
       .text = "-Dx=/data/y -Dz=\"/opt/spark/q\"",
       .rewritten = "-Dx=/pod/data/y -Dz=\"/home/u/spark/q\""},
      {.name = "a file mounted",
       .text = "-Dk=/etc/krb5.conf",
       .rewritten = "-Dk=/pod/krb/krb5.conf"},
      {.name = "one pass: what was put in is not rewritten again",
       .text = "/data/data",
       .rewritten = "/pod/data/data"},
      {.name = "double slash", .text = "/x//data", .rewritten = "/x//data"},
      {.name = "empty", .text = "", .rewritten = ""},
  };
  for (const Case& c : cases) {
    DYNAMIC_SECTION(c.name) {
      CHECK(map().rewrite(c.text) == c.rewritten);
    }
  }
}

TEST_CASE("spark.properties: values are rewritten, what is the executors' own is not") {
  const std::string rewritten = map().rewrite_properties(
      "# a comment\n"
      "spark.jars=local\\:///opt/spark/jars/a.jar\n"
      "spark.kubernetes.executor.podTemplateFile=/data/t.yml\n"
      "spark.kubernetes.executor.volumes.hostPath.d.mount.path=/data\n"
      "spark.executor.extraJavaOptions=-Dx\\=/opt/spark/conf/y\n"
      "spark.executorEnv.D=/data\n");
  CHECK(rewritten ==
        "spark.executor.extraJavaOptions=-Dx\\=/opt/spark/conf/y\n"
        "spark.executorEnv.D=/data\n"
        "spark.jars=local\\:///home/u/spark/jars/a.jar\n"
        "spark.kubernetes.executor.podTemplateFile=/pod/data/t.yml\n"
        "spark.kubernetes.executor.volumes.hostPath.d.mount.path=/data\n");
}
