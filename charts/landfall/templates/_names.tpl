{{- define "landfall.name" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name }}{{ end }}
{{- end }}

{{/* The labels that select pods: they never change. Arguments: dict "root" $ "component" NAME */}}
{{- define "landfall.selector" -}}
app.kubernetes.io/name: landfall
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "landfall.labels" -}}
{{ include "landfall.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: landfall
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- with .root.Values.labels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "landfall.image" -}}
{{- if .image.digest -}}
{{ .image.repository }}@{{ .image.digest }}
{{- else -}}
{{ .image.repository }}:{{ .image.tag | default .root.Chart.AppVersion }}
{{- end }}
{{- end }}

{{/* The user that the ServiceAccount of a component is. Arguments: dict "root" $ "component" NAME */}}
{{- define "landfall.user" -}}
system:serviceaccount:{{ .root.Release.Namespace }}:{{ include "landfall.name" .root }}-{{ .component }}
{{- end }}

{{/* ADDRESS:PORT of a listen value. */}}
{{- define "landfall.listen" -}}
{{- if contains ":" .address }}[{{ .address }}]{{ else }}{{ .address }}{{ end }}:{{ .port }}
{{- end }}

{{/* A request of kubelet, which asks the pod's address unless told another.
     Arguments: dict "path" PATH "listen" LISTEN */}}
{{- define "landfall.get" -}}
httpGet:
  path: {{ .path }}
  port: metrics
  {{- if not (has .listen.address (list "0.0.0.0" "::")) }}
  host: {{ .listen.address | quote }}
  {{- end }}
{{- end }}
