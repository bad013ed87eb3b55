//go:build tools

// Package tools names the commands that tests/e2e/krewing.py builds, so that go.mod and go.sum cover them.
package tools

import (
	_ "sigs.k8s.io/krew/cmd/krew"
	_ "sigs.k8s.io/krew/cmd/validate-krew-manifest"
)
