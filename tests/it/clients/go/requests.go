package main

import (
	"net/http"
	"strings"
	"sync"
)

// requests counts how the library reads a collection: by a list, or by a watch that begins with the state.
type requests struct {
	lock     sync.Mutex
	lists    int
	streamed int
}

type transport struct {
	next http.RoundTripper
	sent *requests
}

func (r *requests) count(next http.RoundTripper) http.RoundTripper {
	return transport{next, r}
}

func (t transport) RoundTrip(request *http.Request) (*http.Response, error) {
	query := request.URL.Query()
	t.sent.lock.Lock()
	switch {
	case query.Get("sendInitialEvents") == "true":
		t.sent.streamed++
	case request.Method == http.MethodGet && query.Get("watch") == "" && strings.HasSuffix(request.URL.Path, "/configmaps"):
		t.sent.lists++
	}
	t.sent.lock.Unlock()
	return t.next.RoundTrip(request)
}

func (r *requests) take() (lists, streamed int) {
	r.lock.Lock()
	defer r.lock.Unlock()
	lists, streamed = r.lists, r.streamed
	r.lists, r.streamed = 0, 0
	return lists, streamed
}
