package main

import (
	"net"
	"net/http"
	"strconv"
	"time"
)

// kubelets are all of them: each knows itself by the address at which it was called.
type kubelets struct {
	cluster   *cluster
	byAddress map[string]int
	// of /stats/summary, as a kubelet indents it
	summaryNode, summaryPod, summaryContainer template
}

func newKubeletAnswers(c *cluster) *kubelets {
	k := &kubelets{cluster: c, byAddress: make(map[string]int, c.nodes)}
	for node := range c.nodes {
		k.byAddress[c.address(node)] = node
	}
	measured := []string{"TIME", "CPU", "CPU_TOTAL", "MEMORY"}
	k.summaryNode = load("summary_node.json", append(measured, "NAME", "PODS")...)
	k.summaryPod = load("summary_pod.json", append(measured, "NAME", "NAMESPACE", "UID", "CONTAINERS")...)
	k.summaryContainer = load("summary_container.json", append(measured, "NAME")...)
	return k
}

func newKubelets(c *cluster, counter *meter) http.Handler {
	k := newKubeletAnswers(c)
	return counter.requestsOf(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		called := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
		node, ok := k.byAddress[called.IP.String()]
		switch {
		case !ok:
			w.WriteHeader(http.StatusMisdirectedRequest)
		case r.Header.Get("Authorization") != "Bearer "+token:
			http.Error(w, "Unauthorized", http.StatusUnauthorized)
		default:
			k.answer(w, r, node, r.URL.Path)
		}
	}))
}

func (k *kubelets) answer(w http.ResponseWriter, r *http.Request, node int, path string) {
	if k.cluster.state(node) == hung {
		<-r.Context().Done() // until the client has given up
		return
	}
	switch path {
	case "/stats/summary":
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(k.summary(node, time.Now()))
	case "/metrics/resource":
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		_, _ = w.Write(k.cluster.resourceMetrics(node, time.Now()))
	default:
		http.NotFound(w, r)
	}
}

// summary is what ?only_cpu_and_memory=true gives; nobody here asks for more.
func (k *kubelets) summary(node int, now time.Time) []byte {
	c, at := k.cluster, now.UTC().Format(time.RFC3339)
	pods := make([]byte, 0, 96<<10)
	for pod := node; pod < c.pods; pod += c.nodes {
		if pod > node {
			pods = append(pods, ",\n"...)
		}
		containers := make([]byte, 0, 2<<10)
		var all usage
		for number, name := range c.containers(pod) {
			if number > 0 {
				containers = append(containers, ",\n"...)
			}
			used := c.containerUsage(pod, number)
			all = usage{all.cpu + used.cpu, all.memory + used.memory}
			containers = k.summaryContainer.append(containers, append(used.texts(at, now), name)...)
		}
		values := append(all.texts(at, now), c.podName(pod), c.namespace(pod), uid("pod", pod), string(containers))
		pods = k.summaryPod.append(pods, values...)
	}
	return k.summaryNode.append(nil, append(c.nodeUsage(node).texts(at, now), c.nodeName(node), string(pods))...)
}

// texts are the time, the rate, what has been used since the cluster was made, and the memory.
func (u usage) texts(at string, now time.Time) []string {
	total := int64(u.seconds(now) * 1e9)
	return []string{at, strconv.FormatInt(u.cpu, 10), strconv.FormatInt(total, 10), strconv.FormatInt(u.memory, 10)}
}

// seconds of a processor that have been used since the cluster was made.
func (u usage) seconds(now time.Time) float64 {
	return float64(u.cpu) / 1e9 * now.Sub(timestamp(created)).Seconds()
}
