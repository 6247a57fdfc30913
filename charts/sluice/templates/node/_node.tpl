{{/* Parts of the node daemon's pod. */}}

{{/*
Options by which every command of a node finds the CNI directories: in the node's own file system. Where it is not mounted, for
nothing is to be installed there, what an earlier release has installed is found through the node's first process.
*/}}
{{- define "sluice.cniOptions" -}}
- --cni-root={{ ternary "/host" "/proc/1/root" .Values.cni.enabled }}
{{- with .Values.cni.confDir }}
- --cni-conf-dir={{ . }}
{{- end }}
{{- range .Values.cni.binDirs }}
- --cni-bin-dir={{ . }}
{{- end }}
{{- end -}}

{{- define "sluice.nodeOptions" -}}
{{- $interception := .Values.interception -}}
- --node-name=$(NODE_NAME)
- --mode={{ $interception.mode }}
- --fallback={{ $interception.fallback }}
{{- range $interception.withoutPrograms }}
- --without-program={{ . }}
{{- end }}
{{- if $interception.failOpen }}
- --fail-open
{{- end }}
- --fast-path={{ $interception.fastPath }}
{{- with $interception.earlierConnections }}
- --earlier-connections={{ . }}
{{- end }}
- --path-check-seconds={{ $interception.pathCheckSeconds }}
- --drain-seconds={{ .Values.node.drainSeconds }}
- --access-log={{ get (dict "none" "off" "stdout" "-" "file" "access.log") .Values.node.accessLog }}
- --take-over
- --started-file=/tmp/started
- --metrics-address={{ ternary "127.0.0.1" "[::]" .Values.metrics.localOnly }}:{{ .Values.metrics.port }}
- --control={{ include "sluice.name" (list . "controller") }}.{{ .Release.Namespace }}.svc:15012
- --control-token=/var/run/secrets/sluice/token
- --control-roots=/etc/sluice/roots/roots.pem
{{- if not .Values.node.recordFlows }}
- --record-flows=false
{{- end }}
{{- if .Values.node.keepKeys }}
- --keep-keys
{{- end }}
{{- if .Values.cni.enabled }}
- --cni
{{- else }}
- --remove-cni
{{- end }}
{{ include "sluice.cniOptions" . }}
{{- if .Values.cni.enabled }}
- --replace-without-controller={{ .Values.cni.replaceWithoutController }}
- --kubelet-dir={{ .Values.cni.kubeletDir }}
{{- range prepend .Values.cni.systemNamespaces .Release.Namespace | uniq }}
- --cni-system-namespace={{ . }}
{{- end }}
{{- end }}
{{- end -}}

{{/* Everything is dropped but what the daemon cannot do without. */}}
{{- define "sluice.nodeSecurity" -}}
privileged: false
runAsUser: 0
readOnlyRootFilesystem: true
{{ include "sluice.profile" (list "seccompProfile" .Values.node.seccompProfile) }}
{{- if semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version }}
{{ include "sluice.profile" (list "appArmorProfile" .Values.node.appArmorProfile) }}
{{- end }}
{{- with .Values.node.seLinuxType }}
seLinuxOptions:
  type: {{ . }}
{{- end }}
capabilities:
  drop: [ALL]
  add:
  - NET_ADMIN     # bpf(2) of networking programs; nftables and iptables rules; setsockopt(SO_MARK); ending sockets by sock_diag
  - SYS_ADMIN     # bpf(2), where older kernels and runtimes know no BPF; setns(2) into pods' network namespaces; attaching to the root of cgroup2; mount(2) of the trial's namespace
  - SYS_PTRACE    # open(2) of /proc/PID/ns/net and /proc/1/root of processes of other users
  - SYS_RESOURCE  # setrlimit(RLIMIT_MEMLOCK): maps count against it before Linux 5.11
  - DAC_OVERRIDE  # mkdir(2) and rmdir(2) of the daemon's cgroup: the root of cgroup2 has mode 0555
  - NET_RAW       # socket(SOCK_RAW) of iptables-legacy, where nftables takes no rules of iptables
{{- end -}}

{{/* What of the node's file system the daemon sees. */}}
{{- define "sluice.nodeMounts" -}}
- {name: bpf, mountPath: /sys/fs/bpf, mountPropagation: HostToContainer}
- {name: cgroup, mountPath: /sys/fs/cgroup, mountPropagation: HostToContainer}
- {name: run, mountPath: /run}    # where iptables-legacy has its lock
- {name: netns, mountPath: /run/netns, mountPropagation: HostToContainer}
- {name: runtime, mountPath: /run/sluice}
- {name: state, mountPath: /var/lib/sluice}
- {name: tmp, mountPath: /tmp}    # where native libraries are unpacked
{{- if .Values.cni.enabled }}
- {name: host, mountPath: /host, mountPropagation: HostToContainer}    # only the runtime's own settings say where it looks for plugins
{{- end }}
{{- end -}}

{{- define "sluice.nodeVolumes" -}}
- {name: bpf, hostPath: {path: /sys/fs/bpf, type: Directory}}
- {name: cgroup, hostPath: {path: /sys/fs/cgroup, type: Directory}}
- {name: run, emptyDir: {medium: Memory, sizeLimit: 1Mi}}
- {name: netns, hostPath: {path: /run/netns, type: DirectoryOrCreate}}
- {name: runtime, hostPath: {path: /run/sluice, type: DirectoryOrCreate}}
- {name: state, hostPath: {path: /var/lib/sluice, type: DirectoryOrCreate}}
- {name: tmp, emptyDir: {sizeLimit: 64Mi}}
{{- if .Values.cni.enabled }}
- {name: host, hostPath: {path: /, type: Directory}}
{{- end }}
{{- end -}}

{{/* How nodes are updated; one that retires needs its daemon to have ended before. */}}
{{- define "sluice.nodeUpdate" -}}
{{- $update := .Values.node.updateStrategy -}}
{{- if ne (toString $update.maxSurge) "0" }}
{{- if .Values.retire }}
maxSurge: 0
maxUnavailable: {{ $update.maxSurge }}
{{- else }}
maxSurge: {{ $update.maxSurge }}
maxUnavailable: 0
{{- end }}
{{- else }}
maxSurge: 0
maxUnavailable: {{ $update.maxUnavailable }}
{{- end }}
{{- end -}}

{{/* A probe of the daemon: list of root and path. */}}
{{- define "sluice.nodeProbe" -}}
{{- $metrics := (index . 0).Values.metrics -}}
httpGet:
  path: {{ index . 1 }}
  port: {{ $metrics.port }}
  {{- if $metrics.localOnly }}
  host: 127.0.0.1
  {{- end }}
{{- end -}}
