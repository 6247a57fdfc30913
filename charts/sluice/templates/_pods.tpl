{{/* What pods of several components have in common. */}}

{{/* An image by tag, and by digest where one is set: list of root and the component's values. */}}
{{- define "sluice.image" -}}
{{- $root := index . 0 -}}
{{- $image := (index . 1).image -}}
{{- printf "%s/%s:%s" $root.Values.image.registry $image.repository (default $root.Chart.AppVersion $image.tag) -}}
{{- with $image.digest }}@{{ . }}{{ end -}}
{{- end -}}

{{- define "sluice.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
- name: {{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Where a scraper without the Prometheus operator finds metrics: list of root and port. */}}
{{- define "sluice.scrapeAnnotations" -}}
{{- if (index . 0).Values.metrics.scrapeAnnotations }}
prometheus.io/scrape: "true"
prometheus.io/port: {{ index . 1 | quote }}
prometheus.io/path: /metrics
{{- end }}
{{- end -}}

{{/* A security profile of a container: list of key and values. */}}
{{- define "sluice.profile" -}}
{{- $profile := index . 1 -}}
{{ index . 0 }}:
  type: {{ $profile.type }}
  {{- if eq $profile.type "Localhost" }}
  localhostProfile: {{ required (printf "node.%s.localhostProfile: name the profile, or choose another type" (index . 0)) $profile.localhostProfile }}
  {{- end }}
{{- end -}}

{{/* A security profile as Kubernetes before 1.30 has it, in an annotation. */}}
{{- define "sluice.appArmorAnnotation" -}}
{{- if eq .type "Localhost" -}}
localhost/{{ required "node.appArmorProfile.localhostProfile: name the profile, or choose another type" .localhostProfile }}
{{- else -}}
{{ get (dict "Unconfined" "unconfined" "RuntimeDefault" "runtime/default") .type }}
{{- end -}}
{{- end -}}

{{/* The PodMonitor of a component: list of root and component. */}}
{{- define "sluice.podMonitor" -}}
{{- $monitor := (index . 0).Values.metrics.podMonitor -}}
apiVersion: monitoring.coreos.com/v1
kind: PodMonitor
metadata:
  name: {{ include "sluice.name" . }}
  namespace: {{ (index . 0).Release.Namespace }}
  labels:
    {{- include "sluice.labels" . | nindent 4 }}
    {{- with $monitor.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  selector:
    matchLabels:
      {{- include "sluice.selector" . | nindent 6 }}
  podMetricsEndpoints:
  # honorLabels: namespace and pod name the pod that a series is about, not the one that was asked
  - path: /metrics
    interval: {{ $monitor.interval }}
    honorLabels: true
    {{- if ne (index . 1) "node" }}
    port: metrics
    {{- end }}
    relabelings:
    - {targetLabel: job, replacement: sluice-{{ index . 1 }}}    # as the alert rules have it
    {{- if eq (index . 1) "node" }}
    # the daemon's pod declares no port
    - {sourceLabels: [__meta_kubernetes_pod_node_name], targetLabel: instance}
    - {sourceLabels: [__meta_kubernetes_pod_ip], regex: '([^:]*)', targetLabel: __address__, replacement: '$1:{{ (index . 0).Values.metrics.port }}'}
    - {sourceLabels: [__meta_kubernetes_pod_ip], regex: '(.*:.*)', targetLabel: __address__, replacement: '[$1]:{{ (index . 0).Values.metrics.port }}'}
    {{- end }}
{{- end -}}
