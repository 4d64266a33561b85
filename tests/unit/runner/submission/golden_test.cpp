#include "tests/support/catch.h"
#include "tests/unit/runner/submission/recording.h"

using namespace runner::submission::test;

namespace {

// Recorded with both versions, in the order of the feature steps.
constexpr const char* kBothVersions[] = {
    "default_java",
    "default_java_main_http_query",
    "default_java_main_https",
    "default_namespace",
    "default_pod_name",
    "default_python",
    "default_python_main_https",
    "default_service_account",
    "default_spark_internal",
    "default_unnamed_java",
    "default_unnamed_python",
    "name_accents",
    "name_cjk",
    "name_from_conf",
    "name_label_63_hyphen",
    "name_leading_digit",
    "name_long",
    "name_punctuation",
    "name_service_63",
    "name_spaces_around",
    "name_spark",
    "name_trailing_hyphens",
    "name_underscores",
    "image_driver_and_executor",
    "image_pull_secrets",
    "image_version_placeholder",
    "ports_all",
    "ports_block_manager",
    "ports_connect",
    "ports_ui",
    "env_plain",
    "env_secret_key_ref",
    "env_secret_key_refs",
    "env_secrets_mounted",
    "env_spark_user",
    "cores_driver",
    "cores_limit",
    "cores_request",
    "cores_request_fraction_limit",
    "memory_executor_settings",
    "memory_factor_above_one",
    "memory_factor_both",
    "memory_factor_new",
    "memory_factor_old",
    "memory_factor_zero",
    "memory_flags",
    "memory_java_1t",
    "memory_java_512m",
    "memory_java_8g",
    "memory_java_bare_2048",
    "memory_java_mb",
    "memory_java_spaces",
    "memory_java_upper",
    "memory_minimum_overhead",
    "memory_minimum_overhead_python",
    "memory_overhead_bare",
    "memory_overhead_explicit",
    "memory_overhead_explicit_below_minimum",
    "memory_python_2g",
    "memory_python_factor_new",
    "memory_python_factor_old",
    "memory_r_4g",
    "gpu_driver",
    "gpu_executor_only",
    "labels_annotations",
    "labels_annotations_yunikorn",
    "labels_app_id",
    "labels_plain",
    "labels_reserved",
    "labels_reserved_role",
    "credentials_files",
    "service_dual_stack",
    "service_ipv6",
    "service_metadata",
    "volume_empty_dir",
    "volume_empty_dir_size_only",
    "volume_empty_dir_sized",
    "volume_error_duplicate_mount_path",
    "volume_error_sub_path_and_expr",
    "volume_error_unknown_type",
    "volume_host_path",
    "volume_host_path_type",
    "volume_local_dir",
    "volume_local_dir_pvc_on_demand",
    "volume_nfs",
    "volume_pvc",
    "volume_pvc_labelled",
    "volume_pvc_on_demand",
    "volume_pvc_on_demand_two",
    "volume_sub_path",
    "python_interpreter_conf",
    "python_main_s3a",
    "arguments_odd",
    "proxy_user",
    "hadoop_both",
    "hadoop_config_map",
    "kerberos_krb5_config_map",
    "kerberos_token_secret",
    "template_both",
    "template_sidecars",
    "template_volumes_projected",
    "template_without_containers",
    "local_dirs_environment",
    "local_dirs_one",
    "local_dirs_three",
    "local_dirs_tmpfs",
    "properties_escaping",
    "properties_file",
    "properties_keys",
    "properties_not_spark",
    "properties_own_keys",
    "properties_variables_plain",
    "conf_folder",
    "deps_class_paths",
    "deps_local_scheme",
    "deps_main_listed_twice",
    "deps_main_s3a",
    "deps_packages",
    "deps_remote",
    "operator_java",
    "operator_scheduled_run",
    "operator_volumes_ui",
    "dynamic_allocation",
    "steps_excluded",
    "error_bind_address",
    "error_local_file",
    "error_memory_fraction",
    "error_missing_image",
    "error_no_main_class",
};

// Recorded with 4.0.1 only, or different on purpose in 3.5.8 (below).
constexpr const char* kOnly401[] = {
    "image_pull_policy_bad",
    "select_node",
    "select_node_driver",
    "select_scheduler_both",
    "select_scheduler_driver",
    "credentials_mounted",
    "volume_all_types",
    "volume_error_missing_claim_name",
    "volume_error_missing_nfs_server",
    "volume_executor_only",
    "volume_local_dir_two",
    "python_interpreter_environment",
    "python_jars",
    "python_py_files_local",
    "arguments_shell_like",
    "proxy_user_python",
    "kerberos_keytab_in_image",
    "kerberos_krb5_both",
    "template_container_name_absent",
    "template_error_missing_file",
    "template_executor",
    "template_local_dir_mount",
    "template_placement",
    "template_rich",
    "template_rich_overridden",
    "properties_defaults",
    "properties_file_precedence",
    "properties_secret_values",
    "deps_packages_python",
    "driver_master",
    "driver_timeouts",
    "event_log",
    "accepted_report_interval",
    "error_boolean",
    "error_cores",
    "error_factor",
    "error_factor_text",
    "error_gpu_vendor",
    "error_local_main_jar",
    "error_memory_negative",
    "error_memory_unit",
    "error_principal_and_proxy",
};

void check_equal(const std::string& version, const std::string& name) {
  const Recording recording = load_recording(version, name);
  const auto built = build(recording);
  const std::string error = recorded_error(recording);
  if (!error.empty()) {
    REQUIRE_FALSE(built.has_value());
    CHECK(built.error().message == error);
    return;
  }
  if (!built) FAIL("refused: " << built.error().message);
  const auto expected = normalised_recording(recording);
  REQUIRE(expected.size() >= 3);  // ConfigMap, Service, Pod
  CHECK(nlohmann::json::diff(expected, normalised(*built)).dump(1) == "[]");
}

}  // namespace

TEST_CASE("objects equal those of the real spark-submit 4.0.1") {
  for (const char* name : kBothVersions) {
    DYNAMIC_SECTION(name) {
      check_equal("4.0.1", name);
    }
  }
  for (const char* name : kOnly401) {
    DYNAMIC_SECTION(name) {
      check_equal("4.0.1", name);
    }
  }
}

TEST_CASE("objects equal those of the real spark-submit 3.5.8") {
  for (const char* name : kBothVersions) {
    DYNAMIC_SECTION(name) {
      check_equal("3.5.8", name);
    }
  }
}

TEST_CASE("where we differ from spark-submit, we differ on purpose") {
  struct Case {
    const char* name;
    const char* version;
    const char* error;  // ours; "" where we accept what spark-submit refused
  };
  constexpr Case kCases[] = {
      // spark-submit had no S3 file system at hand; the driver does the reading.
      {.name = "deps_jars_s3a", .version = "4.0.1", .error = ""},
      // The API server refused this one; we look before we send.
      {.name = "template_error_kind",
       .version = "4.0.1",
       .error = "the driver's pod template is not a Pod"},
      {.name = "template_error_missing_executor_file",
       .version = "4.0.1",
       .error = "spark.kubernetes.executor.podTemplateFile: $CASE_DIR/nothing.yaml is a file of "
                "the submitting machine"},
      // Uploads.
      {.name = "upload_main_jar",
       .version = "4.0.1",
       .error = "main resource: $CASE_DIR/app.jar is a file of the submitting machine, and "
                "uploading is not supported; local:// names a file of the image"},
      {.name = "upload_main_jar",
       .version = "3.5.8",
       .error = "main resource: $CASE_DIR/app.jar is a file of the submitting machine, and "
                "uploading is not supported; local:// names a file of the image"},
      {.name = "upload_files_only",
       .version = "4.0.1",
       .error = "spark.files: $CASE_DIR/data.txt is a file of the submitting machine, and "
                "uploading is not supported; local:// names a file of the image"},
      {.name = "upload_main_class_from_manifest",
       .version = "4.0.1",
       .error = "Failed to get main class in JAR with error 'this service does not read jars'.  "
                "Please specify one with --class."},
  };
  for (const Case& c : kCases) {
    DYNAMIC_SECTION(c.name << " " << c.version) {
      const auto built = build(load_recording(c.version, c.name));
      CHECK((built ? "" : built.error().message) == c.error);
    }
  }
}

TEST_CASE("3.5.8 reads an octal number of a template as decimal and we do not") {
  for (const char* name : {"template_rich", "template_rich_overridden"}) {
    DYNAMIC_SECTION(name) {
      const Recording recording = load_recording("3.5.8", name);
      const auto built = build(recording);
      REQUIRE(built.has_value());
      const auto difference =
          nlohmann::json::diff(normalised_recording(recording), normalised(*built));
      REQUIRE(difference.size() == 1);
      CHECK(difference[0]["value"] == 0400);
      CHECK(difference[0]["path"].get<std::string>().ends_with("/configMap/defaultMode"));
    }
  }
}

TEST_CASE("the comparison sees a change of any leaf") {
  const Recording recording = load_recording("4.0.1", "volume_pvc_on_demand");
  const auto built = build(recording);
  REQUIRE(built.has_value());
  const auto ours = normalised(*built);
  const auto leaves = ours.flatten();
  REQUIRE(leaves.size() > 60);
  for (const auto& [path, value] : leaves.items()) {
    auto changed = leaves;
    changed[path] = "changed";
    INFO(path);
    CHECK_FALSE(changed.unflatten() == normalised_recording(recording));
  }
}
