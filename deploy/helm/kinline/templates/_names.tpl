{{- define "kinline.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{- define "kinline.secret" -}}
{{ .Values.secret.existing | default (printf "%s-secret" .Release.Name) }}
{{- end }}

{{- define "kinline.labels" -}}
app.kubernetes.io/name: kinline
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "kinline.pod" -}}
automountServiceAccountToken: false
# Kubernetes would add KINLINE_..._PORT and the like for each service, and the hub refuses settings it does not know.
enableServiceLinks: false
securityContext: {runAsNonRoot: true, runAsUser: 10001, runAsGroup: 10001, fsGroup: 10001, seccompProfile: {type: RuntimeDefault}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
volumes:
  - name: home
    emptyDir: {}
  - name: tmp
    emptyDir: {}
{{- end }}

{{- define "kinline.container" -}}
image: {{ include "kinline.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
envFrom:
  - secretRef: {name: {{ include "kinline.secret" . }}}
  - configMapRef: {name: {{ .Release.Name }}-settings}
volumeMounts:
  - {name: home, mountPath: /var/lib/kinline}
  - {name: tmp, mountPath: /tmp}
{{- end }}
