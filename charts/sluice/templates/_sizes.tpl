{{/*
Memory and CPU by size. The heap stands beside the limit it belongs to, since both change together: a limit holds heap,
direct memory, code cache, and some 40 MiB of JVM, stacks and libbpf. Where there is room, C2 stands behind C1, for less
CPU under load; what it frees on the C heap is given back every 10,000 ms. New objects have 24 MiB, not 2: a collection
stops all event loops. -Xms is below the least heapMiB that _checks.tpl takes. What this costs: docs/performance.md.
*/}}
{{- define "sluice.sizes" -}}
edge-tiny:
  node:       {heapMiB: 40, directMiB: 16, codeMiB: 20, resources: {requests: {cpu: 20m, memory: 80Mi}, limits: {cpu: "1", memory: 144Mi}}}
  controller: {heapMiB: 96, directMiB: 32, codeMiB: 28, resources: {requests: {cpu: 10m, memory: 112Mi}, limits: {cpu: "1", memory: 224Mi}}}
edge:
  node:       {heapMiB: 64, directMiB: 32, codeMiB: 24, resources: {requests: {cpu: 50m, memory: 96Mi}, limits: {cpu: "2", memory: 192Mi}}}
  controller: {heapMiB: 160, directMiB: 64, codeMiB: 32, resources: {requests: {cpu: 20m, memory: 144Mi}, limits: {cpu: "2", memory: 320Mi}}}
default:
  node:       {heapMiB: 128, directMiB: 64, codeMiB: 32, jvmOptions: "-XX:TieredStopAtLevel=4 -XX:TrimNativeHeapInterval=10000 -Xms40m -Xmn24m", resources: {requests: {cpu: 100m, memory: 160Mi}, limits: {cpu: "4", memory: 320Mi}}}
  controller: {heapMiB: 384, directMiB: 128, codeMiB: 48, resources: {requests: {cpu: 50m, memory: 256Mi}, limits: {cpu: "4", memory: 640Mi}}}
{{- end -}}

{{/* Requests and limits of a component, those of its values first: list of root and component. */}}
{{- define "sluice.resources" -}}
{{- $root := index . 0 -}}
{{- $size := index (include "sluice.sizes" $root | fromYaml) $root.Values.size (index . 1) -}}
{{- mustMergeOverwrite $size.resources (index $root.Values (index . 1)).resources | toYaml -}}
{{- end -}}

{{/* Value of JDK_JAVA_OPTIONS, which the image puts behind its own options: list of root and component. */}}
{{- define "sluice.javaOptions" -}}
{{- $root := index . 0 -}}
{{- $size := index (include "sluice.sizes" $root | fromYaml) $root.Values.size (index . 1) -}}
{{- $heap := int (index $root.Values (index . 1)).heapMiB | default (int $size.heapMiB) -}}
{{- $limits := printf "-Xmx%dm -XX:MaxDirectMemorySize=%dm -XX:ReservedCodeCacheSize=%dm" $heap (int $size.directMiB) (int $size.codeMiB) -}}
{{- compact (list $limits $size.jvmOptions) | join " " -}}
{{- end -}}
