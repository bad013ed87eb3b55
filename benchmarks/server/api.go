package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

const token = "benchmark"

// api is the API server, and metrics-server behind it.
type api struct {
	cluster  *cluster
	kubelets *kubelets
	answers  map[string]answer
	pods     *podObjects
	nodes    map[string]int
}

func newAPI(o *options, counter *meter) http.Handler {
	a := &api{&o.cluster, newKubeletAnswers(&o.cluster), map[string]answer{}, newPodObjects(&o.cluster), map[string]int{}}
	for node := range o.nodes {
		a.nodes[o.nodeName(node)] = node
	}
	a.answers["/api/v1/nodes"] = o.prepare("NodeList", "v1", o.nodeList())
	groups := []string{groupOf("apps", "v1")}
	if o.metrics {
		groups = append(groups, groupOf("metrics.k8s.io", "v1beta1"))
		a.answers["/apis/"+group+"/nodes"] = o.prepare("NodeMetricsList", group, o.nodeMetrics())
		a.answers["/apis/"+group+"/pods"] = o.prepare("PodMetricsList", group, o.podMetrics(""))
		one := o.namespace(0)
		a.answers["/apis/"+group+"/namespaces/"+one+"/pods"] = o.prepare("PodMetricsList", group, o.podMetrics(one))
		a.text("/apis/metrics.k8s.io", `{"kind":"APIGroup","apiVersion":"v1",`+groups[1][1:])
		a.text("/apis/"+group, resourceList(group, "nodes NodeMetrics false", "pods PodMetrics true"))
	}
	a.text("/version", `{"major":"1","minor":"34","gitVersion":"`+version+`"}`)
	a.text("/api", `{"kind":"APIVersions","versions":["v1"]}`)
	a.text("/api/v1", resourceList("v1", "nodes Node false", "pods Pod true"))
	a.text("/apis", `{"kind":"APIGroupList","apiVersion":"v1","groups":[`+strings.Join(groups, ",")+`]}`)
	return counter.requestsOf(a)
}

func (a *api) text(path, text string) { a.answers[path] = answer{json: body{plain: []byte(text)}} }

func groupOf(name, version string) string {
	served := fmt.Sprintf(`{"groupVersion":"%s/%s","version":%q}`, name, version, version)
	return fmt.Sprintf(`{"name":%q,"versions":[%s],"preferredVersion":%s}`, name, served, served)
}

// resourceList is a discovery document of resources, each given as its plural, its kind, and whether it is namespaced.
func resourceList(groupVersion string, resources ...string) string {
	items := make([]string, len(resources))
	for i, described := range resources {
		words := strings.Fields(described)
		items[i] = fmt.Sprintf(`{"name":%q,"singularName":"","namespaced":%s,"kind":%q,"verbs":["get","list"]}`, words[0], words[2], words[1])
	}
	return fmt.Sprintf(`{"kind":"APIResourceList","apiVersion":"v1","groupVersion":%q,"resources":[%s]}`, groupVersion, strings.Join(items, ","))
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+token {
		refuse(w, http.StatusUnauthorized, "Unauthorized", "Unauthorized")
		return
	}
	path := strings.TrimSuffix(r.URL.Path, "/")
	if prepared, ok := a.answers[path]; ok {
		prepared.send(w, r)
		return
	}
	if path == "/api/v1/pods" {
		a.pods.send(w, r, "")
		return
	}
	switch kind, name, rest := split(path); {
	case kind == "namespaces" && rest == "pods":
		a.pods.send(w, r, name)
	case kind == "nodes":
		if node, ok := a.nodes[name]; ok {
			a.serveNode(w, r, node, rest)
			return
		}
		fallthrough
	default:
		refuse(w, http.StatusNotFound, "NotFound", "the server could not find the requested resource")
	}
}

// split takes /api/v1/KIND/NAME/REST apart.
func split(path string) (kind, name, rest string) {
	rest, ok := strings.CutPrefix(path, "/api/v1/")
	if !ok {
		return "", "", ""
	}
	kind, rest, _ = strings.Cut(rest, "/")
	name, rest, _ = strings.Cut(rest, "/")
	return kind, name, rest
}

func (a *api) serveNode(w http.ResponseWriter, r *http.Request, node int, rest string) {
	proxied, isProxy := strings.CutPrefix(rest, "proxy/")
	switch {
	case rest == "":
		object := a.cluster.node(node)
		object.Kind, object.APIVersion = "Node", "v1"
		text, err := json.Marshal(object)
		check(err)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(text)
	case isProxy && a.cluster.state(node) == down:
		refuse(w, http.StatusServiceUnavailable, "ServiceUnavailable", fmt.Sprintf(
			"error trying to reach service: dial tcp %s:%d: connect: connection refused", a.cluster.address(node), never))
	case isProxy:
		a.kubelets.answer(w, r, node, "/"+proxied)
	default:
		refuse(w, http.StatusNotFound, "NotFound", "the server could not find the requested resource")
	}
}

func refuse(w http.ResponseWriter, code int, reason, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	fmt.Fprintf(w, `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":%q,"reason":%q,"details":{},"code":%d}`,
		message, reason, code)
}
