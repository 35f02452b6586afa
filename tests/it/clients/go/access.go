package main

import (
	"sort"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// accessing gives a ServiceAccount one right and becomes it by its token.
func accessing(w *world) {
	core, rbac := w.typed.CoreV1(), w.typed.RbacV1()
	robot := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "robot"}}
	must(core.ServiceAccounts(w.namespace).Create(w.context, robot, metav1.CreateOptions{}))
	role := &rbacv1.Role{ObjectMeta: metav1.ObjectMeta{Name: "reader"}, Rules: []rbacv1.PolicyRule{
		{Verbs: []string{"get", "list"}, APIGroups: []string{""}, Resources: []string{"configmaps"}}}}
	must(rbac.Roles(w.namespace).Create(w.context, role, metav1.CreateOptions{}))
	binding := &rbacv1.RoleBinding{ObjectMeta: metav1.ObjectMeta{Name: "readers"},
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "reader"},
		Subjects: []rbacv1.Subject{{Kind: "ServiceAccount", Name: "robot", Namespace: w.namespace}}}
	must(rbac.RoleBindings(w.namespace).Create(w.context, binding, metav1.CreateOptions{}))
	token := must(core.ServiceAccounts(w.namespace).CreateToken(w.context, "robot", &authenticationv1.TokenRequest{}, metav1.CreateOptions{}))

	config := rest.AnonymousClientConfig(w.config)
	config.BearerToken = token.Status.Token
	client := must(kubernetes.NewForConfig(config))
	who := must(client.AuthenticationV1().SelfSubjectReviews().Create(w.context, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{}))
	sort.Strings(who.Status.UserInfo.Groups)
	say("robot: %t, groups %d", who.Status.UserInfo.Username == "system:serviceaccount:"+w.namespace+":robot", len(who.Status.UserInfo.Groups))
	// The authorizer learns of a new binding by a watch.
	check(eventually(w, func() (bool, error) {
		_, err := client.CoreV1().ConfigMaps(w.namespace).List(w.context, metav1.ListOptions{})
		return err == nil, nil
	}))
	err := client.CoreV1().ConfigMaps(w.namespace).Delete(w.context, "subject", metav1.DeleteOptions{})
	say("may not delete: %t", apierrors.IsForbidden(err))
	for _, verb := range []string{"get", "list", "create"} {
		review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
			ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: w.namespace, Verb: verb, Resource: "configmaps"}}}
		answer := must(client.AuthorizationV1().SelfSubjectAccessReviews().Create(w.context, review, metav1.CreateOptions{}))
		say("may %s: %t", verb, answer.Status.Allowed)
	}
	config.BearerToken = "broken"
	_, err = must(kubernetes.NewForConfig(config)).CoreV1().ConfigMaps(w.namespace).List(w.context, metav1.ListOptions{})
	say("by a broken token: %t", apierrors.IsUnauthorized(err))
}
