{{/*
In place of the daemon: each node is given back to its own network, then what the daemon left in force is removed. Ready once
that is done, so that `kubectl rollout status` tells when every node is clean.
*/}}
{{- define "sluice.retiringContainers" -}}
initContainers:
- name: cni-uninstall
  args:
  - node
  - cni
  - uninstall
  - --node-name=$(NODE_NAME)
  {{- include "sluice.cniOptions" . | nindent 2 }}
  {{- include "sluice.retiringContainer" . | nindent 2 }}
- name: cleanup
  args: [node, cleanup, --node-name=$(NODE_NAME), --forget]
  {{- include "sluice.retiringContainer" . | nindent 2 }}
containers:
- name: node
  image: {{ include "sluice.image" (list . .Values.node) }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  # The first process of a container has to end by itself at SIGTERM: else it is killed half a minute later, a failure.
  command: [sh, -c, "trap 'exit 0' TERM; sleep infinity & wait"]
  resources: {requests: {cpu: 1m, memory: 8Mi}, limits: {cpu: 100m, memory: 16Mi}}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    readOnlyRootFilesystem: true
    allowPrivilegeEscalation: false
    seccompProfile: {type: RuntimeDefault}
    capabilities: {drop: [ALL]}
{{- end -}}

{{- define "sluice.retiringContainer" -}}
image: {{ include "sluice.image" (list . .Values.node) }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
- {name: NODE_NAME, valueFrom: {fieldRef: {fieldPath: spec.nodeName}}}
resources:
  {{- include "sluice.resources" (list . "node") | nindent 2 }}
securityContext:
  {{- include "sluice.nodeSecurity" . | nindent 2 }}
volumeMounts:
{{ include "sluice.nodeMounts" . }}
{{- end -}}
