// Command internal prints the shape of the types that Kubernetes uses inside its API server and shows in a few error messages: Go's names of
// the fields, in order, with the name that each field has on the wire. The format is described in `kinds::internal`.
//
//	GOFLAGS=-mod=mod go run ./internal > ../internal.tsv
package main

import (
	"bufio"
	"fmt"
	"os"
	"reflect"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	policyv1 "k8s.io/api/policy/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
	storagemigrationv1 "k8s.io/api/storagemigration/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/kubernetes/pkg/apis/apps"
	"k8s.io/kubernetes/pkg/apis/autoscaling"
	"k8s.io/kubernetes/pkg/apis/batch"
	"k8s.io/kubernetes/pkg/apis/certificates"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/flowcontrol"
	"k8s.io/kubernetes/pkg/apis/policy"
	dynamicresource "k8s.io/kubernetes/pkg/apis/resource"
	"k8s.io/kubernetes/pkg/apis/storage"
	"k8s.io/kubernetes/pkg/apis/storagemigration"
)

type pair struct{ internal, wire reflect.Type }

var (
	queue []pair
	seen  = map[reflect.Type]bool{}
)

func main() {
	for _, root := range []pair{
		{reflect.TypeOf(core.PodSpec{}), reflect.TypeOf(corev1.PodSpec{})},
		{reflect.TypeOf(core.EphemeralContainer{}), reflect.TypeOf(corev1.EphemeralContainer{})},
		{reflect.TypeOf(core.PodIP{}), reflect.TypeOf(corev1.PodIP{})},
		{reflect.TypeOf(core.HostIP{}), reflect.TypeOf(corev1.HostIP{})},
		{reflect.TypeOf(core.NodeSpec{}), reflect.TypeOf(corev1.NodeSpec{})},
		{reflect.TypeOf(core.ServiceSpec{}), reflect.TypeOf(corev1.ServiceSpec{})},
		{reflect.TypeOf(core.ObjectReference{}), reflect.TypeOf(corev1.ObjectReference{})},
		{reflect.TypeOf(core.NodeAddress{}), reflect.TypeOf(corev1.NodeAddress{})},
		{reflect.TypeOf(metav1.OwnerReference{}), reflect.TypeOf(metav1.OwnerReference{})},
		{reflect.TypeOf(core.PersistentVolumeSource{}), reflect.TypeOf(corev1.PersistentVolumeSource{})},
		{reflect.TypeOf(core.VolumeNodeAffinity{}), reflect.TypeOf(corev1.VolumeNodeAffinity{})},
		{reflect.TypeOf(core.ScopeSelector{}), reflect.TypeOf(corev1.ScopeSelector{})},
		{reflect.TypeOf(storage.CSINodeDriver{}), reflect.TypeOf(storagev1.CSINodeDriver{})},
		{reflect.TypeOf(flowcontrol.FlowSchemaSpec{}), reflect.TypeOf(flowcontrolv1.FlowSchemaSpec{})},
		{reflect.TypeOf(flowcontrol.PriorityLevelConfigurationSpec{}), reflect.TypeOf(flowcontrolv1.PriorityLevelConfigurationSpec{})},
		{reflect.TypeOf(storagemigration.StorageVersionMigrationSpec{}), reflect.TypeOf(storagemigrationv1.StorageVersionMigrationSpec{})},
		{reflect.TypeOf(dynamicresource.ResourceClaimTemplateSpec{}), reflect.TypeOf(resourcev1.ResourceClaimTemplateSpec{})},
		{reflect.TypeOf(core.PersistentVolumeClaim{}), reflect.TypeOf(corev1.PersistentVolumeClaim{})},
		{reflect.TypeOf(core.PodTemplateSpec{}), reflect.TypeOf(corev1.PodTemplateSpec{})},
		{reflect.TypeOf(apps.StatefulSetUpdateStrategy{}), reflect.TypeOf(appsv1.StatefulSetUpdateStrategy{})},
		{reflect.TypeOf(apps.DaemonSetUpdateStrategy{}), reflect.TypeOf(appsv1.DaemonSetUpdateStrategy{})},
		{reflect.TypeOf(batch.PodFailurePolicy{}), reflect.TypeOf(batchv1.PodFailurePolicy{})},
		{reflect.TypeOf(batch.SuccessPolicy{}), reflect.TypeOf(batchv1.SuccessPolicy{})},
		{reflect.TypeOf(batch.UncountedTerminatedPods{}), reflect.TypeOf(batchv1.UncountedTerminatedPods{})},
		{reflect.TypeOf(autoscaling.HorizontalPodAutoscalerBehavior{}), reflect.TypeOf(autoscalingv2.HorizontalPodAutoscalerBehavior{})},
		{reflect.TypeOf(policy.PodDisruptionBudgetSpec{}), reflect.TypeOf(policyv1.PodDisruptionBudgetSpec{})},
		{reflect.TypeOf(certificates.PodCertificateRequestSpec{}), reflect.TypeOf(certificatesv1.PodCertificateRequestSpec{})},
	} {
		push(root.internal, root.wire)
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for i := 0; i < len(queue); i++ {
		fmt.Fprintf(out, "T\t%s\n", queue[i].internal.Name())
		fields(out, queue[i], "")
	}
}

func push(internal, wire reflect.Type) {
	if !seen[internal] {
		seen[internal] = true
		queue = append(queue, pair{internal, wire})
	}
}

// fields prints the fields of a type. Those that the wire has in an inner object carry its name in front.
func fields(out *bufio.Writer, p pair, within string) {
	for i := 0; i < p.internal.NumField(); i++ {
		f := p.internal.Field(i)
		tag, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		other, found := find(p.wire, f.Name)
		if f.Anonymous && tag == "" {
			t, inner := p.wire, within
			if found {
				t = deref(other.Type)
				if tag, _, _ := strings.Cut(other.Tag.Get("json"), ","); tag != "" {
					inner += tag + "/"
				}
			}
			fields(out, pair{deref(f.Type), t}, inner)
			continue
		}
		name, presence := f.Name, "always"
		if tag != "" {
			name = tag
		}
		if strings.Contains(options, "omitempty") {
			presence = "filled"
		}
		wire, wireType := name, f.Type
		if found {
			wire, _, _ = strings.Cut(other.Tag.Get("json"), ",")
			wireType = other.Type
		}
		fmt.Fprintf(out, "F\t%s\t%s\t%s\t%s\n", name, within+wire, code(f.Type, wireType), presence)
	}
}

func find(t reflect.Type, name string) (reflect.StructField, bool) {
	if t.Kind() != reflect.Struct {
		return reflect.StructField{}, false
	}
	if f, ok := t.FieldByName(name); ok {
		return f, true
	}
	return t.FieldByNameFunc(func(other string) bool { return strings.EqualFold(other, name) })
}

func deref(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

func code(internal, wire reflect.Type) string {
	switch internal {
	case reflect.TypeOf(resource.Quantity{}):
		return "q"
	case reflect.TypeOf(intstr.IntOrString{}), reflect.TypeOf(runtime.RawExtension{}):
		return "a"
	case reflect.TypeOf(metav1.Time{}), reflect.TypeOf(metav1.MicroTime{}):
		return "n"
	}
	switch internal.Kind() {
	case reflect.Pointer:
		return "*" + code(internal.Elem(), deref(wire))
	case reflect.String:
		return "s"
	case reflect.Bool:
		return "b"
	case reflect.Slice:
		if internal.Elem().Kind() == reflect.Uint8 {
			return "*s"
		}
		if wire.Kind() != reflect.Slice {
			wire = internal
		}
		return "[" + code(internal.Elem(), wire.Elem())
	case reflect.Map:
		if wire.Kind() != reflect.Map {
			wire = internal
		}
		return "{" + code(internal.Elem(), wire.Elem())
	case reflect.Struct:
		push(internal, deref(wire))
		return "@" + internal.Name()
	default:
		return "i"
	}
}
