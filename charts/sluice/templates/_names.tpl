{{/* Names and labels. */}}

{{/* What names of objects begin with; at most 63 characters. */}}
{{- define "sluice.base" -}}
{{- default .Release.Name .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* A name of at most 63 characters: list of root and suffix. A base that is cut gets a hash, so that two stay two. */}}
{{- define "sluice.name" -}}
{{- $base := include "sluice.base" (index . 0) -}}
{{- $suffix := index . 1 -}}
{{- $room := int (sub 62 (len $suffix)) -}}
{{- if gt (len $base) $room -}}
{{- $base = printf "%s-%s" ($base | trunc (int (sub $room 7)) | trimSuffix "-") ($base | sha256sum | trunc 6) -}}
{{- end -}}
{{- printf "%s-%s" $base $suffix -}}
{{- end -}}

{{/* Labels that select the pods of a component: list of root and component. */}}
{{- define "sluice.selector" -}}
app.kubernetes.io/name: sluice
app.kubernetes.io/instance: {{ (index . 0).Release.Name | trunc 63 | trimSuffix "-" | quote }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end -}}

{{/* Labels of an object: list of root and component. */}}
{{- define "sluice.labels" -}}
{{- $root := index . 0 -}}
{{ include "sluice.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: sluice
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
{{- end -}}
