"""The words that are nobody's secret: those of Kubernetes, of what is usually installed in it, and of the internet.

A name that is one of these words stays as it is: a namespace "monitoring" tells nothing, and the same word in a message
is needed to judge it.
"""

from __future__ import annotations

import re

# Objects, users and groups that every cluster has.
_OBJECTS = """
accesskeyid accountid crt adapter addon-resizer admin agent aggregator anonymous apiserver apiserver-kubelet-client arn
auth-delegator auth-reader authenticated aws aws-auth bootstrap bootstrapper bootstrappers bootstrapping cluster-admin
cluster-admins cluster-info cluster-reader control-plane controller controllers coredns custom default
ec2privatednsname edit etcd etcd-ca exporter extension-apiserver-authentication
extension-apiserver-authentication-reader external front-proxy front-proxy-ca front-proxy-client group groups heapster
iam infra konnectivity-agent konnectivity-server kube-apiserver kube-apiserver-kubelet-client kube-controller-manager
kube-dns kube-node-lease kube-proxy kube-public kube-root-ca kube-scheduler kube-system kubeadm kubeadm-config kubelet
kubernetes kubernetes-admin kubernetes-dashboard kubernetes-front-proxy-ca master masters metrics metrics-api
metrics-server monitoring monitoring-reader nanny nodes pod_nanny reader role rolearn roles serviceaccount
serviceaccounts sessionname sessionnameraw system unauthenticated user userarn username users view worker
"""
# Registries, domains and protocols.
_INTERNET = """
addons aks amazonaws api app arpa artifacts asia azmk8s azurecr bitnami biz cloud cluster cluster-local com compute
corp dev dkr dns docker docker-io ec2 ecr edu eks eu eu-west gcr ghcr gke gke-system google-containers google-samples
google_containers googleapis gov home http https images in-addr info internal intranet io ip6 k8s k8s-artifacts-prod
kubernetes-sigs lan library local localdomain localhost mcr microsoft mil mirrored net node-local org oss pkg private
public quay rancher registry sigs ssl svc tcp tls udp us us-east www
"""
# Systems, programs, and what says which release of them.
_SOFTWARE = """
addon-manager alpha alpine amd64 antrea argocd argocd-application-controller argocd-controller arm arm64 armv7 beta
bookworm bullseye calico canal canary cilium cni containerd cri-o crio darwin datadog debian docker-engine edge
fargate flannel flux grafana helm helm-controller i386 istio k3s k3s-io keda kind kindnet kops kube-apiserver-client
kube-ovn kube-prometheus kube-router kubectl kubectl-client-side-apply kubectl-create kubectl-edit kubectl-label
kubectl-patch kubectl-replace kubectl-rollout kubelet-client kubelet-serving latest linkerd linux main microk8s
minikube nightly olm openshift operator ppc64le prometheus prometheus-adapter pulumi rc release rke2 runc s390x stable
terraform ubuntu virtual-kubelet weave windows x86_64
"""
# Folders that every system has.
_FOLDERS = "etc lib opt pki srv var"
# What messages consist of.
_MESSAGES = """
a able about above access account active actual address addresses after again all allow allowed already also always an
and annotations answer any apiservice apiservices apps are argument arguments as asked at attempt authenticate
authentication authority authority-ca authorization auto available back-off backend bad be bearer because become been
before begin below between binding bound broken busy but by ca call can cannot capacity cert certificate certificates
certs chain change channel check checks class client clients closed cluster-scoped code collect collection command
common component condition conditions config configmap configmaps configuration configured confirm connect connection
container containers content context control could count cpu create created creating csr current custom-metrics data
database date deadline defined delete deleted denied deny deployment deployments desired details device dial different
directory disabled discovery disk does domain done down due duration dynamic e each either empty enabled encountered
end endpoint endpoints endpointslice endpointslices entry env eof error errors event events every exceeded exec exist
exists exit exited expected expired external-metrics fail failed failing failure false fatal fetch field file files
filesystem finished first flag flags for forbidden format found free from frontend full g gateway get given global go
got had handshake has have header headers health healthy high host hostname hosts hpa hpas i id if image in ingress
init initial instance insufficient intermediate internal-server into invalid ip ips is issuer issuing it item items
its job jobs json key keys kinds known label labels last later lead leader lease length level limit limits line list
listen live liveness livez load local-path location log logs long lookup low machine manager manifest map max maximum
may memory message metadata metric min minimum missing mode model module more most mount move name names namespace
namespaces need needed needs network networkpolicy new next nil no node node-metrics none normal not now null number
object objects of off ok old on once one only open operation option options or order original os other out output over
owner package packet parse part password path peer pending per permission phase pid ping pipe plugin pod pods point
policy pool port ports post presented pressure previous probe problem process profile progress protocol provide
provider proxy pull put query queue quota rate raw reached read readiness ready readyz reason refused region register
rejected remote removed replace replica replicas replicaset request requested requests require required reset resolve
resource resources response rest restart restarts result resync retry return review right root route rules run runner
running runtime same scale scaled schedule scheduled scheduler scope scrape search second seconds secret secrets
secure security select selector send serve served server servers service services serving session set sets setup short
should shutdown sidecar sign signed signer since size skip slice small so socket source spec stage staging start
started starting startup state stateful statefulset static status stop stopped storage store stream string subject
success successful such sum support supported syn sync table tag taint target task template terminated terminating
test tests text than that the their then there they this time timed timeout to token tokens tolerate too tool top
total trace traffic transport trigger true trust trusted try tunnel type unable unauthorized unavailable under
unexpected unhealthy unknown unreachable unready until up update upstream usage use used utilization v valid
validation value values verb verify version volume volumes wait waiting warning was watch web webhook when where which
while who will window with without word work workload workloads would write wrong x509 yaml you your zero zone
"""
KEPT = frozenset(" ".join((_OBJECTS, _INTERNET, _SOFTWARE, _FOLDERS, _MESSAGES)).split())

# Well-known programs whose name may stand within a name: "kube-apiserver-node-a", "acme-metrics-server".
PRODUCT = re.compile(
    r"metrics-server"
    r"|(?<![A-Za-z0-9])(?:kube-apiserver|kube-proxy|kube-controller-manager|kube-scheduler|kube-dns|coredns|etcd"
    r"|konnectivity-agent|konnectivity-server|prometheus-adapter|heapster|addon-resizer|virtual-kubelet|fargate"
    r"|k3s|rke2|aws-node|calico|cilium|flannel|keda|datadog)(?![A-Za-z0-9])"
)
# What controllers add to a name: the alphabet of Kubernetes' rand.SafeEncodeString.
RANDOM = re.compile(r"[bcdfghjklmnpqrstvwxz2456789]{5,10}")
VERSION = re.compile(r"v\d+(?:(?:alpha|beta)\d+)?")

# Names that end in these belong to projects.
PUBLIC = re.compile(
    r"(?:.+\.)?(?:k8s\.io|kubernetes\.io|docker\.io|docker\.com|github\.com|githubusercontent\.com|gcr\.io|quay\.io"
    r"|ghcr\.io|mcr\.microsoft\.com|public\.ecr\.aws|helm\.sh|golang\.org)",
    re.IGNORECASE,
)
# What the last label of a host's name may be; "server.go" and "ca.crt" are none.
TOP_LEVEL = re.compile(
    r"com|net|org|info|biz|dev|app|cloud|tech|online|systems|network|zone|local|localdomain|internal|intranet|corp|lan"
    r"|home|private|test|example|svc|cluster|arpa|gov|edu|mil|int|(?!go|sh|py|so|ps|md|id|is|in|it|as|at|be|to|no)[a-z]{2}",
    re.IGNORECASE,
)

# Prefixes of labels' keys that belong to projects; what stands behind them stays too.
LABEL_DOMAINS = re.compile(
    r"(?:.+\.)?(?:kubernetes\.io|k8s\.io|amazonaws\.com|azure\.com|google\.com|helm\.sh|argoproj\.io|k3s\.io|cattle\.io"
    r"|openshift\.io|cilium\.io|projectcalico\.org|karpenter\.sh|eksctl\.io|microk8s\.io|talos\.dev|fluxcd\.io"
    r"|cert-manager\.io|node-restriction)"
)
_KEYS = """
app component type tier release heritage chart k8s-app name role version env environment instance
controller-revision-hash pod-template-hash pod-template-generation statefulset job-name control-plane
"""
LABEL_KEYS = frozenset(_KEYS.split())
# Labels whose values stay.
OPEN_LABELS = re.compile(
    r"(?:beta\.)?kubernetes\.io/(?:os|arch|instance-type)|node\.kubernetes\.io/(?:instance-type|windows-build)"
    r"|pod-template-hash|controller-revision-hash|pod-template-generation|eks\.amazonaws\.com/compute-type"
)

# Operating systems that anybody can have, with their release.
PUBLIC_SYSTEM = re.compile(
    r"(?:Alpine|AlmaLinux|Amazon Linux|Azure Linux|Bottlerocket|CBL-Mariner|CentOS|Common Base Linux"
    r"|Container-Optimized OS|Debian|Fedora|Flatcar|Garden Linux|k3os|Kairos|Microsoft|NixOS|openSUSE|Oracle Linux"
    r"|Red Hat|Rocky Linux|SLE|SUSE|Talos|Ubuntu|VMware Photon|Windows)[\w .()/:+-]*",
    re.ASCII | re.IGNORECASE,
)

# Arguments whose values name somebody or something of the outside.
PRIVATE_FLAG = re.compile(
    r"--?(?:oidc-.*|cloud-.*|cluster-name|service-account-issuer|audit-.*|etcd-servers.*|node-name)"
)

# Where a message names an object: User "x", in the namespace "x", pods "x", node=x.
QUOTED = re.compile(
    r"(?:\b(?:user|group|namespace|secret|configmap|volume|claim|serviceaccount|account|clusterrole|role|pod|node|service"
    r"|deployment|replicaset|host|container)s?(?:\.[\w.-]+)?\s*[:=]?\s*|\bin )\\?\"([^\"\\\s]{1,253})\\?\"",
    re.IGNORECASE,
)
ASSIGNED = re.compile(r"\b(?:node|pod|namespace|user|host|nodeName|podName)=\\?\"?([^\s\"\\,;)]{1,253})")
HOSTS = re.compile(r"(?:\w://|\blookup |\bdial (?:tcp|udp) )([A-Za-z][A-Za-z0-9.-]{0,252})(?=[\s:/,]|$)")
