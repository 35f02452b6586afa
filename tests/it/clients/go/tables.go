package main

import (
	"encoding/json"

	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// What user interfaces such as k9s ask for: rows that the server has made, and JSON where it makes none.
const asTable = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"

// tabling asks as k9s does: may I, is there a metrics server, and tables that are watched.
func tabling(w *world) {
	for _, resource := range []string{"pods", "deployments.apps", "nodes"} {
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: w.namespace, Verb: "list", Resource: resource}}}
		answer := must(w.typed.AuthorizationV1().SelfSubjectAccessReviews().Create(w.context, review, metav1.CreateOptions{}))
		say("may list %s: %t", resource, answer.Status.Allowed)
	}
	_, err := w.typed.Discovery().ServerResourcesForGroupVersion("metrics.k8s.io/v1beta1")
	say("no metrics: %t", apierrors.IsNotFound(err))
	err = w.typed.Discovery().RESTClient().Get().AbsPath("/apis/metrics.k8s.io/v1beta1/nodes").Do(w.context).Error()
	say("no metrics of nodes: %t", apierrors.IsNotFound(err))

	must(w.typed.AppsV1().Deployments(w.namespace).Create(w.context, deployment("shown"), metav1.CreateOptions{}))
	must(w.typed.CoreV1().Pods(w.namespace).Create(w.context, pod("shown"), metav1.CreateOptions{}))
	for _, shown := range []struct {
		resource string
		client   rest.Interface
	}{
		{"deployments", w.typed.AppsV1().RESTClient()},
		{"pods", w.typed.CoreV1().RESTClient()},
	} {
		tables(w, shown.resource, shown.client)
	}
}

func tables(w *world, resource string, client rest.Interface) {
	options := &metav1.ListOptions{FieldSelector: "metadata.name=shown"}
	ask := func() *rest.Request {
		return client.Get().Namespace(w.namespace).Resource(resource).SetHeader("Accept", asTable).
			VersionedParams(options, metav1.ParameterCodec).Param("includeObject", "Metadata")
	}
	var table metav1.Table
	check(json.Unmarshal(must(ask().Do(w.context).Raw()), &table))
	for _, column := range table.ColumnDefinitions {
		say("%s: %s %s %q %d", resource, column.Name, column.Type, column.Format, column.Priority)
	}
	var row metav1.PartialObjectMetadata
	check(json.Unmarshal(table.Rows[0].Object.Raw, &row))
	say("row: %s %s", row.Kind, row.Name)

	options.Watch = true
	options.ResourceVersion = table.ResourceVersion
	stream := must(ask().Stream(w.context))
	defer stream.Close()
	check(client.Delete().Namespace(w.namespace).Resource(resource).Name("shown").Do(w.context).Error())
	decoder := json.NewDecoder(stream)
	for first := true; ; first = false {
		var event struct {
			Type   string
			Object metav1.Table
		}
		check(decoder.Decode(&event))
		if told := len(event.Object.ColumnDefinitions) > 0; told != first {
			say("%s: columns told %t, first event %t", event.Type, told, first)
		}
		if event.Type == "DELETED" {
			say("%s: %v", event.Type, event.Object.Rows[0].Cells[0])
			return
		}
	}
}
