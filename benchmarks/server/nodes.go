package main

import (
	"fmt"
	"time"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	imagesOfNode = 25
	imagesInAll  = 150
)

func (c *cluster) nodeList() *core.NodeList {
	list := &core.NodeList{
		TypeMeta: meta.TypeMeta{Kind: "NodeList", APIVersion: "v1"},
		ListMeta: meta.ListMeta{ResourceVersion: "123456"},
		Items:    make([]core.Node, c.nodes),
	}
	for node := range list.Items {
		list.Items[node] = c.node(node)
	}
	return list
}

// node is one of some 6 kB, as they are in life: with the images that it has and the fields that are managed.
func (c *cluster) node(node int) core.Node {
	name := c.nodeName(node)
	return core.Node{
		ObjectMeta: meta.ObjectMeta{
			Name: name, UID: types.UID(uid("node", node)), ResourceVersion: fmt.Sprint(100000 + node),
			CreationTimestamp: meta.NewTime(timestamp(created)),
			Labels:            nodeLabels(name, node),
			Annotations: map[string]string{
				"node.alpha.kubernetes.io/ttl":                           "0",
				"volumes.kubernetes.io/controller-managed-attach-detach": "true",
			},
			ManagedFields: managedFields,
		},
		Spec: core.NodeSpec{
			PodCIDR: fmt.Sprintf("10.%d.%d.0/24", node/perBlock, node%perBlock), ProviderID: fmt.Sprintf("aws:///eu-central-1a/i-%017x", node),
		},
		Status: core.NodeStatus{
			Capacity: resources("8", "83873772Ki", "32386544Ki"), Allocatable: resources("7910m", "76224326324", "31369712Ki"),
			Conditions: c.conditions(node),
			Addresses: []core.NodeAddress{
				{Type: core.NodeInternalIP, Address: c.address(node)},
				{Type: core.NodeHostName, Address: name},
				{Type: core.NodeInternalDNS, Address: name},
			},
			DaemonEndpoints: core.NodeDaemonEndpoints{KubeletEndpoint: core.DaemonEndpoint{Port: int32(c.port(node))}},
			NodeInfo: core.NodeSystemInfo{
				MachineID: fmt.Sprintf("ec2%029x", node), SystemUUID: fmt.Sprintf("ec2%029x", node), BootID: uid("boot", node),
				KernelVersion: "6.1.0", OSImage: "Amazon Linux 2023", ContainerRuntimeVersion: "containerd://1.7.27",
				KubeletVersion: version, OperatingSystem: "linux", Architecture: "amd64",
			},
			Images: images(node),
		},
	}
}

func nodeLabels(name string, node int) map[string]string {
	zone := fmt.Sprintf("eu-central-1%c", 'a'+node%3)
	return map[string]string{
		"beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/instance-type": "m6i.2xlarge", "beta.kubernetes.io/os": "linux",
		"kubernetes.io/arch": "amd64", "kubernetes.io/hostname": name, "kubernetes.io/os": "linux",
		"node.kubernetes.io/instance-type": "m6i.2xlarge", "topology.kubernetes.io/region": "eu-central-1",
		"topology.kubernetes.io/zone": zone,
	}
}

func resources(cpu, disk, memory string) core.ResourceList {
	return core.ResourceList{
		"cpu": resource.MustParse(cpu), "ephemeral-storage": resource.MustParse(disk), "memory": resource.MustParse(memory),
		"hugepages-1Gi": resource.MustParse("0"), "hugepages-2Mi": resource.MustParse("0"), "pods": resource.MustParse("58"),
	}
}

func images(node int) []core.ContainerImage {
	list := make([]core.ContainerImage, imagesOfNode)
	for i := range list {
		number := int(between(0, imagesInAll, node, i))
		repository := fmt.Sprintf("registry.example.com/team/service-%d", number)
		list[i] = core.ContainerImage{
			Names:     []string{repository + "@sha256:" + digest(number), fmt.Sprintf("%s:v1.2.%d", repository, number)},
			SizeBytes: between(10e6, 900e6, number),
		}
	}
	return list
}

// conditions of a node whose kubelet hangs or is down are what kube-controller-manager makes of them after a minute.
func (c *cluster) conditions(node int) []core.NodeCondition {
	if c.unknown && c.state(node) != up {
		return lost
	}
	return posted
}

var posted = []core.NodeCondition{
	condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
	condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
	condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
	condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
}

var lost = []core.NodeCondition{unknown("MemoryPressure"), unknown("DiskPressure"), unknown("PIDPressure"), unknown("Ready")}

func unknown(kind string) core.NodeCondition {
	return condition(kind, "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
}

func condition(kind, status, reason, message string) core.NodeCondition {
	return core.NodeCondition{
		Type: core.NodeConditionType(kind), Status: core.ConditionStatus(status), Reason: reason, Message: message,
		LastHeartbeatTime: meta.NewTime(time.Now().UTC().Truncate(time.Second)), LastTransitionTime: meta.NewTime(timestamp(created)),
	}
}

var managedFields = []meta.ManagedFieldsEntry{
	managed("kubelet", "", `{"f:metadata":{"f:annotations":{".":{},"f:volumes.kubernetes.io/controller-managed-attach-detach":{}},"f:labels":{".":{},"f:beta.kubernetes.io/arch":{},"f:beta.kubernetes.io/os":{},"f:kubernetes.io/arch":{},"f:kubernetes.io/hostname":{},"f:kubernetes.io/os":{}}},"f:spec":{"f:providerID":{}}}`),
	managed("kube-controller-manager", "", `{"f:metadata":{"f:annotations":{"f:node.alpha.kubernetes.io/ttl":{}}},"f:spec":{"f:podCIDR":{},"f:podCIDRs":{".":{},"v:\"10.0.0.0/24\"":{}}}}`),
	managed("kubelet", "status", `{"f:status":{"f:conditions":{"k:{\"type\":\"DiskPressure\"}":{"f:lastHeartbeatTime":{}},"k:{\"type\":\"MemoryPressure\"}":{"f:lastHeartbeatTime":{}},"k:{\"type\":\"PIDPressure\"}":{"f:lastHeartbeatTime":{}},"k:{\"type\":\"Ready\"}":{"f:lastHeartbeatTime":{},"f:lastTransitionTime":{},"f:message":{},"f:reason":{},"f:status":{}}},"f:images":{}}}`),
}

func managed(manager, subresource, fields string) meta.ManagedFieldsEntry {
	at := meta.NewTime(timestamp(created))
	return meta.ManagedFieldsEntry{
		Manager: manager, Operation: "Update", APIVersion: "v1", Time: &at, FieldsType: "FieldsV1", Subresource: subresource,
		FieldsV1: &meta.FieldsV1{Raw: []byte(fields)},
	}
}
