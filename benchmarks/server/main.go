// The server of the benchmarks: an API server and the kubelets of a cluster of any size, over TLS on loopback.
//
// What it answers is made before the first request, or put together from prepared pieces, so that what is measured is
// the client. It answers as real ones do: protobuf or JSON, compressed for whoever asks for it (-gzip), each kubelet
// with a certificate for its own address. The network can be made slow (-rtt, -bandwidth), kubelets can hang or be down.
//
// It writes DIR/kubeconfig and then a line to stdout. For every line that it reads from stdin it writes one with what it
// has counted since the one before. It ends when stdin does: whoever started it cannot leave it behind.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"log"
	"os"
	"runtime"
	"runtime/debug"
	"time"
)

type options struct {
	cluster
	dir       string
	host      string
	rtt       time.Duration
	bandwidth float64
	gzip      bool
	metrics   bool
}

func parseOptions() options {
	var o options
	flag.StringVar(&o.dir, "dir", "", "`folder` for the kubeconfig")
	flag.StringVar(&o.host, "host", "127.0.0.1", "the API server's `address` in the kubeconfig")
	flag.IntVar(&o.nodes, "nodes", 3, "`number` of nodes")
	flag.IntVar(&o.pods, "pods", 30, "`number` of pods")
	flag.IntVar(&o.hung, "hung", 0, "`percent` of the kubelets that take a connection and never answer")
	flag.IntVar(&o.down, "down", 0, "`percent` of the kubelets that refuse connections")
	flag.BoolVar(&o.unknown, "unknown", false, "the nodes of these kubelets are not ready: their status is unknown")
	flag.DurationVar(&o.rtt, "rtt", 0, "round-trip `time`")
	flag.Float64Var(&o.bandwidth, "bandwidth", 0, "`Mbit/s` of the way from the server, all connections together; 0: no limit")
	flag.BoolVar(&o.gzip, "gzip", false, "compress large answers for whoever asks for it, as kube-apiserver does")
	flag.BoolVar(&o.metrics, "metrics", true, "serve metrics.k8s.io")
	flag.Parse()
	if o.dir == "" || flag.NArg() > 0 || o.nodes < 1 || o.nodes > maxNodes {
		flag.Usage()
		os.Exit(2)
	}
	return o
}

func main() {
	o := parseOptions()
	identity := newAuthority()
	way := newLink(o.rtt, o.bandwidth*1e6/8)

	kubelets := newMeter(way.over(listenOnLoopback()))
	o.kubeletPort = kubelets.port()
	serve(kubelets, newKubelets(&o.cluster, kubelets), identity.ofAddresses(o.addresses()))
	api := newMeter(way.over(listen("127.0.0.1:0")))
	serve(api, newAPI(&o, api), identity.ofAddresses([]string{"127.0.0.1"}, o.host))
	identity.writeKubeconfig(o.dir, o.host, api.port())

	// What has been prepared stays, and little is added: the collector would only take time from the client.
	runtime.GC()
	debug.SetGCPercent(400)
	out := json.NewEncoder(os.Stdout)
	for asked := bufio.NewScanner(os.Stdin); ; {
		check(out.Encode(map[string]counts{"api": api.take(), "kubelets": kubelets.take()}))
		if !asked.Scan() {
			return
		}
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
