{{/* Where the API server reaches the webhook, and whom it believes there. */}}
{{- define "sluice.webhookClient" -}}
{{- $own := .Values.webhook.certificate -}}
clientConfig:
  {{- if $own.existingSecret }}
  caBundle: {{ required "webhook.certificate.caBundle: the API server has to know who signed the certificate of existingSecret" $own.caBundle | b64enc }}
  {{- else }}
  caBundle: {{ get (include "sluice.webhookCertificate" . | fromYaml) "ca.crt" }}
  {{- end }}
  service: {name: {{ include "sluice.name" (list . "webhook") }}, namespace: {{ .Release.Namespace }}, path: /validate, port: 443}
{{- end -}}
