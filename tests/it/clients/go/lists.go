package main

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/pager"
	"k8s.io/client-go/util/retry"
)

func pages(w *world) {
	maps := w.typed.CoreV1().ConfigMaps(w.namespace)
	for index := range 10 {
		labels := map[string]string{"parity": []string{"even", "odd"}[index%2], "part": "pages"}
		must(maps.Create(w.context, configMap(fmt.Sprintf("page-%d", index), labels, nil), metav1.CreateOptions{}))
	}
	calls := 0
	page := pager.New(func(ctx context.Context, options metav1.ListOptions) (runtime.Object, error) {
		calls++
		return maps.List(ctx, options)
	})
	page.PageSize = 3
	var names []string
	check(page.EachListItem(w.context, metav1.ListOptions{LabelSelector: "part=pages"}, func(object runtime.Object) error {
		names = append(names, object.(*corev1.ConfigMap).Name)
		return nil
	}))
	say("in %d pages: %v", calls, names)
	first := must(maps.List(w.context, metav1.ListOptions{LabelSelector: "part=pages", Limit: 4}))
	say("first page: %d, more follows %t, remaining told %t", len(first.Items), first.Continue != "", first.RemainingItemCount != nil)
	for _, options := range []metav1.ListOptions{
		{LabelSelector: "part=pages,parity=odd"},
		{LabelSelector: "part in (pages),parity notin (odd)"},
		{LabelSelector: "part,!parity"},
		{FieldSelector: "metadata.name=page-4"},
		{FieldSelector: "metadata.name!=page-4", LabelSelector: "part=pages"},
	} {
		say("%q %q: %d", options.LabelSelector, options.FieldSelector, len(must(maps.List(w.context, options)).Items))
	}
	for _, options := range []metav1.ListOptions{
		{LabelSelector: "a in b"}, {FieldSelector: "data.a=b"}, {Continue: "broken"}, {ResourceVersion: "1", ResourceVersionMatch: "Sometimes"},
	} {
		_, err := maps.List(w.context, options)
		say("refused: %s", apierrors.ReasonForError(err))
	}
	check(maps.DeleteCollection(w.context, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "part=pages"}))
	say("left: %d", len(must(maps.List(w.context, metav1.ListOptions{LabelSelector: "part=pages"})).Items))
}

func conflicts(w *world) {
	maps := w.typed.CoreV1().ConfigMaps(w.namespace)
	created := must(maps.Create(w.context, configMap("counter", nil, map[string]string{"count": "0"}), metav1.CreateOptions{}))
	stale := created.DeepCopy()
	created.Data["other"] = "yes"
	must(maps.Update(w.context, created, metav1.UpdateOptions{}))
	stale.Data["other"] = "no"
	_, err := maps.Update(w.context, stale, metav1.UpdateOptions{})
	say("stale: %t, %v", apierrors.IsConflict(err), err)

	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 5 {
				check(retry.RetryOnConflict(patient, func() error {
					got := must(maps.Get(w.context, "counter", metav1.GetOptions{}))
					var count int
					must(fmt.Sscan(got.Data["count"], &count))
					got.Data["count"] = fmt.Sprint(count + 1)
					_, err := maps.Update(w.context, got, metav1.UpdateOptions{})
					return err
				}))
			}
		})
	}
	group.Wait()
	say("counted: %s", must(maps.Get(w.context, "counter", metav1.GetOptions{})).Data["count"])
}

// As retry.DefaultBackoff, with more tries: eight writers meet here.
var patient = func() (backoff wait.Backoff) {
	backoff = retry.DefaultBackoff
	backoff.Steps, backoff.Factor = 200, 1
	return backoff
}()
