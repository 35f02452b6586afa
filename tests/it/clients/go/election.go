package main

import (
	"context"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// electing lets two candidates meet: the second leads once the first has let go.
func electing(w *world) {
	led := make(chan string)
	first, endFirst := context.WithCancel(w.context)
	second, endSecond := context.WithCancel(w.context)
	firstEnded := candidate(first, w, "first", led)
	say("leads: %s", <-led)
	secondEnded := candidate(second, w, "second", led)
	lease := must(w.typed.CoordinationV1().Leases(w.namespace).Get(w.context, "election", metav1.GetOptions{}))
	say("lease: %s, %d s, transitions %d", *lease.Spec.HolderIdentity, *lease.Spec.LeaseDurationSeconds, *lease.Spec.LeaseTransitions)
	endFirst()
	<-firstEnded
	say("leads: %s", <-led)
	lease = must(w.typed.CoordinationV1().Leases(w.namespace).Get(w.context, "election", metav1.GetOptions{}))
	say("lease: %s, transitions %d", *lease.Spec.HolderIdentity, *lease.Spec.LeaseTransitions)
	endSecond()
	<-secondEnded
}

func candidate(ctx context.Context, w *world, name string, led chan<- string) <-chan struct{} {
	ended := make(chan struct{})
	lock := &resourcelock.LeaseLock{
		LeaseMeta:  metav1.ObjectMeta{Name: "election", Namespace: w.namespace},
		Client:     w.typed.CoordinationV1(),
		LockConfig: resourcelock.ResourceLockConfig{Identity: name},
	}
	go func() {
		defer close(ended)
		leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
			Lock: lock, LeaseDuration: 30 * time.Second, RenewDeadline: 20 * time.Second, RetryPeriod: 200 * time.Millisecond,
			ReleaseOnCancel: true,
			Callbacks: leaderelection.LeaderCallbacks{
				OnStartedLeading: func(context.Context) { led <- name },
				OnStoppedLeading: func() {},
			},
		})
	}()
	return ended
}
