// A program as people write them with client-go. It goes through the parts of the library one after the other, prints what it
// saw, and leaves nothing behind; names, versions and times that differ from run to run are not printed, so that two servers
// that behave alike give the same lines.
//
// Arguments: the kubeconfig, and the namespace to make and work in.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	corev1 "k8s.io/api/core/v1"
)

// Far more than anything takes, even on a busy machine.
const ceiling = 60 * time.Second

// world is what each part works with.
type world struct {
	context   context.Context
	config    *rest.Config
	typed     kubernetes.Interface
	dynamic   dynamic.Interface
	metadata  metadata.Interface
	namespace string
	sent      *requests
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: client KUBECONFIG NAMESPACE")
		os.Exit(2)
	}
	w := connect(os.Args[1], os.Args[2])
	made := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: w.namespace}}
	must(w.typed.CoreV1().Namespaces().Create(w.context, made, metav1.CreateOptions{}))
	parts := []struct {
		name string
		run  func(*world)
	}{
		{"typed verbs, as JSON", typedAsJSON},
		{"typed verbs, as protobuf", typedAsProtobuf},
		{"pages and selectors", pages},
		{"conflicts", conflicts},
		{"dynamic client", dynamicVerbs},
		{"server-side apply", applying},
		{"discovery", discovering},
		{"informers", informing},
		{"informers of all kinds", followingEverything},
		{"watches", watching},
		{"leader election", electing},
		{"events", recording},
		{"access", accessing},
		{"tables", tabling},
	}
	for _, part := range parts {
		say("# %s", part.name)
		part.run(w)
	}
	check(w.typed.CoreV1().Namespaces().Delete(w.context, w.namespace, metav1.DeleteOptions{}))
}

func connect(kubeconfig, namespace string) *world {
	config := must(clientcmd.BuildConfigFromFlags("", kubeconfig))
	// Requests are counted by the server, not held back by the client.
	config.QPS, config.Burst = -1, -1
	sent := &requests{}
	config.Wrap(sent.count)
	ctx, cancel := context.WithTimeout(context.Background(), 5*ceiling)
	_ = cancel
	return &world{
		context:   ctx,
		config:    config,
		typed:     must(kubernetes.NewForConfig(config)),
		dynamic:   must(dynamic.NewForConfig(config)),
		metadata:  must(metadata.NewForConfig(config)),
		namespace: namespace,
		sent:      sent,
	}
}

func say(format string, values ...any) {
	fmt.Printf(format+"\n", values...)
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		panic(fmt.Sprintf("%T: %v", err, err))
	}
}
