{{/*
A definition out of crds/: list of root and file. Helm installs those of crds/ before anything else and never touches them again,
so an upgrade brings the new ones as objects of the release. The files carry Helm's marks of a release sluice in sluice-system, by
which it takes them over. auto leaves definitions alone that somebody else installed, OSM for instance.
*/}}
{{- define "sluice.crd" -}}
{{- $root := index . 0 -}}
{{- $text := $root.Files.Get (printf "crds/%s" (index . 1)) -}}
{{- $wanted := eq $root.Values.crds.upgrade "always" -}}
{{- if and (eq $root.Values.crds.upgrade "auto") $root.Release.IsUpgrade -}}
{{- $there := lookup "apiextensions.k8s.io/v1" "CustomResourceDefinition" "" (fromYaml $text).metadata.name -}}
{{- $marks := default dict (default dict $there.metadata).annotations -}}
{{- $isOurs := and (eq (default "" (get $marks "meta.helm.sh/release-name")) $root.Release.Name) (eq (default "" (get $marks "meta.helm.sh/release-namespace")) $root.Release.Namespace) -}}
{{- $wanted = or (not $there) $isOurs -}}
{{- end -}}
{{- if $wanted -}}
{{- $text -}}
{{- end -}}
{{- end -}}
