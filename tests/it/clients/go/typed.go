package main

import (
	"context"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/retry"
)

func typedAsJSON(w *world) {
	typedVerbs(w, w.typed, "json")
}

func typedAsProtobuf(w *world) {
	typedVerbs(w, inProtobuf(w, "application/vnd.kubernetes.protobuf,application/json"), "protobuf")
}

// inProtobuf is a client that writes protobuf, and reads what it says.
func inProtobuf(w *world, accept string) kubernetes.Interface {
	config := rest.CopyConfig(w.config)
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.AcceptContentTypes = accept
	return must(kubernetes.NewForConfig(config))
}

func typedVerbs(w *world, client kubernetes.Interface, name string) {
	deployments := client.AppsV1().Deployments(w.namespace)
	created := must(deployments.Create(w.context, deployment(name), metav1.CreateOptions{}))
	strategy := created.Spec.Strategy
	say("created: generation %d, history %d, %s, surge %s, restart %s", created.Generation, *created.Spec.RevisionHistoryLimit,
		strategy.Type, strategy.RollingUpdate.MaxSurge, created.Spec.Template.Spec.RestartPolicy)
	_, err := deployments.Create(w.context, deployment(name), metav1.CreateOptions{})
	say("created twice: %t", apierrors.IsAlreadyExists(err))
	_, err = deployments.Get(w.context, "nobody", metav1.GetOptions{})
	say("not there: %t, %v", apierrors.IsNotFound(err), err)

	// A controller may write in between.
	check(retry.RetryOnConflict(patient, func() error {
		got := must(deployments.Get(w.context, name, metav1.GetOptions{}))
		got.Spec.Template.Spec.Containers[0].Image = "registry.example/main:2"
		updated, err := deployments.Update(w.context, got, metav1.UpdateOptions{})
		if err == nil {
			say("updated: generation %d, image %s", updated.Generation, updated.Spec.Template.Spec.Containers[0].Image)
		}
		return err
	}))

	invalid := deployment("invalid")
	invalid.Spec.Template.Labels = map[string]string{"app": "other"}
	invalid.Spec.Template.Spec.Containers[0].Name = "Main"
	_, err = deployments.Create(w.context, invalid, metav1.CreateOptions{})
	say("invalid: %t", apierrors.IsInvalid(err))
	for _, cause := range err.(apierrors.APIStatus).Status().Details.Causes {
		say("  %s %s", cause.Type, cause.Field)
	}
	patches(w, client, name)
	scale := must(deployments.GetScale(w.context, name, metav1.GetOptions{}))
	say("scale: %d of %s", scale.Spec.Replicas, scale.Status.Selector)
	status(w, deployments, name)
	check(deployments.Delete(w.context, name, metav1.DeleteOptions{}))
	_, err = deployments.Get(w.context, name, metav1.GetOptions{})
	say("deleted: %t", apierrors.IsNotFound(err))
	ending(w, client, name)
}

func patches(w *world, client kubernetes.Interface, name string) {
	deployments := client.AppsV1().Deployments(w.namespace)
	for _, patch := range []struct {
		kind types.PatchType
		body string
	}{
		{types.JSONPatchType, `[{"op":"add","path":"/metadata/labels/json","value":"yes"}]`},
		{types.MergePatchType, `{"metadata":{"labels":{"merge":"yes"}}}`},
		{types.StrategicMergePatchType, `{"spec":{"template":{"spec":{"containers":[{"name":"second","image":"registry.example/second:1"}]}}}}`},
	} {
		patched := must(deployments.Patch(w.context, name, patch.kind, []byte(patch.body), metav1.PatchOptions{}))
		say("patched: %v, containers %d", patched.Labels, len(patched.Spec.Template.Spec.Containers))
	}
	_, err := deployments.Patch(w.context, name, types.JSONPatchType, []byte(`[{"op":"test","path":"/metadata/name","value":"x"}]`), metav1.PatchOptions{})
	say("patch that fails: %t", apierrors.IsInvalid(err))
	dry := must(deployments.Patch(w.context, name, types.MergePatchType, []byte(`{"metadata":{"labels":{"dry":"yes"}}}`),
		metav1.PatchOptions{DryRun: []string{metav1.DryRunAll}}))
	got := must(deployments.Get(w.context, name, metav1.GetOptions{}))
	say("dry run: %q, then %q", dry.Labels["dry"], got.Labels["dry"])
}

type statusClient interface {
	Get(context.Context, string, metav1.GetOptions) (*appsv1.Deployment, error)
	UpdateStatus(context.Context, *appsv1.Deployment, metav1.UpdateOptions) (*appsv1.Deployment, error)
}

// status writes the status of an object whose spec it also changes: only the first counts.
func status(w *world, deployments statusClient, name string) {
	check(retry.RetryOnConflict(patient, func() error {
		got := must(deployments.Get(w.context, name, metav1.GetOptions{}))
		got.Status.Conditions = append(got.Status.Conditions, appsv1.DeploymentCondition{Type: "Seen", Status: corev1.ConditionTrue})
		got.Spec.Paused = true
		written, err := deployments.UpdateStatus(w.context, got, metav1.UpdateOptions{})
		if err == nil {
			last := written.Status.Conditions[len(written.Status.Conditions)-1]
			say("status: %s %s, paused %t", last.Type, last.Status, written.Spec.Paused)
		}
		return err
	}))
}

// ending shows the ways in which an object goes.
func ending(w *world, client kubernetes.Interface, name string) {
	maps := client.CoreV1().ConfigMaps(w.namespace)
	held := configMap(name, nil, nil)
	held.Finalizers = []string{"example.com/hold"}
	created := must(maps.Create(w.context, held, metav1.CreateOptions{}))
	other := types.UID("other")
	err := maps.Delete(w.context, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &other}})
	say("precondition: %t", apierrors.IsConflict(err))
	check(maps.Delete(w.context, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &created.UID}}))
	got := must(maps.Get(w.context, name, metav1.GetOptions{}))
	say("held: being deleted %t, finalizers %v", got.DeletionTimestamp != nil, got.Finalizers)
	must(maps.Patch(w.context, name, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{}))
	_, err = maps.Get(w.context, name, metav1.GetOptions{})
	say("let go: %t", apierrors.IsNotFound(err))

	pods := client.CoreV1().Pods(w.namespace)
	must(pods.Create(w.context, pod(name), metav1.CreateOptions{}))
	eviction := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: w.namespace}}
	check(client.PolicyV1().Evictions(w.namespace).Evict(w.context, eviction))
	check(eventually(w, func() (bool, error) {
		_, err := pods.Get(w.context, name, metav1.GetOptions{})
		return apierrors.IsNotFound(err), nil
	}))
	say("evicted")
}

// eventually asks until the answer is yes.
func eventually(w *world, ask func() (bool, error)) error {
	return wait.PollUntilContextTimeout(w.context, 50*time.Millisecond, ceiling, true,
		func(context.Context) (bool, error) { return ask() })
}
