package process

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"
)

// TestMain lets the test binary be the program under test, too: as a worker
// when a master started it, as the program when a test did.
func TestMain(m *testing.M) {
	title := TakeTitle()
	if w, ok := WorkerFromEnv(title); ok {
		os.Exit(w.Run(new(echo)))
	}
	if len(os.Args) == 3 && os.Args[1] == "serve" {
		os.Exit(serve(title, os.Args[2]))
	}
	if len(os.Args) == 3 && os.Args[1] == "-c" { // as nginx, beside whose file ours is
		os.Exit(serve(title, filepath.Dir(os.Args[2])+"/conf"))
	}
	if len(os.Args) == 3 && os.Args[1] == "-c" { // as nginx, beside whose file ours is
		os.Exit(serve(title, filepath.Dir(os.Args[2])+"/conf"))
	}
	goleak.VerifyTestMain(m)
}
