{{/* The pod of the controller, for a Deployment and a StatefulSet alike. */}}
{{- define "sparkcron.pod" -}}
{{- with .Values.controller -}}
metadata:
  labels:
    {{- include "sparkcron.selectorLabels" $ | nindent 4 }}
    {{- with merge (deepCopy .labels) $.Values.commonLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    {{- $own := dict "kubectl.kubernetes.io/default-container" "sparkcron" }}
    {{- if $.Values.prometheus.metrics.enable }}
    {{- $own = merge $own (dict "prometheus.io/scrape" "true" "prometheus.io/port" (toString $.Values.prometheus.metrics.port) "prometheus.io/path" "/metrics") }}
    {{- end }}
    {{- toYaml (merge (deepCopy .annotations) $own) | nindent 4 }}
spec:
  serviceAccountName: {{ include "sparkcron.serviceAccountName" $ }}
  automountServiceAccountToken: {{ .serviceAccount.automountServiceAccountToken }}
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ .terminationGracePeriodSeconds }}
  {{- with include "sparkcron.podPlace" $ | trim }}
  {{- . | nindent 2 }}
  {{- end }}
  {{- with .priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- if kindIs "bool" .hostUsers }}
  hostUsers: {{ .hostUsers }}
  {{- end }}
  containers:
    - name: sparkcron
      image: {{ include "sparkcron.image" $ | quote }}
      imagePullPolicy: {{ $.Values.image.pullPolicy }}
      args:
        - controller
        - --listen={{ .listenAddress }}:{{ $.Values.prometheus.metrics.port }}
        # The volume itself is open to its group: a folder of our own in it is private.
        - --data-dir=/var/lib/sparkcron/data
        - --workers={{ int .workers }}
        - --log-level={{ .logLevel }}
        - --log-format={{ .logEncoder | replace "console" "text" }}
        - --leader-elect={{ .leaderElection.enable }}
        - --history-runs={{ int .historyRuns }}
        {{- if .history.enable }}
        - --history-listen={{ .listenAddress }}:{{ int .history.port }}
        - --history-service={{ include "sparkcron.historyName" $ }}
        {{- with .history.sparkHistoryUrl }}
        - {{ printf "--spark-history-url=%s" . | quote }}
        {{- end }}
        {{- end }}
        {{- with .uiIngress }}
        {{- with .urlFormat }}
        - {{ printf "--ingress-url-format=%s" . | quote }}
        {{- end }}
        {{- with .ingressClassName }}
        - --ingress-class-name={{ . }}
        {{- end }}
        {{- with .gateway }}
        - --gateway={{ . }}
        {{- end }}
        {{- end }}
        {{- with .logArchive }}
        {{- if .url }}
        - --log-archive={{ .url }}
        {{- with .endpoint }}
        - --log-archive-endpoint={{ . }}
        {{- end }}
        {{- with .region }}
        - --log-archive-region={{ . }}
        {{- end }}
        {{- end }}
        {{- end }}
        {{- if .notices.secretName }}
        - --notify-url=@/etc/sparkcron/notices/url
        {{- end }}
        - --default-time-zone={{ .defaultTimeZone }}
        {{- range $key, $value := .defaultSparkConf }}
        - {{ printf "--conf=%s=%s" $key (kindIs "float64" $value | ternary (int64 $value | toString) (toString $value)) | quote }}
        {{- end }}
        {{- with include "sparkcron.namespaceFlags" $ | trim }}
        {{- . | nindent 8 }}
        {{- end }}
        {{- with $.Values.webhook }}
        {{- if .enable }}
        - --webhook-listen={{ $.Values.controller.listenAddress }}:{{ .port }}
        {{- if include "sparkcron.webhookOwnCertificate" $ }}
        - --webhook-secret-name={{ include "sparkcron.webhookSecret" $ }}
        - --webhook-svc-name={{ include "sparkcron.webhookName" $ }}-svc
        - --webhook-configuration-name={{ include "sparkcron.webhookName" $ }}
        {{- else }}
        - --webhook-cert-dir=/etc/sparkcron/webhook
        {{- end }}
        {{- if .resourceQuotaEnforcement.enable }}
        - --enable-resource-quota-enforcement
        {{- end }}
        {{- end }}
        {{- end }}
      ports:
        - name: {{ $.Values.prometheus.metrics.portName }}
          containerPort: {{ $.Values.prometheus.metrics.port }}
        {{- if .history.enable }}
        - name: history
          containerPort: {{ int .history.port }}
        {{- end }}
        {{- if $.Values.webhook.enable }}
        - name: {{ $.Values.webhook.portName }}
          containerPort: {{ $.Values.webhook.port }}
        {{- end }}
      {{- with .env }}
      env:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- if or .envFrom .logArchive.secretName }}
      envFrom:
        {{- with .logArchive.secretName }}
        - secretRef:
            name: {{ . }}
        {{- end }}
        {{- with .envFrom }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
      livenessProbe:
        httpGet:
          path: /livez
          port: {{ $.Values.prometheus.metrics.portName }}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 6
      readinessProbe:
        httpGet:
          path: /readyz
          port: {{ $.Values.prometheus.metrics.portName }}
        periodSeconds: 5
        timeoutSeconds: 5
      {{- with .resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with .securityContext }}
      securityContext:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      volumeMounts:
        - name: ledger
          mountPath: /var/lib/sparkcron
        - name: tmp
          mountPath: /tmp
        {{- if and $.Values.webhook.enable (not (include "sparkcron.webhookOwnCertificate" $)) }}
        - name: webhook-certificate
          mountPath: /etc/sparkcron/webhook
          readOnly: true
        {{- end }}
        {{- if .notices.secretName }}
        - name: notices
          mountPath: /etc/sparkcron/notices
          readOnly: true
        {{- end }}
        {{- with .volumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    {{- with .sidecars }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  volumes:
    {{- if not .ledger.persistence.enable }}
    - name: ledger
      emptyDir:
        sizeLimit: {{ .ledger.sizeLimit }}
    {{- end }}
    # SQLite's temporary files; the root is read-only.
    - name: tmp
      emptyDir:
        sizeLimit: 1Gi
    {{- if and $.Values.webhook.enable (not (include "sparkcron.webhookOwnCertificate" $)) }}
    - name: webhook-certificate
      secret:
        secretName: {{ include "sparkcron.webhookSecret" $ }}
    {{- end }}
    {{- with .notices.secretName }}
    - name: notices
      secret:
        secretName: {{ . }}
    {{- end }}
    {{- with .volumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with .topologySpreadConstraints }}
  topologySpreadConstraints:
    {{- range . }}
    - {{ toYaml (merge (deepCopy .) (dict "labelSelector" (dict "matchLabels" (include "sparkcron.selectorLabels" $ | fromYaml)))) | nindent 6 | trim }}
    {{- end }}
  {{- end }}
{{- end -}}
{{- end -}}
