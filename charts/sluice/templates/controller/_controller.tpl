{{/* Parts of the controller's pod. */}}

{{- define "sluice.controllerOptions" -}}
{{- $controller := .Values.controller -}}
- --kubernetes
- --state=/var/lib/sluice/controller
- --node-account={{ .Release.Namespace }}/{{ include "sluice.name" (list . "node") }}
- --authority-file=/etc/sluice/authority/authority.yaml
{{- range $controller.staticPodNamespaces }}
- --static-pod-namespace={{ . }}
{{- end }}
- --leaf-lifetime={{ $controller.leafLifetime }}
- --node-lifetime={{ $controller.nodeLifetime }}
- --metrics-address=[::]:15020
{{- if .Values.networkPolicies.debugNamespaces }}
- --debug-address=[::]:9092
{{- end }}
- --mesh-config-namespace={{ default .Release.Namespace .Values.meshConfig.namespace }}
- --pod-ranges={{ $controller.podRanges }}
- --validate-traffic-target={{ .Values.smi.validateTrafficTarget }}
- --strangers={{ $controller.strangers }}
- --strangers-per-address={{ $controller.strangersPerAddress }}
{{- if not .Values.trustBundle.pem }}
- --trust-bundle-config-map={{ .Values.trustBundle.configMap }}
{{- end }}
{{- if .Values.webhook.enabled }}
- --webhook=[::]:9443
- --webhook-certificate=/etc/sluice/webhook/tls.crt
- --webhook-key=/etc/sluice/webhook/tls.key
{{- if .Values.smi.trafficMetrics }}
- --traffic-metrics=true
{{- end }}
{{- end }}
{{- end -}}

{{/* What --authority-file says; docs/identity.md. */}}
{{- define "sluice.authority" -}}
{{- $authority := .Values.controller.authority -}}
distributeFor: {{ $authority.distributeFor }}
signingKey: {{ $authority.signingKey }}
dnsNames: {{ $authority.dnsNames }}
nameConstraints: {{ $authority.nameConstraints }}
{{- if eq $authority.type "builtIn" }}
builtIn: {}
{{- else if eq $authority.type "imported" }}
imported:
  certificate: /etc/sluice/imported/ca.crt
  privateKey: /etc/sluice/imported/private.key
{{- else if eq $authority.type "vault" }}
vault:
  address: {{ required "controller.authority.vault.address: name the Vault server, such as https://vault.example:8200" $authority.vault.address }}
  mount: {{ $authority.vault.mount }}
  role: {{ $authority.vault.role }}
  {{- if $authority.vault.tokenSecret }}
  tokenFile: /etc/sluice/vault/token
  {{- else }}
  kubernetes:
    mount: {{ $authority.vault.kubernetesMount }}
    role: {{ $authority.vault.kubernetesRole }}
    serviceAccountToken: /var/run/secrets/kubernetes.io/serviceaccount/token
  {{- end }}
  {{- if $authority.vault.caSecret }}
  serverRoots: /etc/sluice/vault-ca/ca.crt
  {{- end }}
  {{- include "sluice.trustedRoots" . | nindent 2 }}
{{- else }}
certManager:
  namespace: {{ default .Release.Namespace $authority.certManager.namespace }}
  issuer:
    {{- toYaml $authority.certManager.issuer | nindent 4 }}
  {{- include "sluice.trustedRoots" . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "sluice.trustedRoots" -}}
{{- if .Values.trustBundle.pem -}}
trustedRoots: /etc/sluice/roots/roots.pem
{{- end -}}
{{- end -}}

{{/* Secrets (mode 0440, 288) and ConfigMaps that are mounted below /etc/sluice, as YAML: directory to volume. */}}
{{- define "sluice.controllerFiles" -}}
{{- $authority := .Values.controller.authority -}}
authority: {configMap: {name: {{ include "sluice.name" (list . "authority") }}}}
{{- if eq $authority.type "imported" }}
imported: {secret: {secretName: {{ required "controller.authority.imported.secretName: name the Secret with ca.crt and private.key" $authority.imported.secretName }}, defaultMode: 288}}
{{- end }}
{{- if eq $authority.type "vault" }}
{{- with $authority.vault.tokenSecret }}
vault: {secret: {secretName: {{ . }}, defaultMode: 288}}
{{- end }}
{{- with $authority.vault.caSecret }}
vault-ca: {secret: {secretName: {{ . }}, defaultMode: 288}}
{{- end }}
{{- end }}
{{- if and .Values.trustBundle.pem (has $authority.type (list "vault" "certManager")) }}
roots: {configMap: {name: {{ .Values.trustBundle.configMap }}}}
{{- end }}
{{- if .Values.webhook.enabled }}
webhook: {secret: {secretName: {{ include "sluice.webhookSecret" . }}, defaultMode: 288}}
{{- end }}
{{- end -}}

{{- define "sluice.stateVolume" -}}
{{- $state := .Values.controller.state -}}
{{- if eq $state.type "persistentVolumeClaim" -}}
persistentVolumeClaim: {claimName: {{ include "sluice.name" (list . "controller") }}}
{{- else if eq $state.type "hostPath" -}}
hostPath: {path: {{ $state.hostPath }}, type: DirectoryOrCreate}
{{- else -}}
emptyDir: {sizeLimit: {{ $state.size }}}
{{- end -}}
{{- end -}}
