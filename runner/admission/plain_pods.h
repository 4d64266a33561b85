#pragma once

// Pods of people who call spark-submit themselves, with the annotations of the first Spark operator
// (spark.kubernetes.driver.annotation.…, spark.kubernetes.executor.annotation.…):
//
//   sparkoperator.k8s.io/sparkConfigMap: NAME         at /etc/spark/conf, SPARK_CONF_DIR
//   sparkoperator.k8s.io/hadoopConfigMap: NAME        at /etc/hadoop/conf, HADOOP_CONF_DIR
//   sparkoperator.k8s.io/configMap.NAME: PATH
//   sparkoperator.k8s.io/secret.NAME: PATH
//   sparkoperator.k8s.io/GCPServiceAccount.NAME: PATH  and GOOGLE_APPLICATION_CREDENTIALS
//
// Its later spellings (spark-configmap, hadoop-configmap, configmap.NAME) mean the same. Pods of
// the service's own runs are left alone: they have everything.
//
// Threads: pure.

#include <nlohmann/json.hpp>  // values

#include "base/result.h"

namespace runner::admission {

// The pod with what its annotations ask for; as it came if they ask for nothing, or for what is
// there already. InvalidArgument: `metadata.annotations[sparkoperator.k8s.io/secret.x] must be …`.
base::Result<nlohmann::json> with_annotated_volumes(nlohmann::json pod);

}  // namespace runner::admission
