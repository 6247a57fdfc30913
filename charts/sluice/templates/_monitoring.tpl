{{/* What the chart's own Prometheus and Grafana have in common. */}}

{{/* Where a pod that needs nothing of its node runs, and as which user and group. */}}
{{- define "sluice.plainPod" -}}
nodeSelector: {kubernetes.io/os: linux}
securityContext:
  runAsNonRoot: true
  runAsUser: {{ . }}
  runAsGroup: {{ . }}
  fsGroup: {{ . }}
  seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "sluice.plainContainer" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end -}}

{{/* Their Service: list of root and component, which is also the name of its values. */}}
{{- define "sluice.plainService" -}}
{{- $root := index . 0 -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ include "sluice.name" . }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "sluice.labels" . | nindent 4 }}
spec:
  ipFamilyPolicy: PreferDualStack
  selector:
    {{- include "sluice.selector" . | nindent 4 }}
  ports:
  - {name: http, port: {{ (index $root.Values.osm (index . 1)).port }}, targetPort: http}
{{- end -}}

{{/* Who may call them: the other one, and named namespaces. Neither asks who calls. */}}
{{- define "sluice.plainPolicy" -}}
{{- $root := index . 0 -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "sluice.name" . }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "sluice.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels:
      {{- include "sluice.selector" . | nindent 6 }}
  policyTypes: [Ingress]
  ingress:
  - ports:
    - {port: http, protocol: TCP}
    from:
    - podSelector:
        matchLabels:
          {{- include "sluice.selector" (list $root "grafana") | nindent 10 }}
    {{- with $root.Values.networkPolicies.monitoringNamespaces }}
    - namespaceSelector:
        matchExpressions:
        - {key: kubernetes.io/metadata.name, operator: In, values: {{ toJson . }}}
    {{- end }}
{{- end -}}

{{/* What Prometheus scrapes. */}}
{{- define "sluice.prometheusConfig" -}}
global: {scrape_interval: 30s, evaluation_interval: 30s}
rule_files: [/etc/prometheus/sluice-rules.yaml]
{{- with .Values.osm.prometheus.alertmanagers }}
alerting: {alertmanagers: [{static_configs: [{targets: {{ toJson . }}}]}]}
{{- end }}
scrape_configs:
{{- range $component := list "node" "controller" }}
- job_name: sluice-{{ $component }}
  honor_labels: true    # namespace and pod name the pod that a series is about, not the one that was asked
  kubernetes_sd_configs:
  - role: pod
    namespaces: {names: [{{ $.Release.Namespace }}]}
    selectors:
    - {role: pod, label: "app.kubernetes.io/name=sluice,app.kubernetes.io/instance={{ $.Release.Name | trunc 63 | trimSuffix "-" }},app.kubernetes.io/component={{ $component }}"}
  sample_limit: 200000
  metric_relabel_configs:    # what Prometheus says itself nobody says in its place
  - {source_labels: [__name__], regex: 'up|scrape_.*|ALERTS.*', action: drop}
  relabel_configs:
  - {source_labels: [__meta_kubernetes_pod_phase], regex: Failed|Succeeded, action: drop}
  {{- if eq $component "node" }}
  # the daemon's pod declares no port; two daemons of a node that is updated are one target
  - {source_labels: [__meta_kubernetes_pod_node_name], target_label: instance}
  - {source_labels: [__meta_kubernetes_pod_ip], regex: '([^:]*)', target_label: __address__, replacement: '$1:{{ $.Values.metrics.port }}'}
  - {source_labels: [__meta_kubernetes_pod_ip], regex: '(.*:.*)', target_label: __address__, replacement: '[$1]:{{ $.Values.metrics.port }}'}
  {{- else }}
  - {source_labels: [__meta_kubernetes_pod_container_port_name], regex: metrics, action: keep}
  - {source_labels: [__meta_kubernetes_pod_name], target_label: instance}
  {{- end }}
{{- end }}
{{- end -}}

{{/* How Grafana finds Prometheus and the dashboards. */}}
{{- define "sluice.grafanaFiles" -}}
datasource.yaml: |
  apiVersion: 1
  datasources:
  - name: Prometheus
    type: prometheus
    access: proxy
    isDefault: true
    url: {{ default (printf "http://%s.%s.svc:%d" (include "sluice.name" (list . "prometheus")) .Release.Namespace (int .Values.osm.prometheus.port)) .Values.osm.grafana.prometheus }}
    jsonData: {timeInterval: 30s}
dashboards.yaml: |
  apiVersion: 1
  providers:
  - {name: sluice, type: file, options: {path: /etc/sluice/dashboards}}
{{- end -}}

{{/* Names of the files below dashboards/. */}}
{{- define "sluice.dashboards" -}}
{{- $names := list -}}
{{- range $path, $_ := .Files.Glob "dashboards/*.json" }}{{ $names = append $names ($path | base | trimSuffix ".json") }}{{ end -}}
{{- toJson $names -}}
{{- end -}}

{{- define "sluice.rules" -}}
{{- .Files.Get "rules/sluice.yaml" | trim -}}
{{- end -}}
