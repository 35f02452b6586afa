package main

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

func watching(w *world) {
	maps := w.typed.CoreV1().ConfigMaps(w.namespace)
	list := must(maps.List(w.context, metav1.ListOptions{}))
	source := &cache.ListWatch{WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
		options.FieldSelector = "metadata.name=watched"
		return maps.Watch(ctx, options)
	}}
	watcher := must(watchtools.NewRetryWatcherWithContext(w.context, list.ResourceVersion, source))
	must(maps.Create(w.context, configMap("watched", nil, nil), metav1.CreateOptions{}))
	must(maps.Create(w.context, configMap("overlooked", nil, nil), metav1.CreateOptions{}))
	must(maps.Patch(w.context, "watched", types.MergePatchType, []byte(`{"data":{"a":"1"}}`), metav1.PatchOptions{}))
	check(maps.Delete(w.context, "watched", metav1.DeleteOptions{}))
	for range 3 {
		event := <-watcher.ResultChan()
		object := event.Object.(*corev1.ConfigMap)
		say("%s %s %v", event.Type, object.Name, object.Data)
	}
	watcher.Stop()

	past := must(maps.Watch(w.context, metav1.ListOptions{ResourceVersion: list.ResourceVersion, FieldSelector: "metadata.name=watched"}))
	say("again from the past: %s", (<-past.ResultChan()).Type)
	past.Stop()
	_, err := maps.List(w.context, metav1.ListOptions{ResourceVersion: "99999999999"})
	say("from the future: %t %t", apierrors.IsTimeout(err), apierrors.HasStatusCause(err, metav1.CauseTypeResourceVersionTooLarge))
	seconds := int64(1)
	short := must(maps.Watch(w.context, metav1.ListOptions{ResourceVersion: list.ResourceVersion, FieldSelector: "metadata.name=nobody", TimeoutSeconds: &seconds}))
	_, more := <-short.ResultChan()
	say("after its timeout: more %t", more)
}
