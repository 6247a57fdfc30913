{{/*
What of a node the CNI plugin needs, by distribution of Kubernetes. Each directory is mounted below /host, where the daemon
finds those in use by the runtime's own settings (docs/cni.md) and follows links inside of /host. k3s and MicroK8s lead to
other directories with each upgrade, by a link: there what holds the link is mounted. k0s keeps secrets beside its settings,
so its directories are named to the daemon instead.
*/}}
{{- define "sluice.platforms" -}}
k3s:
  mounts:
  - {path: /var/lib/rancher/k3s/agent/etc/containerd, readOnly: true, type: Directory}
  - {path: /var/lib/rancher/k3s/agent/etc/cni/net.d, type: DirectoryOrCreate}
  - {path: /var/lib/rancher/k3s/data, type: Directory}
rke2:
  mounts:
  - {path: /var/lib/rancher/rke2/agent/etc/containerd, readOnly: true, type: Directory}
  - {path: /etc/cni/net.d, type: DirectoryOrCreate}
  - {path: /opt/cni/bin, type: DirectoryOrCreate}
k0s:
  mounts:
  - {path: /etc/cni/net.d, type: DirectoryOrCreate}
  - {path: /opt/cni/bin, type: DirectoryOrCreate}
  confDir: /etc/cni/net.d
  binDirs: [/opt/cni/bin]
microk8s:
  mounts:
  - {path: /var/snap/microk8s, type: Directory}
crio:
  mounts:
  - {path: /etc/crio, readOnly: true, type: Directory}
  - {path: /etc/cni/net.d, type: DirectoryOrCreate}
  - {path: /opt/cni/bin, type: DirectoryOrCreate}
generic:
  mounts:
  - {path: /etc/containerd, readOnly: true, type: DirectoryOrCreate}
  - {path: /etc/cni/net.d, type: DirectoryOrCreate}
  - {path: /opt/cni/bin, type: DirectoryOrCreate}
{{- end -}}

{{/* The platform in use. auto looks at the cluster's nodes; where there is no cluster to look at, it is generic. */}}
{{- define "sluice.platform" -}}
{{- if ne .Values.platform "auto" -}}
{{- .Values.platform -}}
{{- else -}}
{{- $kinds := list -}}
{{- range (lookup "v1" "Node" "" "").items -}}
{{- $kind := "generic" -}}
{{- $version := .status.nodeInfo.kubeletVersion -}}
{{- if contains "+k3s" $version -}}{{- $kind = "k3s" -}}
{{- else if contains "+rke2" $version -}}{{- $kind = "rke2" -}}
{{- else if contains "+k0s" $version -}}{{- $kind = "k0s" -}}
{{- else if hasKey (default dict .metadata.labels) "microk8s.io/cluster" -}}{{- $kind = "microk8s" -}}
{{- else if hasPrefix "cri-o:" .status.nodeInfo.containerRuntimeVersion -}}{{- $kind = "crio" -}}
{{- end -}}
{{- $kinds = append $kinds $kind | uniq -}}
{{- end -}}
{{- if gt (len $kinds) 1 -}}
{{- fail (printf "platform: the nodes are of several kinds (%s); set platform, and node.nodeSelector to the nodes of that kind" (sortAlpha $kinds | join ", ")) -}}
{{- end -}}
{{- default "generic" (first $kinds) -}}
{{- end -}}
{{- end -}}

{{/* As YAML: what is mounted for the CNI plugin, and the directories named to the daemon. */}}
{{- define "sluice.cniPlaces" -}}
{{- $places := index (include "sluice.platforms" . | fromYaml) (include "sluice.platform" .) -}}
{{- $mounts := $places.mounts -}}
{{- range append .Values.cni.binDirs .Values.cni.confDir | compact -}}
{{- $mounts = append $mounts (dict "path" . "type" "DirectoryOrCreate") -}}
{{- end -}}
confDir: {{ default $places.confDir .Values.cni.confDir | quote }}
binDirs: {{ default $places.binDirs .Values.cni.binDirs | default list | toJson }}
mounts: {{ uniq $mounts | toJson }}
{{- end -}}
