{{- define "sluice.webhookSecret" -}}
{{- default (include "sluice.name" (list . "webhook")) .Values.webhook.certificate.existingSecret -}}
{{- end -}}

{{/*
The certificate that the chart makes, as YAML with tls.crt, tls.key and ca.crt in base64: that of the Secret that is there, so
that an upgrade changes nothing. Two objects need the same one, so it is kept with the values while the chart is rendered.
*/}}
{{- define "sluice.webhookCertificate" -}}
{{- if not (hasKey .Values "madeCertificate") -}}
{{- $name := include "sluice.name" (list . "webhook") -}}
{{- $made := (lookup "v1" "Secret" .Release.Namespace $name).data -}}
{{- if not (and $made (hasKey $made "ca.crt")) -}}
{{- $host := printf "%s.%s.svc" $name .Release.Namespace -}}
{{- $authority := genCAWithKey (printf "%s authority" $name | trunc 64) 3650 (genPrivateKey "ecdsa") -}}
{{- $signed := genSignedCertWithKey ($name | trunc 64) nil (list $host) 3650 $authority (genPrivateKey "ecdsa") -}}
{{- $made = dict "tls.crt" (b64enc $signed.Cert) "tls.key" (b64enc $signed.Key) "ca.crt" (b64enc $authority.Cert) -}}
{{- end -}}
{{- $_ := set .Values "madeCertificate" $made -}}
{{- end -}}
{{- .Values.madeCertificate | toYaml -}}
{{- end -}}
