{{/* Values that do not go together; what the schema cannot say. */}}
{{- define "sluice.check" -}}
{{- $controller := .Values.controller -}}
{{- $isRemote := has $controller.authority.type (list "vault" "certManager") -}}
{{- if gt (int $controller.replicas) 1 -}}
{{- if not $isRemote -}}
{{- fail (printf "controller.replicas: %d controllers cannot share the keys of authority %s; set controller.authority.type to vault or certManager, or replicas to 1" (int $controller.replicas) $controller.authority.type) -}}
{{- end -}}
{{- if ne $controller.state.type "emptyDir" -}}
{{- fail "controller.state.type: several controllers need a directory each; set emptyDir" -}}
{{- end -}}
{{- end -}}
{{- if and (eq $controller.state.type "emptyDir") (not $isRemote) -}}
{{- fail (printf "controller.state.type: with emptyDir the keys of authority %s are lost with the pod; set persistentVolumeClaim or hostPath" $controller.authority.type) -}}
{{- end -}}
{{- if and (eq $controller.state.type "hostPath") (not $controller.nodeSelector) -}}
{{- fail "controller.nodeSelector: with state.type hostPath name the node that has the directory, such as kubernetes.io/hostname: edge1" -}}
{{- end -}}
{{- if and $controller.authority.dnsNames (eq $controller.authority.type "certManager") -}}
{{- fail "controller.authority.dnsNames: certManager cannot give DNS names; set false" -}}
{{- end -}}
{{- $seconds := dict -}}
{{- range $value := list "leafLifetime" "nodeLifetime" -}}
{{- $written := index $controller $value -}}
{{- $number := regexFind "^[0-9]+" $written -}}
{{- $life := mul (int64 (trunc 9 $number)) (index (dict "s" 1 "m" 60 "h" 3600 "d" 86400) (regexFind "[smhd]$" $written)) -}}
{{- if or (lt $life 60) (gt $life 604800) (gt (len $number) 9) -}}
{{- fail (printf "controller.%s: no certificate lives for %s; set 60s to 7d" $value $written) -}}
{{- end -}}
{{- $_ := set $seconds $value $life -}}
{{- end -}}
{{- if lt $seconds.nodeLifetime $seconds.leafLifetime -}}
{{- fail (printf "controller.nodeLifetime: a node's certificate (%s) lives as long as those of pods (%s) at least; set %s or more" $controller.nodeLifetime $controller.leafLifetime $controller.leafLifetime) -}}
{{- end -}}
{{- $heap := int .Values.node.heapMiB -}}
{{- if and (eq .Values.size "default") (gt $heap 0) (lt $heap 64) -}}
{{- fail (printf "node.heapMiB: size default keeps 24 MiB for new objects, so %d leave too little for what lasts; set 64 or more, a smaller size, or 0" $heap) -}}
{{- end -}}
{{- $update := .Values.node.updateStrategy -}}
{{- $surges := ne (toString $update.maxSurge) "0" -}}
{{- if and (or .Values.retire (eq $update.type "RollingUpdate")) (eq $surges (ne (toString $update.maxUnavailable) "0")) -}}
{{- fail "node.updateStrategy: a daemon ends either after its successor has started (maxSurge) or before (maxUnavailable); set exactly one of them to 0" -}}
{{- end -}}
{{- $granted := dict -}}
{{- range $controller.certificateSecrets -}}
{{- if has .namespace (list "kube-system" "kube-public" "kube-node-lease") -}}
{{- fail (printf "controller.certificateSecrets: %s is a namespace of the system, in which nobody should make Secrets; name another" .namespace) -}}
{{- end -}}
{{- if hasKey $granted .namespace -}}
{{- fail (printf "controller.certificateSecrets: namespace %s is there twice; give all its names to one entry" .namespace) -}}
{{- end -}}
{{- $_ := set $granted .namespace true -}}
{{- end -}}
{{- if and .Values.networkPolicies.debugNamespaces (not .Values.networkPolicies.enabled) -}}
{{- fail "networkPolicies.debugNamespaces: without NetworkPolicies every pod would reach the debug server; set networkPolicies.enabled to true, or name no namespace" -}}
{{- end -}}
{{- if and (or .Values.osm.deployPrometheus .Values.osm.deployGrafana) (not .Values.networkPolicies.enabled) -}}
{{- fail "osm.deployPrometheus, osm.deployGrafana: neither asks who calls, and without NetworkPolicies every pod would reach them; set networkPolicies.enabled to true" -}}
{{- end -}}
{{- range $value, $scrapes := dict "metrics.podMonitor.enabled" .Values.metrics.podMonitor.enabled "osm.deployPrometheus" .Values.osm.deployPrometheus -}}
{{- if and $scrapes $.Values.metrics.localOnly -}}
{{- fail (printf "%s: with localOnly nobody else can scrape the nodes; set one of them to false" $value) -}}
{{- end -}}
{{- end -}}
{{- if and .Values.webhook.certificate.caBundle (not .Values.webhook.certificate.existingSecret) -}}
{{- fail "webhook.certificate.caBundle: it is of the certificate in existingSecret, which is not set; name that Secret, or leave caBundle empty" -}}
{{- end -}}
{{- if and .Values.smi.trafficMetrics (not .Values.webhook.enabled) -}}
{{- fail "smi.trafficMetrics: it is served at the webhook's port; set webhook.enabled to true" -}}
{{- end -}}
{{- if and .Values.smi.trafficMetrics (gt (int $controller.replicas) 1) -}}
{{- fail "smi.trafficMetrics: a controller asks the nodes that follow it, and the API server asks any; set controller.replicas to 1" -}}
{{- end -}}
{{- if and .Values.osm.deployGrafana (not (or .Values.osm.deployPrometheus .Values.osm.grafana.prometheus)) -}}
{{- fail "osm.deployGrafana: it has nothing to show; set osm.deployPrometheus to true, or osm.grafana.prometheus to the URL of yours" -}}
{{- end -}}
{{- end -}}
