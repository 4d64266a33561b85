#include "tools/sparkctl/help_texts.h"

namespace sparkctl {

const char* const kExamples =
    "Examples:\n"
    "  sparkctl list -A                      all schedules, with their next run\n"
    "  sparkctl describe nightly-etl         what it did, what it will do, and why\n"
    "  sparkctl create -f nightly-etl.yaml\n"
    "  sparkctl trigger nightly-etl --wait   a run by hand; exit code 7 if it fails\n"
    "  sparkctl logs -f nightly-etl          the newest run's driver\n"
    "  sparkctl history nightly-etl          all its runs, those long pruned too\n"
    "  sparkctl why nightly-etl --at 02:00   why that slot ran, or did not\n"
    "  sparkctl timeline -A                  the next 24 hours\n"
    "  sparkctl render -f app.yaml           what a submission would create; no cluster needed\n"
    "  sparkctl history -A --failed --since 12h\n"
    "  sparkctl cron next '0 2 * * MON-FRI' --zone Europe/Berlin\n\n"
    "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 not found, 4 not allowed,\n"
    "5 refused by the API, 6 the API does not answer, 7 the triggered run failed,\n8 no "
    "kubeconfig.";

const char* const kRenderExamples =
    "Examples:\n"
    "  sparkctl render -f app.yaml                     the objects, as kubectl takes them\n"
    "  sparkctl render -f app.yaml -o json | jq '.items[].kind'\n"
    "  sparkctl render -f app.yaml --as-conf           the spark-submit that does the same\n"
    "  sparkctl render -f nightly.yaml --at 2026-03-08T07:00:00Z\n"
    "                                                  the run of that slot, and its objects\n"
    "  sparkctl render --spark-submit --spark-version 3.5.8 -- --master k8s://https://k8s:6443 \\\n"
    "    --deploy-mode cluster --conf spark.kubernetes.container.image=spark:3.5.8 \\\n"
    "    --class Main local:///opt/app.jar 10\n\n"
    "Nothing is sent anywhere. Exit codes: 0 rendered, 2 wrong usage, 3 no such file, 5 refused:\n"
    "nothing is written then, and the reason says where.";

namespace {

struct Example {
  std::string_view command;
  std::string_view text;
};
constexpr Example kExamplesOf[] = {
    {"list", "sparkctl list -A\n  sparkctl list runs nightly-etl --watch\n  sparkctl list -o json"},
    {"get", "sparkctl get nightly-etl -o yaml\n  sparkctl get nightly-etl-20261120t010000z -w"},
    {"describe", "sparkctl describe nightly-etl"},
    {"status", "sparkctl status nightly-etl-20261120t010000z"},
    {"create",
     "sparkctl create -f nightly-etl.yaml\n  cat *.yaml | sparkctl create -f -\n"
     "  sparkctl create etl-once --from nightly-etl     a run of its template, beside the "
     "schedule\n"
     "  sparkctl create -f job.yaml --upload            mainApplicationFile: job.py\n"
     "  sparkctl create -f job.yaml --upload-to s3://artifacts/spark\n"
     "  sparkctl create -f job.yaml --upload-to s3://artifacts --upload-endpoint "
     "http://minio:9000\n"
     "  sparkctl create -f job.yaml --upload-to /srv/spark-files\n\n"
     "--upload sends the files of this machine that mainApplicationFile and deps.jars, files,\n"
     "pyFiles and archives name: plain paths, from the manifest's folder, and file: URIs. Up to\n"
     "1 MiB each goes into ConfigMaps, which go with the last object that uses them; a bucket\n"
     "takes more, and Spark reads it as s3a:// with credentials of its own; a folder is for a\n"
     "service on the same machine. What was sent once is not sent again. When a file is missing "
     "or\n"
     "too large, nothing is sent and nothing is created."},
    {"delete", "sparkctl delete nightly-etl"},
    {"suspend", "sparkctl list -o name | xargs sparkctl suspend"},
    {"resume", "sparkctl resume nightly-etl"},
    {"stop", "sparkctl stop nightly-etl-20261120t010000z"},
    {"retry", "sparkctl retry nightly-etl-20261120t010000z"},
    {"trigger", "sparkctl trigger nightly-etl --wait --timeout 3600"},
    {"history", "sparkctl history nightly-etl\n  sparkctl history -A --failed --since 12h"},
    {"events", "sparkctl events nightly-etl -f"},
    {"why",
     "sparkctl why nightly-etl\n  sparkctl why nightly-etl --at 02:00\n"
     "  sparkctl why nightly-etl --at 2026-11-20T01:00:00Z"},
    {"timeline",
     "sparkctl timeline -A\n  sparkctl timeline --for 7d --zone Europe/Berlin\n\n"
     "TAKES is the median of the runs that completed."},
    {"forward",
     "sparkctl forward nightly-etl\n  sparkctl forward nightly-etl-20261120t010000z --port 0\n\n"
     "On a cluster it goes through the API server's proxy of the pod and takes the right to get\n"
     "pods/proxy."},
    {"logs",
     "sparkctl logs -f nightly-etl\n  sparkctl logs nightly-etl-20261120t010000z --tail 50\n"
     "  sparkctl logs nightly-etl --previous            the attempt before the last\n"
     "  sparkctl logs nightly-etl --grep ERROR --since 1h\n"
     "  sparkctl logs nightly-etl -e 1                  of executor 1"},
    {"version", "sparkctl version --client"},
    {"completion",
     "source <(sparkctl completion bash)\n  source <(sparkctl completion zsh)\n"
     "  sparkctl completion fish | source"},
};

}  // namespace

std::string footer_of(std::string_view command) {
  std::string text;
  for (const Example& one : kExamplesOf)
    if (one.command == command) text = "Examples:\n  " + std::string(one.text) + "\n\n";
  return text +
         "Of every command: --kubeconfig FILE, --context NAME, -n/--namespace NAME,\n"
         "-A/--all-namespaces, -o/--output FORMAT, --history-service NAMESPACE/NAME;\n"
         "sparkctl --help explains them.";
}

}  // namespace sparkctl
