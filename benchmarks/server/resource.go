package main

import (
	"bytes"
	"fmt"
	"time"
)

// resourceMetrics is the kubelet's /metrics/resource.
func (c *cluster) resourceMetrics(node int, now time.Time) []byte {
	at := now.UnixMilli()
	var cpu, memory, start bytes.Buffer
	fmt.Fprintln(&cpu, "# TYPE container_cpu_usage_seconds_total counter")
	fmt.Fprintln(&memory, "# TYPE container_memory_working_set_bytes gauge")
	fmt.Fprintln(&start, "# TYPE container_start_time_seconds gauge")
	for pod := node; pod < c.pods; pod += c.nodes {
		for number, name := range c.containers(pod) {
			used := c.containerUsage(pod, number)
			labels := fmt.Sprintf(`{container=%q,namespace=%q,pod=%q}`, name, c.namespace(pod), c.podName(pod))
			fmt.Fprintf(&cpu, "container_cpu_usage_seconds_total%s %g %d\n", labels, used.seconds(now), at)
			fmt.Fprintf(&memory, "container_memory_working_set_bytes%s %g %d\n", labels, float64(used.memory), at)
			fmt.Fprintf(&start, "container_start_time_seconds%s %g\n", labels, float64(timestamp(created).Unix()))
		}
	}
	used := c.nodeUsage(node)
	body := append(append(cpu.Bytes(), memory.Bytes()...), start.Bytes()...)
	return fmt.Appendf(body, `# TYPE node_cpu_usage_seconds_total counter
node_cpu_usage_seconds_total %g %d
# TYPE node_memory_working_set_bytes gauge
node_memory_working_set_bytes %g %d
# TYPE resource_scrape_error gauge
resource_scrape_error 0
`, used.seconds(now), at, float64(used.memory), at)
}
