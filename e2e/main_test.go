package e2e_test

import (
	"os"
	"testing"

	"github.com/baton-project/baton/e2e"
)

func TestMain(m *testing.M) { os.Exit(e2e.Main(m)) }
