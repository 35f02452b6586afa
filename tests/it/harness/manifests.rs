//! Manifests that several tests use.

/// A Deployment of an HTTP function with a `NodePort` Service, both called `web`.
pub(crate) fn web(replicas: u32, image: &str) -> String {
    format!(
        "apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: {replicas}
  selector:
    matchLabels: {{app: web}}
  template:
    metadata:
      labels: {{app: web}}
    spec:
      containers:
      - name: web
        image: {image}
        ports:
        - containerPort: 8080
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  type: NodePort
  selector: {{app: web}}
  ports:
  - port: 80
    targetPort: 8080
"
    )
}

/// A Pod of one container; `more` is the rest of the container, and `spec` of the Pod, as flow-style YAML fields.
pub(crate) fn pod(name: &str, image: &str, more: &str, spec: &str) -> String {
    format!(
        "apiVersion: v1
kind: Pod
metadata: {{name: {name}, labels: {{app: {name}}}}}
spec: {{containers: [{{name: main, image: \"{image}\"{more}}}]{spec}}}
"
    )
}
