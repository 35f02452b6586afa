package main

import (
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"
)

// followingEverything has an informer for each kind that can be watched, as garbage collectors and user interfaces have, and
// says which of them never come to know their kind.
func followingEverything(w *world) {
	whole := dynamicinformer.NewDynamicSharedInformerFactory(w.dynamic, 0)
	partial := metadatainformer.NewSharedInformerFactory(w.metadata, 0)
	informers := map[string]cache.SharedIndexInformer{}
	for _, list := range must(w.typed.Discovery().ServerPreferredResources()) {
		version := must(schema.ParseGroupVersion(list.GroupVersion))
		for _, resource := range list.APIResources {
			if slices.Contains(resource.Verbs, "watch") && !strings.Contains(resource.Name, "/") {
				kind := version.WithResource(resource.Name)
				informers[kind.String()] = whole.ForResource(kind).Informer()
				informers["metadata of "+kind.String()] = partial.ForResource(kind).Informer()
			}
		}
	}
	say("more than 50 kinds: %t", len(informers) > 100)
	stop := make(chan struct{})
	whole.Start(stop)
	partial.Start(stop)
	for name, informer := range informers {
		if !cache.WaitForCacheSync(w.context.Done(), informer.HasSynced) {
			say("not known: %s", name)
		}
	}
	namespaces := len(must(w.typed.CoreV1().Namespaces().List(w.context, metav1.ListOptions{})).Items)
	known := informers[schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}.String()]
	say("namespaces: %t", namespaces > 3 && len(known.GetStore().List()) > 3)
	close(stop)
	whole.Shutdown()
	partial.Shutdown()
}
