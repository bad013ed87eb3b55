package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// podObjects writes the API's lists of pods, whole or as metadata alone, in pages. All pods run.
type podObjects struct {
	cluster                    *cluster
	whole, metadata            template
	sidecarSpec, sidecarStatus string
}

var podFields = []string{"NAME", "NAMESPACE", "UID", "REPLICA_SET", "APP", "NODE_NAME", "NODE_ADDRESS", "SIDECAR_SPEC", "SIDECAR_STATUS"}

func newPodObjects(c *cluster) *podObjects {
	compact := func(file string) string {
		text, err := templates.ReadFile("templates/" + file)
		check(err)
		return compacted(text)
	}
	object := compact("pod.json")
	var parts struct{ Metadata json.RawMessage }
	// The fields that stand for more than a string are no JSON.
	check(json.Unmarshal([]byte(strings.NewReplacer("$SIDECAR_SPEC", "", "$SIDECAR_STATUS", "").Replace(object)), &parts))
	return &podObjects{
		cluster:       c,
		whole:         parse(object, podFields...),
		metadata:      parse(`{"metadata":`+string(parts.Metadata)+`}`, podFields...),
		sidecarSpec:   "," + compact("sidecar_spec.json"),
		sidecarStatus: "," + compact("sidecar_status.json"),
	}
}

// compacted takes the white space out of a template, which is not quite JSON: none of its strings has any.
func compacted(text []byte) string { return strings.Join(strings.Fields(string(text)), "") }

// send answers a list of the pods of a namespace, or ("") of all.
func (p *podObjects) send(w http.ResponseWriter, r *http.Request, namespace string) {
	kind, apiVersion, form := "PodList", "v1", p.whole
	if strings.Contains(r.Header.Get("Accept"), "as=PartialObjectMetadataList") {
		kind, apiVersion, form = "PartialObjectMetadataList", "meta.k8s.io/v1", p.metadata
	}
	query := r.URL.Query()
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil || limit <= 0 {
		limit = p.cluster.pods
	}
	next, _ := strconv.Atoi(query.Get("continue"))
	items, more := make([]byte, 0, 1<<20), ""
	for found := 0; next < p.cluster.pods; next++ {
		if namespace != "" && p.cluster.namespace(next) != namespace {
			continue
		}
		if found == limit {
			more = fmt.Sprintf(`,"continue":"%d"`, next)
			break
		}
		if found > 0 {
			items = append(items, ',')
		}
		items = p.append(items, form, next)
		found++
	}
	w.Header().Set("Content-Type", "application/json")
	fmt.Fprintf(w, `{"kind":%q,"apiVersion":%q,"metadata":{"resourceVersion":"123456"%s},"items":[`, kind, apiVersion, more)
	write(w, append(items, "]}"...))
}

func (p *podObjects) append(to []byte, form template, pod int) []byte {
	c := p.cluster
	spec, status := "", ""
	if len(c.containers(pod)) > 1 {
		spec, status = p.sidecarSpec, p.sidecarStatus
	}
	node := c.nodeOf(pod)
	return form.append(to, c.podName(pod), c.namespace(pod), uid("pod", pod), c.replicaSet(pod), c.app(pod), c.nodeName(node),
		c.address(node), spec, status)
}
