// Command generate prints the table of facts that `kinds` needs about the wire types of Kubernetes and that k8s-openapi lacks: Go's
// omission rules, protobuf field numbers, list and map types, patch strategies and structural defaults. All are public facts of the API,
// read by reflection from its published Go types and OpenAPI definitions. The format is described in `meta::schema`.
//
//	GOFLAGS=-mod=mod go run . > ../fields.tsv
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strconv"
	"strings"

	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/kubernetes/scheme"
	apiregistration "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	"k8s.io/kube-openapi/pkg/common"
	"k8s.io/kube-openapi/pkg/validation/spec"
	openapi "k8s.io/kubernetes/pkg/generated/openapi"
)

// served lists the group-versions whose kinds are roots of the walk.
var served = []string{
	"v1", "apps/v1", "batch/v1", "autoscaling/v1", "autoscaling/v2", "networking.k8s.io/v1", "policy/v1", "rbac.authorization.k8s.io/v1",
	"storage.k8s.io/v1", "discovery.k8s.io/v1", "coordination.k8s.io/v1", "events.k8s.io/v1", "certificates.k8s.io/v1", "scheduling.k8s.io/v1",
	"node.k8s.io/v1", "admissionregistration.k8s.io/v1", "authentication.k8s.io/v1", "authorization.k8s.io/v1", "flowcontrol.apiserver.k8s.io/v1",
	"resource.k8s.io/v1", "storagemigration.k8s.io/v1", "storagemigration.k8s.io/v1beta1",
}

type walk struct {
	order []reflect.Type
	index map[reflect.Type]int
	defs  map[string]common.OpenAPIDefinition
}

func main() {
	w := &walk{index: map[reflect.Type]int{}, defs: openapi.GetOpenAPIDefinitions(func(path string) spec.Ref { return spec.MustCreateRef("#/" + path) })}
	for _, text := range served {
		gv, err := schema.ParseGroupVersion(text)
		if err != nil {
			panic(err)
		}
		types := scheme.Scheme.KnownTypes(gv)
		names := make([]string, 0, len(types))
		for name := range types {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			w.number(types[name])
		}
	}
	for _, root := range []any{apiextensions.CustomResourceDefinition{}, apiextensions.CustomResourceDefinitionList{}, apiextensions.ConversionReview{},
		apiregistration.APIService{}, apiregistration.APIServiceList{}, metav1.Status{}, metav1.PartialObjectMetadata{}, metav1.PartialObjectMetadataList{},
		metav1.Table{}, metav1.APIResourceList{}, metav1.APIGroup{}, metav1.APIGroupList{}, metav1.APIVersions{}, metav1.DeleteOptions{}} {
		w.number(reflect.TypeOf(root))
	}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for i := 0; i < len(w.order); i++ { // grows while it is walked
		w.print(out, w.order[i])
	}
}

func (w *walk) number(t reflect.Type) int {
	if n, ok := w.index[t]; ok {
		return n
	}
	w.index[t] = len(w.order)
	w.order = append(w.order, t)
	return w.index[t]
}

// name is the OpenAPI name of a type.
func name(t reflect.Type) string {
	if m, ok := reflect.New(t).Interface().(interface{ OpenAPIModelName() string }); ok {
		return m.OpenAPIModelName()
	}
	return strings.ReplaceAll(t.PkgPath(), "/", ".") + "." + t.Name()
}

func (w *walk) print(out *bufio.Writer, t reflect.Type) {
	def := w.defs[name(t)].Schema
	flags := ""
	if def.Extensions["x-kubernetes-map-type"] == "atomic" {
		flags = "atomic"
	}
	fmt.Fprintf(out, "T\t%s\t%s\t%s\t%s\n", t.PkgPath(), t.Name(), name(t), flags)
	w.fields(out, t, def)
}

func (w *walk) fields(out *bufio.Writer, t reflect.Type, def spec.Schema) {
	for i := 0; i < t.NumField(); i++ {
		f := t.Field(i)
		tag := strings.Split(f.Tag.Get("json"), ",")
		if tag[0] == "-" || !f.IsExported() {
			continue
		}
		if tag[0] == "" && f.Anonymous {
			inner := f.Type
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			}
			w.fields(out, inner, def)
			continue
		}
		presence := "a"
		for _, option := range tag[1:] {
			if option == "omitempty" || option == "omitzero" {
				presence = "z"
				if f.Type.Kind() == reflect.Pointer {
					presence = "p"
				} else if f.Type.Kind() == reflect.Struct && option == "omitempty" && presence == "z" && !strings.Contains(f.Tag.Get("json"), "omitzero") {
					presence = "a" // omitempty never omits a struct
				}
			}
		}
		if keepsEmpty[t.PkgPath()+"."+t.Name()+"."+tag[0]] {
			presence = "p"
		}
		proto := 0
		if parts := strings.Split(f.Tag.Get("protobuf"), ","); len(parts) > 1 {
			proto, _ = strconv.Atoi(parts[1])
		}
		text, wrapped := w.typeText(f.Type)
		facts := []string{}
		add := func(key, value string) {
			if value != "" {
				facts = append(facts, key+"="+value)
			}
		}
		property := def.Properties[tag[0]]
		add("listType", str(property.Extensions["x-kubernetes-list-type"]))
		if keys, ok := property.Extensions["x-kubernetes-list-map-keys"].([]interface{}); ok {
			parts := []string{}
			for _, key := range keys {
				parts = append(parts, key.(string))
			}
			add("keys", strings.Join(parts, ","))
		}
		if f.Type.Kind() == reflect.Map {
			add("mapType", str(property.Extensions["x-kubernetes-map-type"]))
		} else {
			add("structType", str(property.Extensions["x-kubernetes-map-type"]))
		}
		add("patchStrategy", f.Tag.Get("patchStrategy"))
		add("mergeKey", f.Tag.Get("patchMergeKey"))
		if wrapped {
			add("wrapped", "true")
		}
		for _, option := range def.Required {
			if option == tag[0] {
				add("required", "true")
			}
		}
		if property.Default != nil {
			if data, err := json.Marshal(property.Default); err == nil && string(data) != "{}" && string(data) != `""` && string(data) != "0" && string(data) != "false" && string(data) != "null" {
				add("default", string(data))
			}
		}
		fmt.Fprintf(out, "F\t%s\t%s\t%s\t%d\t%s\n", tag[0], text, presence, proto, strings.Join(facts, ";"))
	}
}

// keepsEmpty names lists of which an empty one is refused where an absent one is defaulted.
var keepsEmpty = map[string]bool{"k8s.io/api/autoscaling/v2.HPAScalingRules.policies": true}

func str(v interface{}) string {
	s, _ := v.(string)
	return s
}

var raw = map[reflect.Type]bool{
	reflect.TypeOf(runtime.RawExtension{}): true, reflect.TypeOf(metav1.FieldsV1{}): true, reflect.TypeOf(apiextensions.JSON{}): true,
	reflect.TypeOf(apiextensions.JSONSchemaPropsOrBool{}): true, reflect.TypeOf(apiextensions.JSONSchemaPropsOrArray{}): true,
	reflect.TypeOf(apiextensions.JSONSchemaPropsOrStringArray{}): true,
}

// typeText writes a type in the table's grammar, and tells whether protobuf wraps the list in a message.
func (w *walk) typeText(t reflect.Type) (string, bool) {
	switch t {
	case reflect.TypeOf(resource.Quantity{}):
		return "q", false
	case reflect.TypeOf(intstr.IntOrString{}):
		return "n", false
	case reflect.TypeOf(metav1.Time{}):
		return "t", false
	case reflect.TypeOf(metav1.MicroTime{}):
		return "m", false
	case reflect.TypeOf(metav1.Duration{}):
		return "r", false
	}
	if raw[t] {
		return "x", false
	}
	switch t.Kind() {
	case reflect.Pointer:
		text, wrapped := w.typeText(t.Elem())
		return "*" + text, wrapped
	case reflect.String:
		return "s", false
	case reflect.Bool:
		return "b", false
	case reflect.Int32:
		return "i", false
	case reflect.Int64, reflect.Int:
		return "l", false
	case reflect.Uint32:
		return "u", false
	case reflect.Uint64:
		return "v", false
	case reflect.Uint16, reflect.Uint8, reflect.Int16, reflect.Int8:
		return "i", false
	case reflect.Float64:
		return "d", false
	case reflect.Float32:
		return "f", false
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "y", false
		}
		text, _ := w.typeText(t.Elem())
		return "[" + text, t.Name() != "" && reflect.PointerTo(t).Implements(reflect.TypeOf((*interface{ Marshal() ([]byte, error) })(nil)).Elem())
	case reflect.Map:
		text, wrapped := w.typeText(t.Elem())
		return "{" + text, wrapped
	case reflect.Struct:
		return "@" + strconv.Itoa(w.number(t)), false
	case reflect.Interface:
		return "x", false
	}
	panic("no text for " + t.String())
}
