package main

import (
	"sort"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/restmapper"
)

func discovering(w *world) {
	client := must(discovery.NewDiscoveryClientForConfig(w.config))
	version := must(client.ServerVersion())
	say("version: %s.%s", version.Major, version.Minor)
	lists := must(client.ServerPreferredResources())
	found := map[string]metav1.APIResource{}
	for _, list := range lists {
		for _, resource := range list.APIResources {
			found[list.GroupVersion+" "+resource.Name] = resource
		}
	}
	for _, key := range []string{"v1 bindings", "v1 pods", "v1 nodes", "apps/v1 deployments", "batch/v1 cronjobs", "rbac.authorization.k8s.io/v1 clusterroles", "coordination.k8s.io/v1 leases"} {
		resource := found[key]
		sort.Strings(resource.Verbs)
		say("%s: %s, namespaced %t, %v %v %v", key, resource.Kind, resource.Namespaced, resource.ShortNames, resource.Categories, resource.Verbs)
	}
	cached := memory.NewMemCacheClient(client)
	mapper := restmapper.NewShortcutExpander(restmapper.NewDeferredDiscoveryRESTMapper(cached), cached, nil)
	mapping := must(mapper.RESTMapping(schema.GroupKind{Group: "apps", Kind: "StatefulSet"}))
	say("mapping: %s, %s", mapping.Resource, mapping.Scope.Name())
	for _, short := range []string{"deploy", "cm", "ns", "services", "pod"} {
		say("%s: %s", short, must(mapper.KindFor(schema.GroupVersionResource{Resource: short})))
	}
	_, err := mapper.RESTMapping(schema.GroupKind{Group: "example.com", Kind: "Pot"})
	say("no such kind: %t", meta.IsNoMatchError(err))
	paths := must(client.OpenAPIV3().Paths())
	for _, path := range []string{"api/v1", "apis/apps/v1", "apis/batch/v1"} {
		say("described: %s %t", path, paths[path] != nil && len(must(paths[path].Schema("application/json"))) > 1000)
	}
	document := must(client.OpenAPISchema())
	say("described in one: %s, %t", document.Swagger, len(document.Definitions.AdditionalProperties) > 300)
}
