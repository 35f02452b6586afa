//! How nodes run Pods: the group `node.k8s.io`.

mod runtime_class;
