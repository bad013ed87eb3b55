package main

import (
	"fmt"
	"strings"
	"time"
)

const (
	perBlock = 250            // nodes that differ in the last number of their address
	maxNodes = 250 * perBlock // 127.1.0.1 to 127.1.249.250
	teams    = 200            // namespaces
	apps     = 997            // applications, of which a namespace has some
	never    = 1              // a port on which nothing listens: tcpmux
	version  = "v1.34.4"      // of Kubernetes, whose answers these are
	created  = "2026-01-01T00:00:00Z"
)

// cluster says what there is and how much each part uses, always the same for the same size.
type cluster struct {
	nodes, pods int
	hung, down  int  // percent of the nodes
	unknown     bool // the API server has noticed which they are
	kubeletPort int
}

type state int

const (
	up   state = iota
	hung       // takes connections, does TLS, and never answers
	down       // refuses connections
)

// state spreads the hung and the broken evenly, and begins with neither: a client that gives up when the first few
// kubelets cannot be reached is not to be tripped by chance.
func (c *cluster) state(node int) state {
	switch place := (node + 50) % 100; {
	case place >= 100-c.down:
		return down
	case place >= 100-c.down-c.hung:
		return hung
	default:
		return up
	}
}

func (c *cluster) nodeName(node int) string {
	return fmt.Sprintf("ip-10-0-%03d-%03d.eu-central-1.compute.internal", node/perBlock, node%perBlock+1)
}

func (c *cluster) address(node int) string {
	return fmt.Sprintf("127.1.%d.%d", node/perBlock, node%perBlock+1)
}

func (c *cluster) addresses() []string {
	all := make([]string, c.nodes)
	for node := range all {
		all[node] = c.address(node)
	}
	return all
}

// port is where the node says that its kubelet listens. All of them do at one port, and are told apart by the address.
func (c *cluster) port(node int) int {
	if c.state(node) == down {
		return never
	}
	return c.kubeletPort
}

// Pods are numbered in the order of their namespaces and names, which is the order of the API's lists.

func (c *cluster) namespace(pod int) string {
	return fmt.Sprintf("team-%03d", pod*teams/max(c.pods, teams))
}

func (c *cluster) app(pod int) string { return fmt.Sprintf("service-%03d", pod*apps/max(c.pods, apps)) }

func (c *cluster) replicaSet(pod int) string { return c.app(pod) + "-6c9f7d5b8c" }

func (c *cluster) podName(pod int) string { return fmt.Sprintf("%s-%06x", c.replicaSet(pod), pod) }

func (c *cluster) nodeOf(pod int) int { return pod % c.nodes }

// containers of a pod: every other one has a sidecar.
func (c *cluster) containers(pod int) []string {
	return []string{"app", "istio-proxy"}[:1+(pod+1)%2]
}

// usage is in nanocores and bytes.
type usage struct{ cpu, memory int64 }

func (c *cluster) nodeUsage(node int) usage {
	return usage{between(1e8, 6e9, node, 100), between(2e9, 22e9, node, 101) &^ 1023}
}

func (c *cluster) containerUsage(pod, container int) usage {
	return usage{between(1e6, 5e8, pod, 2*container), between(10e6, 500e6, pod, 2*container+1) &^ 1023}
}

// between is a number that looks random.
func between(low, high int64, seeds ...int) int64 {
	x := uint64(0x9e3779b97f4a7c15)
	for _, seed := range seeds {
		x ^= uint64(seed)
		x *= 0xbf58476d1ce4e5b9
		x ^= x >> 29
	}
	return low + int64(x%uint64(high-low))
}

func uid(kind string, number int) string {
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", between(0, 1<<32, len(kind), number), number)
}

// digest looks like that of an image.
func digest(number int) string {
	var text strings.Builder
	for part := range 4 {
		fmt.Fprintf(&text, "%016x", between(0, 1<<62, number, part))
	}
	return text.String()
}

func timestamp(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	check(err)
	return at
}
