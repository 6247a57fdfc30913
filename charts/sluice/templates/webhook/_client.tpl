{{- define "sluice.webhookTrust" -}}
{{- $own := .Values.webhook.certificate -}}
{{- if $own.existingSecret -}}
caBundle: {{ required "webhook.certificate.caBundle: the API server has to know who signed the certificate of existingSecret" $own.caBundle | b64enc }}
{{- else -}}
caBundle: {{ get (include "sluice.webhookCertificate" . | fromYaml) "ca.crt" }}
{{- end -}}
{{- end -}}

{{/* Where the API server reaches the webhook, and whom it believes there. */}}
{{- define "sluice.webhookClient" -}}
clientConfig:
  {{- include "sluice.webhookTrust" . | nindent 2 }}
  service: {name: {{ include "sluice.name" (list . "webhook") }}, namespace: {{ .Release.Namespace }}, path: /validate, port: 443}
{{- end -}}
