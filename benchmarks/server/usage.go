package main

import (
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	metrics "k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

const group = "metrics.k8s.io/v1beta1"

func (c *cluster) nodeMetrics() *metrics.NodeMetricsList {
	now := meta.NewTime(time.Now().UTC().Truncate(time.Second))
	list := &metrics.NodeMetricsList{
		TypeMeta: meta.TypeMeta{Kind: "NodeMetricsList", APIVersion: group}, Items: make([]metrics.NodeMetrics, c.nodes),
	}
	for node := range list.Items {
		name := c.nodeName(node)
		list.Items[node] = metrics.NodeMetrics{
			ObjectMeta: meta.ObjectMeta{Name: name, CreationTimestamp: now, Labels: nodeLabels(name, node)},
			Timestamp:  now,
			Window:     meta.Duration{Duration: 15017 * time.Millisecond},
			Usage:      c.nodeUsage(node).quantities(),
		}
	}
	return list
}

// podMetrics are those of a namespace, or ("") of all.
func (c *cluster) podMetrics(namespace string) *metrics.PodMetricsList {
	now := meta.NewTime(time.Now().UTC().Truncate(time.Second))
	list := &metrics.PodMetricsList{TypeMeta: meta.TypeMeta{Kind: "PodMetricsList", APIVersion: group}, Items: []metrics.PodMetrics{}}
	for pod := range c.pods {
		if namespace != "" && c.namespace(pod) != namespace {
			continue
		}
		item := metrics.PodMetrics{
			ObjectMeta: meta.ObjectMeta{
				Name: c.podName(pod), Namespace: c.namespace(pod), CreationTimestamp: now,
				Labels: map[string]string{
					"app.kubernetes.io/name": c.app(pod), "app.kubernetes.io/part-of": "shop", "pod-template-hash": "6c9f7d5b8c",
				},
			},
			Timestamp: now,
			Window:    meta.Duration{Duration: 15234 * time.Millisecond},
		}
		for number, container := range c.containers(pod) {
			usage := c.containerUsage(pod, number).quantities()
			item.Containers = append(item.Containers, metrics.ContainerMetrics{Name: container, Usage: usage})
		}
		list.Items = append(list.Items, item)
	}
	return list
}

func (u usage) quantities() core.ResourceList {
	return core.ResourceList{
		"cpu":    *resource.NewScaledQuantity(u.cpu, resource.Nano),
		"memory": *resource.NewQuantity(u.memory, resource.BinarySI),
	}
}
