"""Where usage comes from: the aggregated API, the kubelets, and the policy that chooses between them."""
