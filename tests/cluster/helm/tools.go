//go:build tools

// Package tools names the commands that the developer's tool builds from this module, so that
// `go mod tidy` keeps their requirements.
package tools

import (
	_ "helm.sh/helm/v3/cmd/helm"
)
