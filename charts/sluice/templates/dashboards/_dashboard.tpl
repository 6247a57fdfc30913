{{/* A dashboard as ConfigMap: list of root and name of the file below dashboards/. */}}
{{- define "sluice.dashboard" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- if or $root.Values.dashboards.enabled $root.Values.osm.deployGrafana -}}
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "sluice.name" (list $root (printf "dashboard-%s" $name)) }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "sluice.labels" (list $root "dashboards") | nindent 4 }}
    {{- with $root.Values.dashboards.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
data:
  sluice-{{ $name }}.json: |
    {{- $root.Files.Get (printf "dashboards/%s.json" $name) | trim | nindent 4 }}
{{- end -}}
{{- end -}}
