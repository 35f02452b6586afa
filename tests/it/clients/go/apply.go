package main

import (
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appsv1 "k8s.io/client-go/applyconfigurations/apps/v1"
	autoscalingv1 "k8s.io/client-go/applyconfigurations/autoscaling/v1"
	corev1 "k8s.io/client-go/applyconfigurations/core/v1"
	applymetav1 "k8s.io/client-go/applyconfigurations/meta/v1"
)

func wanted(w *world, replicas int32, image string) *appsv1.DeploymentApplyConfiguration {
	labels := map[string]string{"app": "applied"}
	return appsv1.Deployment("applied", w.namespace).WithLabels(labels).WithSpec(appsv1.DeploymentSpec().
		WithReplicas(replicas).
		WithSelector(applymetav1.LabelSelector().WithMatchLabels(labels)).
		WithTemplate(corev1.PodTemplateSpec().WithLabels(labels).WithSpec(corev1.PodSpec().WithContainers(
			corev1.Container().WithName("main").WithImage(image).WithPorts(corev1.ContainerPort().WithContainerPort(80)),
		))))
}

func applying(w *world) {
	client := w.typed.AppsV1().Deployments(w.namespace)
	first := metav1.ApplyOptions{FieldManager: "first"}
	created := must(client.Apply(w.context, wanted(w, 0, "registry.example/main:1"), first))
	again := must(client.Apply(w.context, wanted(w, 0, "registry.example/main:1"), first))
	say("applied: %s; again: the same generation %t", created.Name, again.Generation == created.Generation)

	_, err := client.Apply(w.context, wanted(w, 0, "registry.example/main:2"), metav1.ApplyOptions{FieldManager: "second"})
	say("conflict: %t, %v", apierrors.IsConflict(err), err)
	for _, cause := range err.(apierrors.APIStatus).Status().Details.Causes {
		say("  %s %s: %s", cause.Type, cause.Field, cause.Message)
	}
	forced := must(client.Apply(w.context, wanted(w, 0, "registry.example/main:2"), metav1.ApplyOptions{FieldManager: "second", Force: true}))
	for _, entry := range forced.ManagedFields {
		if entry.Operation == metav1.ManagedFieldsOperationApply {
			say("  %s %s %s", entry.Manager, entry.APIVersion, entry.FieldsV1)
		}
	}
	extracted := must(appsv1.ExtractDeployment(forced, "first"))
	containers := extracted.Spec.Template.Spec.Containers
	say("first still has: replicas %d, image %t, ports %d", *extracted.Spec.Replicas, containers[0].Image != nil, len(containers[0].Ports))

	// What a manager no longer wants goes, if nobody else wants it.
	less := wanted(w, 0, "registry.example/main:2")
	less.Spec.Template.Spec.Containers[0].Ports = nil
	must(client.Apply(w.context, less, metav1.ApplyOptions{FieldManager: "second"}))
	less.Spec.Template.Spec.Containers[0].Image = nil
	got := must(client.Apply(w.context, less, first))
	say("both gave up the ports: %d", len(got.Spec.Template.Spec.Containers[0].Ports))

	scale := autoscalingv1.Scale().WithSpec(autoscalingv1.ScaleSpec().WithReplicas(1))
	_, err = client.ApplyScale(w.context, "applied", scale, metav1.ApplyOptions{FieldManager: "scaler"})
	say("scale: conflict %t", apierrors.IsConflict(err))
	scaled := must(client.ApplyScale(w.context, "applied", scale, metav1.ApplyOptions{FieldManager: "scaler", Force: true}))
	say("scale: %d", scaled.Spec.Replicas)
	condition := appsv1.DeploymentCondition().WithType("Checked").WithStatus("True").WithReason("Test")
	status := must(client.ApplyStatus(w.context, appsv1.Deployment("applied", w.namespace).WithStatus(appsv1.DeploymentStatus().WithConditions(condition)),
		metav1.ApplyOptions{FieldManager: "checker", Force: true}))
	for _, condition := range status.Status.Conditions {
		if condition.Type == "Checked" {
			say("status: %s %s", condition.Status, condition.Reason)
		}
	}
	check(client.Delete(w.context, "applied", metav1.DeleteOptions{}))
}
