package main

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/events"
	"k8s.io/client-go/tools/record"
)

// recording sends the same Event thrice: the library makes one object of them and counts.
func recording(w *world) {
	object := must(w.typed.CoreV1().ConfigMaps(w.namespace).Create(w.context, configMap("subject", nil, nil), metav1.CreateOptions{}))
	broadcaster := record.NewBroadcaster()
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: w.typed.CoreV1().Events("")})
	recorder := broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "client"})
	for range 3 {
		recorder.Event(object, corev1.EventTypeWarning, "Tested", "it was tested")
	}
	older := w.typed.CoreV1().Events(w.namespace)
	check(eventually(w, func() (bool, error) {
		found := must(older.List(w.context, metav1.ListOptions{FieldSelector: "involvedObject.name=subject,reason=Tested,type=Warning"}))
		return len(found.Items) == 1 && found.Items[0].Count == 3, nil
	}))
	found := must(older.Search(scheme.Scheme, object))
	say("found: %d, %s, %d times, by %s", len(found.Items), found.Items[0].Message, found.Items[0].Count, found.Items[0].Source.Component)
	newer := must(w.typed.EventsV1().Events(w.namespace).List(w.context, metav1.ListOptions{FieldSelector: "regarding.name=subject"}))
	say("as events.k8s.io: %d, %s, %d times, by %s", len(newer.Items), newer.Items[0].Note, newer.Items[0].DeprecatedCount, newer.Items[0].DeprecatedSource.Component)
	broadcaster.Shutdown()
	series(w, object)
}

// series does the same with the newer library, which sends the second as a patch and counts the others until later.
func series(w *world, object *corev1.ConfigMap) {
	broadcaster := events.NewBroadcaster(&events.EventSinkImpl{Interface: w.typed.EventsV1()})
	check(broadcaster.StartRecordingToSinkWithContext(w.context))
	recorder := broadcaster.NewRecorder(scheme.Scheme, "example.com/client")
	newer := w.typed.EventsV1().Events(w.namespace)
	for times := range 2 {
		recorder.Eventf(object, nil, corev1.EventTypeNormal, "Repeated", "Testing", "it was tested again")
		check(eventually(w, func() (bool, error) {
			found := must(newer.List(w.context, metav1.ListOptions{FieldSelector: "reason=Repeated"}))
			return len(found.Items) == 1 && (times == 0 || found.Items[0].Series != nil), nil
		}))
	}
	found := must(newer.List(w.context, metav1.ListOptions{FieldSelector: "reason=Repeated"})).Items[0]
	say("series: %d times, %s, %s, by %s", found.Series.Count, found.Action, found.Regarding.Name, found.ReportingController)
	broadcaster.Shutdown()
}
