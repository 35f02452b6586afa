package main

import (
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

var (
	configMaps  = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	deployments = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
)

func dynamicVerbs(w *world) {
	maps := w.dynamic.Resource(configMaps).Namespace(w.namespace)
	object := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"generateName": "made-"},
		"data":     map[string]any{"a": "1"},
	}}
	created := must(maps.Create(w.context, object, metav1.CreateOptions{}))
	name := created.GetName()
	say("created: %s, suffix of %d", created.GroupVersionKind(), len(name)-len("made-"))
	patched := must(maps.Patch(w.context, name, types.MergePatchType, []byte(`{"data":{"b":"2"}}`), metav1.PatchOptions{}))
	say("patched: %v", patched.Object["data"])
	applied := created.DeepCopy()
	applied.SetManagedFields(nil)
	applied.SetResourceVersion("")
	applied.Object["data"] = map[string]any{"c": "3"}
	say("applied: %v", must(maps.Apply(w.context, name, applied, metav1.ApplyOptions{FieldManager: "dynamic"})).Object["data"])

	object.Object["colour"] = "red"
	_, err := maps.Create(w.context, object, metav1.CreateOptions{FieldValidation: "Strict"})
	say("unknown field: %t, %v", apierrors.IsBadRequest(err), err)
	_, err = w.dynamic.Resource(schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "pots"}).List(w.context, metav1.ListOptions{})
	say("unknown resource: %t", apierrors.IsNotFound(err))
	must(w.typed.AppsV1().Deployments(w.namespace).Create(w.context, deployment("dynamic"), metav1.CreateOptions{}))
	scale := must(w.dynamic.Resource(deployments).Namespace(w.namespace).Get(w.context, "dynamic", metav1.GetOptions{}, "scale"))
	say("scale: %s", scale.GroupVersionKind())

	partial := must(w.metadata.Resource(configMaps).Namespace(w.namespace).Get(w.context, name, metav1.GetOptions{}))
	say("metadata: %s, %t", partial.Kind, partial.Name == name)
	list := must(w.metadata.Resource(configMaps).Namespace(w.namespace).List(w.context, metav1.ListOptions{FieldSelector: "metadata.name=" + name}))
	say("metadata list: %s, %d", list.Kind, len(list.Items))
	check(maps.Delete(w.context, name, metav1.DeleteOptions{}))
}
