{{- define "sparkcron.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "sparkcron.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" -}}
{{- else if contains (include "sparkcron.name" .) .Release.Name -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "sparkcron.name" .) | trunc 52 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "sparkcron.selectorLabels" -}}
app.kubernetes.io/name: {{ include "sparkcron.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: controller
{{- end -}}

{{- define "sparkcron.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/name: {{ include "sparkcron.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "sparkcron.image" -}}
{{- $name := printf "%s:%s" .Values.image.repository (.Values.image.tag | default .Chart.AppVersion) -}}
{{- if .Values.image.registry }}{{ printf "%s/%s" .Values.image.registry $name }}{{ else }}{{ $name }}{{ end -}}
{{- end -}}

{{- define "sparkcron.controllerName" -}}
{{ include "sparkcron.fullname" . }}-controller
{{- end -}}

{{- define "sparkcron.historyName" -}}
{{ include "sparkcron.fullname" . }}-history
{{- end -}}

{{- define "sparkcron.serviceAccountName" -}}
{{- with .Values.controller.serviceAccount -}}
{{- if .create }}{{ .name | default (include "sparkcron.controllerName" $) }}{{ else }}{{ .name | default "default" }}{{ end -}}
{{- end -}}
{{- end -}}

{{- define "sparkcron.sparkServiceAccountName" -}}
{{- with .Values.spark.serviceAccount -}}
{{- if .create }}{{ .name | default (printf "%s-spark" (include "sparkcron.fullname" $)) }}{{ else }}{{ .name | default "default" }}{{ end -}}
{{- end -}}
{{- end -}}

{{/* The namespaces that were asked for, whatever name they were given by; a JSON list. */}}
{{- define "sparkcron.givenNamespaces" -}}
{{- $given := .Values.spark.jobNamespaces | default list -}}
{{- if .Values.sparkJobNamespaces -}}
{{- $given = .Values.sparkJobNamespaces -}}
{{- else if .Values.sparkJobNamespace -}}
{{- $given = list .Values.sparkJobNamespace -}}
{{- end -}}
{{- $given | uniq | toJson -}}
{{- end -}}

{{/* Those of them that have a name; Spark's account and role are made there. */}}
{{- define "sparkcron.namedNamespaces" -}}
{{- without (include "sparkcron.givenNamespaces" . | fromJsonArray) "" | toJson -}}
{{- end -}}

{{/* "true" when the controller looks everywhere. */}}
{{- define "sparkcron.everywhere" -}}
{{- $given := include "sparkcron.givenNamespaces" . | fromJsonArray -}}
{{- if or (has "" $given) (and (empty $given) (not .Values.spark.jobNamespaceSelector)) }}true{{ end -}}
{{- end -}}

{{/* "true" when its rights are for every namespace. */}}
{{- define "sparkcron.clusterWide" -}}
{{- if or (include "sparkcron.everywhere" .) .Values.spark.jobNamespaceSelector }}true{{ end -}}
{{- end -}}

{{- define "sparkcron.namespaceFlags" -}}
{{- if not (include "sparkcron.everywhere" .) }}
{{- range include "sparkcron.namedNamespaces" . | fromJsonArray }}
- --namespace={{ . }}
{{- end }}
{{- with .Values.spark.jobNamespaceSelector }}
- {{ printf "--namespace-selector=%s" . | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "sparkcron.quotaRules" -}}
{{- if and .Values.webhook.enable .Values.webhook.resourceQuotaEnforcement.enable }}
{{ .Files.Get "files/quota-rules.yaml" | trim }}
{{- end }}
{{- end -}}

{{/* Of every pod of the chart: who may pull its image and where it may run. */}}
{{- define "sparkcron.podPlace" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.controller.podSecurityContext }}
securityContext:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.controller.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.controller.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Room for "-webhook-certs" within 63. */}}
{{- define "sparkcron.webhookName" -}}
{{ include "sparkcron.fullname" . | trunc 49 | trimSuffix "-" }}-webhook
{{- end -}}

{{- define "sparkcron.webhookSecret" -}}
{{ .Values.webhook.certificate.secretName | default (printf "%s-certs" (include "sparkcron.webhookName" .)) }}
{{- end -}}

{{/* "true" when the controller makes the certificate. */}}
{{- define "sparkcron.webhookOwnCertificate" -}}
{{- if not (or .Values.certManager.enable .Values.webhook.certificate.secretName) }}true{{ end -}}
{{- end -}}

{{/* How API servers ask: root, path. */}}
{{- define "sparkcron.webhookClient" -}}
{{- with .root -}}
admissionReviewVersions: [v1]
clientConfig:
  service:
    name: {{ include "sparkcron.webhookName" . }}-svc
    namespace: {{ .Release.Namespace }}
    path: {{ $.path }}
    port: 443
  {{- with .Values.webhook.certificate.caBundle }}
  caBundle: {{ . }}
  {{- end }}
failurePolicy: {{ .Values.webhook.failurePolicy }}
timeoutSeconds: {{ .Values.webhook.timeoutSeconds }}
sideEffects: None
{{- if not (include "sparkcron.clusterWide" .) }}
namespaceSelector:
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: In
      values: {{ include "sparkcron.namedNamespaces" . }}
{{- end }}
{{- end -}}
{{- end -}}

{{/* What people write and edit. Not what the controller makes, which it has checked itself: an unreachable webhook must
never stop a run that is due. Not labels and finalizers either: nothing gets stuck for it. */}}
{{- define "sparkcron.webhookWritten" -}}
matchConditions:
  - name: not-the-controller
    expression: request.userInfo.username != "system:serviceaccount:{{ .Release.Namespace }}:{{ include "sparkcron.serviceAccountName" . }}"
  - name: new-or-edited
    expression: >-
      request.operation == "CREATE" || (!has(object.metadata.deletionTimestamp) &&
      (!has(object.spec) || !has(oldObject.spec) || object.spec != oldObject.spec))
{{- end -}}

{{/* What cannot work is refused here, before anything is installed. */}}
{{- define "sparkcron.check" -}}
{{- if .Values.webhook.enable -}}
{{- if not (semverCompare ">=1.28.0-0" .Capabilities.KubeVersion.Version) -}}
{{- fail "webhook.enable: needs Kubernetes 1.28: older API servers would ask the webhook about the controller's own runs, and hold them up while it is away" -}}
{{- end -}}
{{- if and .Values.certManager.enable .Values.webhook.certificate.secretName -}}
{{- fail "webhook.certificate.secretName and certManager.enable: choose one, who gives the certificate" -}}
{{- end -}}
{{- if ne (empty .Values.webhook.certificate.secretName) (empty .Values.webhook.certificate.caBundle) -}}
{{- fail "webhook.certificate: secretName and caBundle belong together: API servers must be told whom to trust" -}}
{{- end -}}
{{- end -}}
{{- if and .Values.certManager.enable (not .Values.webhook.enable) -}}
{{- fail "certManager.enable: needs webhook.enable: the webhook's certificate is the only one that it makes" -}}
{{- end -}}
{{- range $where, $labels := dict "commonLabels" .Values.commonLabels "controller.labels" .Values.controller.labels -}}
{{- range $key := list "helm.sh/chart" "app.kubernetes.io/name" "app.kubernetes.io/instance" "app.kubernetes.io/component" "app.kubernetes.io/version" "app.kubernetes.io/managed-by" -}}
{{- if hasKey $labels $key -}}
{{- fail (printf "%s: %s is a label that the chart sets itself" $where $key) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- $ports := dict -}}
{{- $_ := set $ports "prometheus.metrics.port" (int .Values.prometheus.metrics.port) -}}
{{- if .Values.controller.history.enable }}{{ $_ := set $ports "controller.history.port" (int .Values.controller.history.port) }}{{ end -}}
{{- if .Values.webhook.enable }}{{ $_ := set $ports "webhook.port" (int .Values.webhook.port) }}{{ end -}}
{{- if ne (len $ports) (values $ports | uniq | len) -}}
{{- fail (printf "%s: one port each, the pod listens on all of them" (keys $ports | sortAlpha | join ", ")) -}}
{{- end -}}
{{- if and .Values.controller.history.readers (not .Values.controller.history.enable) -}}
{{- fail "controller.history.readers: needs controller.history.enable: there is nothing to read without it" -}}
{{- end -}}
{{- with .Values.controller -}}
{{- if and (gt (int .replicas) 1) (not .leaderElection.enable) -}}
{{- fail "controller.leaderElection.enable: false needs controller.replicas 1: several controllers without a lease would all act" -}}
{{- end -}}
{{- if and .podDisruptionBudget.enable (lt (int .replicas) 2) -}}
{{- fail "controller.podDisruptionBudget.enable: needs controller.replicas of 2 or more: with one, no node could be drained" -}}
{{- end -}}
{{- with .podDisruptionBudget -}}
{{- if and .enable (or (eq (toString .minAvailable) "100%") (and (not (kindIs "string" .minAvailable)) (ge (int .minAvailable) (int $.Values.controller.replicas)))) -}}
{{- fail "controller.podDisruptionBudget.minAvailable: leave one replica less than controller.replicas: else no node could be drained" -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end -}}
