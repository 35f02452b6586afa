package main

import (
	"fmt"
	"os"
	"sort"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"
)

// seen is what handlers were told of each object, in order.
type seen struct {
	lock   sync.Mutex
	events map[string][]string
}

func (s *seen) handler() cache.ResourceEventHandlerDetailedFuncs {
	return cache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(object any, initial bool) {
			s.note(object, fmt.Sprintf("added(initial %t)", initial))
		},
		UpdateFunc: func(_, object any) { s.note(object, "updated") },
		DeleteFunc: func(object any) { s.note(object, "deleted") },
	}
}

func (s *seen) note(object any, event string) {
	if last, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = last.Obj
	}
	name := must(meta.Accessor(object)).GetName()
	s.lock.Lock()
	defer s.lock.Unlock()
	s.events[name] = append(s.events[name], event)
}

func (s *seen) last(name string) string {
	s.lock.Lock()
	defer s.lock.Unlock()
	events := s.events[name]
	if len(events) == 0 {
		return ""
	}
	return events[len(events)-1]
}

func (s *seen) print(what string) {
	s.lock.Lock()
	defer s.lock.Unlock()
	var names []string
	for name := range s.events {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		say("%s: %s %v", what, name, s.events[name])
	}
}

func informing(w *world) {
	maps := w.typed.CoreV1().ConfigMaps(w.namespace)
	chosen := map[string]string{"part": "informers"}
	for _, name := range []string{"early-a", "early-b"} {
		must(maps.Create(w.context, configMap(name, chosen, nil), metav1.CreateOptions{}))
	}
	must(maps.Create(w.context, configMap("unchosen", nil, nil), metav1.CreateOptions{}))
	w.sent.take()

	select_ := func(options *metav1.ListOptions) { options.LabelSelector = "part=informers" }
	typed := informers.NewSharedInformerFactoryWithOptions(w.typed, 0, informers.WithNamespace(w.namespace), informers.WithTweakListOptions(select_))
	encoded := informers.NewSharedInformerFactoryWithOptions(inProtobuf(w, "application/vnd.kubernetes.protobuf"), 0,
		informers.WithNamespace(w.namespace), informers.WithTweakListOptions(select_))
	untyped := dynamicinformer.NewFilteredDynamicSharedInformerFactory(w.dynamic, 0, w.namespace, select_)
	partial := metadatainformer.NewFilteredSharedInformerFactory(w.metadata, 0, w.namespace, select_)
	all := map[string]cache.SharedIndexInformer{
		"typed":    typed.Core().V1().ConfigMaps().Informer(),
		"dynamic":  untyped.ForResource(configMaps).Informer(),
		"protobuf": encoded.Core().V1().ConfigMaps().Informer(),
		"metadata": partial.ForResource(configMaps).Informer(),
	}
	what := []string{"typed", "protobuf", "dynamic", "metadata"}
	told := map[string]*seen{}
	for _, name := range what {
		told[name] = &seen{events: map[string][]string{}}
		must(all[name].AddEventHandler(told[name].handler()))
	}
	check(all["typed"].AddIndexers(cache.Indexers{"data": func(object any) ([]string, error) {
		return []string{object.(*corev1.ConfigMap).Data["colour"]}, nil
	}}))
	stop := make(chan struct{})
	typed.Start(stop)
	encoded.Start(stop)
	untyped.Start(stop)
	partial.Start(stop)
	for _, name := range what {
		say("%s: synced %t, %d", name, cache.WaitForCacheSync(w.context.Done(), all[name].HasSynced), len(all[name].GetStore().List()))
	}
	lists, streamed := w.sent.take()
	stream := os.Getenv("KUBE_FEATURE_WatchListClient") != "false"
	say("the initial state came as asked: %t", (lists == 4 && streamed == 0 && !stream) || (lists == 0 && streamed == 4 && stream))

	must(maps.Create(w.context, configMap("late", chosen, map[string]string{"colour": "red"}), metav1.CreateOptions{}))
	must(maps.Patch(w.context, "early-a", types.MergePatchType, []byte(`{"data":{"colour":"red"}}`), metav1.PatchOptions{}))
	// An object that the selector no longer chooses is deleted for those who watch by it, and the other way about.
	must(maps.Patch(w.context, "early-b", types.MergePatchType, []byte(`{"metadata":{"labels":{"part":null}}}`), metav1.PatchOptions{}))
	must(maps.Patch(w.context, "unchosen", types.MergePatchType, []byte(`{"metadata":{"labels":{"part":"informers"}}}`), metav1.PatchOptions{}))
	check(maps.Delete(w.context, "unchosen", metav1.DeleteOptions{}))
	for _, name := range what {
		check(eventually(w, func() (bool, error) { return told[name].last("unchosen") == "deleted", nil }))
		told[name].print(name)
	}
	red := must(all["typed"].GetIndexer().ByIndex("data", "red"))
	listed := must(typed.Core().V1().ConfigMaps().Lister().ConfigMaps(w.namespace).List(labels.Everything()))
	say("by index: %d; listed: %d", len(red), len(listed))
	close(stop)
	typed.Shutdown()
	encoded.Shutdown()
	untyped.Shutdown()
	partial.Shutdown()
}
