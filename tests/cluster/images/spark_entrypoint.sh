#!/bin/bash
# What Spark expects of an image on Kubernetes: `driver ...` runs spark-submit in client mode on the pod's own address,
# `executor ...` runs the executor's backend, which is told everything by environment variables.
set -e
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
class_path=$SPARK_HOME/jars/*
class_path=${SPARK_EXTRA_CLASSPATH:+$SPARK_EXTRA_CLASSPATH:}$class_path
class_path=${HADOOP_CONF_DIR:+$HADOOP_CONF_DIR:}$class_path
class_path=${SPARK_CONF_DIR:-$SPARK_HOME/conf}:$class_path

# Options of the JVM come as SPARK_JAVA_OPT_0, SPARK_JAVA_OPT_1, ...
options=()
for ((i = 0; ; i++)); do
  name=SPARK_JAVA_OPT_$i
  [[ -v $name ]] || break
  options+=("${!name}")
done

role=$1
shift
case $role in
  driver)
    command=("$SPARK_HOME/bin/spark-submit" --deploy-mode client
      --conf "spark.driver.bindAddress=$SPARK_DRIVER_BIND_ADDRESS"
      --conf "spark.executorEnv.SPARK_DRIVER_POD_IP=$SPARK_DRIVER_BIND_ADDRESS" "$@")
    ;;
  executor)
    command=("$java" "${options[@]}" "-Xms$SPARK_EXECUTOR_MEMORY" "-Xmx$SPARK_EXECUTOR_MEMORY" -cp "$class_path"
      org.apache.spark.scheduler.cluster.k8s.KubernetesExecutorBackend
      --driver-url "$SPARK_DRIVER_URL" --executor-id "$SPARK_EXECUTOR_ID" --cores "$SPARK_EXECUTOR_CORES"
      --app-id "$SPARK_APPLICATION_ID" --hostname "$SPARK_EXECUTOR_POD_IP"
      --resourceProfileId "$SPARK_RESOURCE_PROFILE_ID" --podName "$SPARK_EXECUTOR_POD_NAME")
    ;;
  *) command=("$role" "$@") ;;
esac
exec /usr/bin/tini -s -- "${command[@]}"
